"""Very many care flows that are started, waited for and worked on while their orchestrators are struck."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg
import httpx

from carewire_contracts.timestamps import format_timestamp
from carewire_runtime.clock import SystemClock
from carewire_testing import eventually
from carewire_testing_e2e.care_flows import payload_of, webhook_of
from carewire_testing_e2e.house import House, maybe
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S
from carewire_testing_orchestrator.definitions import FORM, checklist, designed, message, point, timer, track

_CALLERS: Final = 8
_PEOPLE: Final = 4
_LONGEST_S: Final = 1_800.0
_WAIT: Final = timedelta(seconds=2)
_MOST_PAUSE_S: Final = 2.5
"""Between a start and the strike that waits for it: mostly little, sometimes until timers are due."""

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
    "activity.created tell",
    "form.submitted",
    "data_point.collected answer",
    "activity.completed tell",
    "activity.expired hello",
    "activity.expired bye",
    "track.completed only",
    "pathway.completed",
)
"""What is told of each of these care flows; which comes first of two branches differs."""

CALL_EVENTS: Final = ("activity.created look_up", "data_point.collected found", "activity.completed look_up")
"""What is told besides where an API is called."""

Strike = Callable[[], Awaitable[object]]
"""Something that harms an orchestrator, and returns when it is on its way back."""


def branches(api: str | None = None) -> dict[str, Any]:
    """A care flow of a new id: side by side a calculation and then a timer, things for people, and a call of an API."""
    double: dict[str, Any] = {
        "id": "double_it",
        "type": "calculation",
        "title": "Double it",
        "expression": "n * 2",
        "inputs": [{"name": "n", "data_point_definition_id": "number"}],
        "output_data_point_definition_id": "double",
    }
    form = {"id": "tell", "type": "form", "title": "Tell", "form_definition_id": FORM["id"]}
    steps = {"first": [double, message("hello")], "later": [message("bye")], "by_hand": [checklist("ask"), form]}
    arrows = [("start", "first"), ("start", "by_hand"), ("first", "wait"), ("wait", "later")]
    points = [point("number"), point("due", "date"), point("double", category="calculation")]
    if api is not None:
        steps["outside"] = [_call(api)]
        arrows.append(("start", "outside"))
        points.append(point("found", category="api_call"))
    wait = timer("wait", type="data_point_reference", data_point_definition_id="due")
    care_flow = designed(track("only", steps, arrows, [wait]), data_points=points, forms=[FORM])
    quick = {"initial_delay_ms": 50, "max_delay_ms": 200, "max_attempts": 10}
    return {**care_flow, "id": f"branches-{secrets.token_hex(4)}", "settings": {"api_call_retry_settings": quick}}


def _call(url: str) -> dict[str, Any]:
    found = [{"path": "$.found", "data_point_definition_id": "found"}]
    return {"id": "look_up", "type": "api_call", "title": "Look up", "method": "GET", "url": url, "response": found}


@dataclass
class CareFlowCampaign:
    """So many care flows, two for each patient, and what their callers were told.

    People work at one of several `doors`, the APIs of orchestrators. Where there is an `api`, its URL is called.
    """

    house: House
    total: int
    lot: random.Random
    doors: Sequence[httpx.AsyncClient]
    api: str | None = None
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    accepted: dict[str, str] = field(default_factory=dict)
    """The start key of each accepted call by its request id: every fifth call is made twice."""
    definition: dict[str, Any] = field(init=False)
    released: int = 0
    """How many may be started by now: what follows waits for the strike before it."""
    _due: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.definition = branches(self.api)

    @property
    def keys(self) -> set[str]:
        """The start keys under which something was accepted."""
        return set(self.accepted.values())

    async def start_all(self) -> Any:
        """Have everything started; answers the definition's webhook."""
        await self.house.publish(self.definition)
        mapping = {"number": "$.number", "due": "$.due"}
        webhook = await self.house.open_webhook(webhook_of(self.definition, mapping=mapping))
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
            query: dict[str, Any] = {"status": "active", "kind": ["checklist", "form"], "limit": 100}
            page = await maybe(self.lot.choice(self.doors).get("/v1/activities", params=query))
            waiting = iter([] if page is None else self.lot.sample(page["items"], len(page["items"])))

            async def one(waiting: Any = waiting) -> None:
                for activity in waiting:
                    await self._do(activity)

            async with asyncio.TaskGroup() as group:
                for _ in range(_PEOPLE):
                    group.create_task(one())
            await asyncio.sleep(0.05)

    async def _do(self, activity: Any) -> None:
        """Once, and without a key: whoever hears nothing looks again whether it is still to be done."""
        verb, body = ("submit", {"answers": {"answer": True}}) if activity["kind"] == "form" else ("complete", None)
        await maybe(self.lot.choice(self.doors).post(f"/v1/activities/{activity['id']}/{verb}", json=body))


async def strike_at_random(campaign: CareFlowCampaign, strikes: Sequence[Strike]) -> list[int]:
    """Strike again and again, each time while a share of the care flows is on its way.

    Answers how many care flows there were after each strike.
    """
    platform, counts = campaign.house.platform, list[int]()
    connection = await asyncpg.connect(platform.env["CAREWIRE_POSTGRES_DSN"])
    try:
        for number, strike in enumerate(strikes):
            before, campaign.released = campaign.released, campaign.total * (number + 1) // (len(strikes) + 1)
            due = campaign.lot.randint(before + 1, campaign.released)

            async def reached(due: int = due) -> bool:
                return await _started(connection) >= due

            await eventually(reached, RECOVERED_WITHIN_S, pause=0.005)
            await asyncio.sleep(campaign.lot.random() ** 3 * _MOST_PAUSE_S)
            await strike()
            counts.append(await _started(connection))
        campaign.released = campaign.total
        return counts
    finally:
        await connection.close()


async def _started(connection: Any) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM orchestrator.care_flow"))
