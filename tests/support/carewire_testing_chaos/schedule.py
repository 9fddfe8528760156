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
    STEP = "step"
    """The clock of a process is set, and set right again after a while."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: seconds after the one before, what is done to whom, for how long where it lasts, and how far."""

    number: int
    after_s: float
    action: Action
    target: str
    lasts_s: float = 0.0
    by_s: float = 0.0


_TARGETS: Final[dict[Action, tuple[str, ...]]] = {
    # A server is as likely to be struck as all services of a kind together.
    Action.KILL: (*SERVICES, *SERVERS, *SERVERS),
    Action.FREEZE: (*SERVICES, *SERVERS),
    Action.CUT: LINES,
    Action.DELAY: LINES,
    Action.RESTART: ("ingress", "orchestrator", "dispatcher"),
    Action.STEP: SERVICES,
}
_SHARES: Final = {
    Action.KILL: 50,
    Action.FREEZE: 20,
    Action.CUT: 15,
    Action.DELAY: 10,
    Action.RESTART: 5,
    Action.STEP: 10,
}
_FAR_S: Final = (1.0, 300.0)
_NEAR_S: Final = (1.0, 8.0)
_TIMED_CLOSELY: Final = frozenset({"fan-out", "worker-1", "worker-2"})
"""At the scale of a campaign a second of theirs is a quarter of an hour: retries of a day are over in 86 s."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How long is waited between faults, and how long those last that do, in seconds: from, to."""

    pause: tuple[float, float]
    lasts: dict[Action, tuple[float, float]]


CAMPAIGN: Final = Tempo(
    (0.2, 4.0),
    {Action.FREEZE: (1.0, 40.0), Action.CUT: (0.1, 8.0), Action.DELAY: (2.0, 12.0), Action.STEP: (2.0, 12.0)},
)
SHORT: Final = Tempo(
    (0.1, 0.8),
    {Action.FREEZE: (1.0, 5.0), Action.CUT: (0.1, 2.0), Action.DELAY: (1.0, 2.0), Action.STEP: (1.0, 2.0)},
)


def drawn(seed: int, count: int, tempo: Tempo = CAMPAIGN) -> list[Fault]:
    """Draw so many faults. The first ones of a longer campaign are those of a shorter one."""
    lot = random.Random(seed)
    return [_one(lot, number, tempo) for number in range(count)]


def _one(lot: random.Random, number: int, tempo: Tempo) -> Fault:
    action = lot.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    target = lot.choice(_TARGETS[action])
    lasts = _short_rather_than_long(lot, *tempo.lasts[action]) if action in tempo.lasts else 0.0
    by = 0.0
    if action is Action.STEP:
        far = _short_rather_than_long(lot, *(_NEAR_S if target in _TIMED_CLOSELY else _FAR_S))
        by = lot.choice((far, -far))
    return Fault(number, round(lot.uniform(*tempo.pause), 2), action, target, round(lasts, 2), round(by, 2))


def _short_rather_than_long(lot: random.Random, shortest: float, longest: float) -> float:
    """As likely of a length as of twice, four times that length: most of a campaign is no waiting."""
    return float(shortest * (longest / shortest) ** lot.random())
