"""Very many care flows that are started, waited for and worked on while their orchestrator is killed."""

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg

from carewire_contracts.timestamps import format_timestamp
from carewire_runtime.clock import SystemClock
from carewire_testing import eventually
from carewire_testing_e2e.care_flows import payload_of, webhook_of
from carewire_testing_e2e.house import House, maybe
from carewire_testing_e2e.killing import killed
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S
from carewire_testing_orchestrator.definitions import checklist, designed, message, point, timer, track

_CALLERS: Final = 8
_PEOPLE: Final = 4
_LONGEST_S: Final = 1_800.0
_WAIT: Final = timedelta(seconds=2)
_MOST_PAUSE_S: Final = 2.5
"""Between a start and the kill that waits for it: mostly little, sometimes until timers are due."""

EVENTS: Final = (
    "pathway.started",
    "data_point.collected number",
    "data_point.collected due",
    "track.started only",
    "activity.created double_it",
    "data_point.collected double",
    "activity.completed double_it",
    "activity.created hello",
    "activity.created wait",
    "activity.completed wait",
    "activity.created bye",
    "activity.created ask",
    "activity.completed ask",
    "activity.expired hello",
    "activity.expired bye",
    "track.completed only",
    "pathway.completed",
)
"""What is told of each of these care flows; which comes first of two branches differs."""


def two_branches() -> dict[str, Any]:
    """A care flow with a calculation, then side by side a wait of a timer and something for people, of a new id."""
    double: dict[str, Any] = {
        "id": "double_it",
        "type": "calculation",
        "title": "Double it",
        "expression": "n * 2",
        "inputs": [{"name": "n", "data_point_definition_id": "number"}],
        "output_data_point_definition_id": "double",
    }
    steps = {"first": [double, message("hello")], "later": [message("bye")], "by_hand": [checklist("ask")]}
    arrows = [("start", "first"), ("start", "by_hand"), ("first", "wait"), ("wait", "later")]
    wait = timer("wait", type="data_point_reference", data_point_definition_id="due")
    points = [point("number"), point("due", "date"), point("double", category="calculation")]
    care_flow = designed(track("only", steps, arrows, [wait]), data_points=points)
    return {**care_flow, "id": f"two-branches-{secrets.token_hex(4)}"}


@dataclass
class CareFlowCampaign:
    """So many care flows, two for each patient, and what their callers were told."""

    house: House
    total: int
    lot: random.Random
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    accepted: dict[str, str] = field(default_factory=dict)
    """The start key of each accepted call by its request id: every fifth call is made twice."""
    released: int = 0
    """How many may be started by now: what follows waits for the kill before it."""
    _due: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The start keys under which something was accepted."""
        return set(self.accepted.values())

    async def start_all(self) -> Any:
        """Have everything started; answers the definition's webhook."""
        definition = two_branches()
        await self.house.publish(definition)
        mapping = {"number": "$.number", "due": "$.due"}
        webhook = await self.house.open_webhook(webhook_of(definition, mapping=mapping))
        numbers = iter([number for number in range(self.total) for _ in range(1 + (number % 5 == 0))])

        async def call() -> None:
            for number in numbers:
                await eventually(lambda number=number: number < self.released, _LONGEST_S)  # type: ignore[misc]
                await self._start(webhook, number)

        async with asyncio.TaskGroup() as group:
            for _ in range(_CALLERS):
                group.create_task(call())
        return webhook

    async def _start(self, webhook: Any, number: int) -> None:
        key = f"{self.mark}-{number}"
        due = format_timestamp(SystemClock().now() + _WAIT)
        # A repeated call says the same: a key with another body would be a mistake of its sender.
        given = {"number": number, "due": self._due.setdefault(key, due)}
        payload = {**payload_of(f"{self.mark}-{number // 2}"), **given}
        headers = {"idempotency-key": key}
        answer = await eventually(
            lambda: maybe(self.house.ingress.post(webhook["url"], json=payload, headers=headers)), RECOVERED_WITHIN_S
        )
        self.accepted[answer["request_id"]] = key

    async def work(self, done: Callable[[], bool]) -> None:
        """Complete whatever is to be done by people, over and over, until there is nothing more to come."""
        while not done():
            query: dict[str, Any] = {"status": "active", "kind": "checklist", "limit": 100}
            page = await maybe(self.house.orchestrator.get("/v1/activities", params=query))
            waiting = iter([] if page is None else self.lot.sample(page["items"], len(page["items"])))

            async def one(waiting: Any = waiting) -> None:
                for activity in waiting:
                    await self._complete(activity["id"])

            async with asyncio.TaskGroup() as group:
                for _ in range(_PEOPLE):
                    group.create_task(one())
            await asyncio.sleep(0.05)

    async def _complete(self, activity_id: str) -> None:
        """Once, and without a key: whoever hears nothing looks again whether it is still to be done."""
        path = f"/v1/activities/{activity_id}/complete"
        await maybe(self.house.orchestrator.post(path))


async def kill_at_random(campaign: CareFlowCampaign, kills: int) -> list[int]:
    """Kill the orchestrator so often, each time while a share of the care flows is on its way.

    Answers how many care flows there were at each kill.
    """
    platform, counts = campaign.house.platform, list[int]()
    connection = await asyncpg.connect(platform.env["CAREWIRE_POSTGRES_DSN"])
    try:
        for number in range(kills):
            before, campaign.released = campaign.released, campaign.total * (number + 1) // (kills + 1)
            due = campaign.lot.randint(before + 1, campaign.released)

            async def reached(due: int = due) -> bool:
                return await _started(connection) >= due

            await eventually(reached, RECOVERED_WITHIN_S, pause=0.005)
            await asyncio.sleep(campaign.lot.random() ** 3 * _MOST_PAUSE_S)
            await killed(platform.supervisor["orchestrator"])
            counts.append(await _started(connection))
        campaign.released = campaign.total
        return counts
    finally:
        await connection.close()


async def _started(connection: Any) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM orchestrator.care_flow"))
