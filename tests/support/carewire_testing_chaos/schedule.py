"""Which faults strike whom, and when: drawn by lot from a seed, always the same for the same one."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SERVICES: Final = (
    "ingress-1",
    "ingress-2",
    "request-log",
    "orchestrator-1",
    "orchestrator-2",
    "api",
    "fan-out",
    "worker-1",
    "worker-2",
    "attempt-log",
)
"""Every process of the house, by its name."""
SERVERS: Final = ("kafka", "postgres")
LINES: Final = tuple(
    f"{server} of {service}" for service in ("ingress", "orchestrator", "dispatcher") for server in SERVERS
)
"""The connections of each service to each server, as `kafka of ingress`."""


class Action(StrEnum):
    """What is done."""

    KILL = "kill"
    FREEZE = "freeze"
    CUT = "cut"
    DELAY = "delay"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: seconds after the one before, what is done to whom, and for how long where it lasts."""

    number: int
    after_s: float
    action: Action
    target: str
    lasts_s: float = 0.0


_TARGETS: Final[dict[Action, tuple[str, ...]]] = {
    # A server is as likely to be struck as all services of a kind together.
    Action.KILL: (*SERVICES, *SERVERS, *SERVERS),
    Action.FREEZE: (*SERVICES, *SERVERS),
    Action.CUT: LINES,
    Action.DELAY: LINES,
    Action.RESTART: ("ingress", "orchestrator", "dispatcher"),
}
_SHARES: Final = {Action.KILL: 50, Action.FREEZE: 20, Action.CUT: 15, Action.DELAY: 10, Action.RESTART: 5}
_LASTS_S: Final = {Action.FREEZE: (1.0, 40.0), Action.CUT: (0.1, 8.0), Action.DELAY: (2.0, 12.0)}
_PAUSE_S: Final = (0.2, 4.0)


def drawn(seed: int, count: int) -> list[Fault]:
    """Draw so many faults. The first ones of a longer campaign are those of a shorter one."""
    lot = random.Random(seed)
    return [_one(lot, number) for number in range(count)]


def _one(lot: random.Random, number: int) -> Fault:
    action = lot.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    target = lot.choice(_TARGETS[action])
    shortest, longest = _LASTS_S.get(action, (0.0, 0.0))
    # Short ones are as likely as long ones of twice, four times their length: most of a campaign is no waiting.
    lasts = shortest * (longest / shortest) ** lot.random() if shortest else 0.0
    return Fault(number, round(lot.uniform(*_PAUSE_S), 2), action, target, round(lasts, 2))
