"""What a campaign works with: definitions, webhooks, two people who are not one, and subscribers."""

import secrets
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx

from carewire_local.examples import IDENTIFIER_SYSTEM
from carewire_testing import eventually
from carewire_testing_chaos.extent import FLOOD, Extent
from carewire_testing_chaos.history import Behaviour, Entry, Story, Subscriber
from carewire_testing_chaos.house import House
from carewire_testing_chaos.receivers import TIMEOUT_S, Receivers
from carewire_testing_dispatcher.service import API_KEY
from carewire_testing_dispatcher.told_events import EVENT_TYPE
from carewire_testing_e2e.house import SYSTEM, maybe, ok
from carewire_testing_orchestrator.definitions import designed, message, point, timer, track

_WITHIN_S: Final = 60.0
_WISHES: Final = (("pathway.completed",), ("pathway.started",), ("pathway.started", "pathway.completed"))
STORY: Final = (
    "pathway.started",
    "data_point.collected",
    "data_point.collected",
    "track.started",
    "activity.created",
    "data_point.collected",
    "activity.completed",
    "activity.created",
    "activity.created",
    "activity.completed",
    "activity.created",
    "activity.expired",
    "activity.expired",
    "track.completed",
    "pathway.completed",
)
"""A calculation, a message, a timer of two seconds, a message; what nobody did expires at the end."""


def definition() -> dict[str, Any]:
    """A care flow of a new id that goes by itself."""
    double = {
        "id": "double_it",
        "type": "calculation",
        "title": "Double it",
        "expression": "n * 2",
        "inputs": [{"name": "n", "data_point_definition_id": "number"}],
        "output_data_point_definition_id": "double",
    }
    wait = timer("wait", type="data_point_reference", data_point_definition_id="due")
    steps = {"first": [double, message("hello")], "later": [message("bye")]}
    arrows = [("start", "first"), ("first", "wait"), ("wait", "later"), ("later", "end")]
    points = [point("number"), point("due", "date"), point("double", category="calculation")]
    made = designed(track("only", steps, arrows, [wait]), data_points=points)
    return {**made, "id": f"chaos-{secrets.token_hex(4)}"}


class Apis:
    """Clients of the three management APIs, with an admin's key."""

    def __init__(self, house: House) -> None:
        def client(name: str) -> httpx.AsyncClient:
            headers = {"authorization": f"Bearer {API_KEY}"}
            return httpx.AsyncClient(base_url=house.urls[name], headers=headers, timeout=30, trust_env=False)

        self.ingress = client("ingress-1")
        self.orchestrator = client("orchestrator-1")
        self.dispatcher = client("api")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the clients."""
        for client in (self.ingress, self.orchestrator, self.dispatcher):
            await client.aclose()


async def webhooks(apis: Apis, extent: Extent, note: Callable[[Entry], None]) -> list[Any]:
    """Publish the definitions and open their webhooks."""
    await ok(apis.orchestrator.post("/v1/identifier-systems", json=IDENTIFIER_SYSTEM))
    return [await _webhook(apis, note) for _ in range(extent.definitions)]


async def _webhook(apis: Apis, note: Callable[[Entry], None]) -> Any:
    made = definition()
    path = f"/v1/definitions/{made['id']}"
    await ok(apis.orchestrator.put(path, json=made))
    await ok(apis.orchestrator.post(f"{path}/publish"))
    note(Story(made["id"], STORY))
    wanted = {
        "name": made["id"],
        "definition_id": made["id"],
        "mapping": {"number": "$.number", "due": "$.due"},
        "filter": {"all": [{"reference": "$.wanted", "operator": "is_true"}]},
    }
    created = await eventually(lambda: maybe(apis.ingress.post("/v1/incoming-webhooks", json=wanted)), _WITHIN_S)
    return await ok(apis.ingress.post(f"/v1/incoming-webhooks/{created['id']}/enable"))


async def opened(doors: Sequence[str], webhooks: Sequence[Any]) -> None:
    """Return once every door knows every webhook."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for door in doors:
            for webhook in webhooks:
                path = httpx.URL(webhook["test_url"]).path

                async def is_open(url: str = door + path) -> bool:
                    return (await client.post(url, json={})).status_code == 200

                await eventually(is_open, _WITHIN_S)


async def two_people(apis: Apis, mark: str) -> tuple[str, str]:
    """Make two patients; whoever calls them one is wrong."""
    values = (f"{mark}-one", f"{mark}-other")
    for value in values:
        await ok(apis.orchestrator.post("/v1/patients", json={"identifiers": [{"system": SYSTEM, "value": value}]}))
    return values


async def subscribers(
    house: House,
    apis: Apis,
    receivers: Receivers,
    extent: Extent,
    definition_ids: Sequence[str],
    note: Callable[[Entry], None],
) -> list[str]:
    """Make the endpoints; return their secrets once fan-out and workers know them all."""
    known = []
    for number, (name, behaviour) in enumerate(receivers.behaviours.items()):
        wish, definition_id = _WISHES[number % len(_WISHES)], definition_ids[number % len(definition_ids)]
        if behaviour is Behaviour.DEAD and extent.flood:
            wish, definition_id = (EVENT_TYPE,), FLOOD
        wanted: dict[str, Any] = {
            "name": name,
            "url": receivers.url(name),
            "event_types": list(wish),
            "definition_ids": [definition_id],
            "timeout_s": TIMEOUT_S,
        }
        schedule = extent.given_up_after if behaviour is Behaviour.DEAD else extent.retried_after
        if schedule is not None:
            wanted["retry_offsets_s"] = schedule
        created = await ok(apis.dispatcher.post("/v1/endpoints", json=wanted))
        receivers.know(name, created["id"], created["secret"])
        note(Subscriber(created["id"], name, behaviour, wish, definition_id))
        known.append(str(created["secret"]))
    await eventually(lambda: _all_know(house, len(known)), _WITHIN_S, pause=0.2)
    return known


async def disable_the_dead(apis: Apis) -> None:
    """Have no more sent to who never answers."""
    for endpoint in (await ok(apis.dispatcher.get("/v1/endpoints", params={"limit": 100})))["items"]:
        if endpoint["name"].startswith(Behaviour.DEAD):
            await ok(apis.dispatcher.post(f"/v1/endpoints/{endpoint['id']}/disable"))


async def _all_know(house: House, count: int) -> bool:
    line = f'carewire_table_entries{{topic="{house.topics.endpoints.name}"}} {count}'
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for name in ("fan-out", "worker-1", "worker-2"):
            told = (await client.get(f"{house.urls[name]}/metrics")).text.splitlines()
            if line not in told and f"{line}.0" not in told:
                return False
    return True
