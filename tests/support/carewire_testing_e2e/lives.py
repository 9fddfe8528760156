"""Living a care flow from outside, as people do: by webhook and by the API, waiting for what is to be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carewire_testing import eventually
from carewire_testing_e2e.care_flows import payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House, ok
from carewire_testing_e2e.told import Event, story, told_of

EXAMPLES: Final = Path(__file__).parents[3] / "examples" / "definitions"
_MEDIA_TYPES: Final = {".json": "application/json", ".yaml": "application/yaml"}


async def publish_example(house: House, name: str, replaced: Mapping[str, str] | None = None) -> Any:
    """Send an example's file, as it is but for some replaced words, and publish it; answers its release."""
    (file,) = EXAMPLES.glob(f"{name}.*")
    text = file.read_text()
    for old, new in (replaced or {}).items():
        assert old in text
        text = text.replace(old, new)
    headers = {"content-type": _MEDIA_TYPES[file.suffix]}
    draft = await ok(house.orchestrator.post("/v1/definitions/import", content=text.encode(), headers=headers))
    return await ok(house.orchestrator.post(f"/v1/definitions/{draft['id']}/publish"))


async def start_by_webhook(house: House, name: str, patient: str, **values: Any) -> "Life":
    """Have somebody's call start a care flow for a patient, with these baseline values."""
    mapping = {definition_id: f"$.given.{definition_id}" for definition_id in values}
    webhook = await house.open_webhook(webhook_of({"id": name}, mapping=mapping))
    accepted = await ok(house.ingress.post(webhook["url"], json={**payload_of(patient), "given": values}))
    request = await house.request(accepted["request_id"])
    assert request["status"] == "SUCCESS", request
    return Life(house, request["care_flow_id"], request["patient_id"])


async def start_by_hand(house: House, name: str, **values: Any) -> "Life":
    """Start a care flow of an anonymous patient, with these baseline values."""
    points = [{"data_point_definition_id": key, "value": value} for key, value in values.items()]
    started = await ok(house.orchestrator.post("/v1/care-flows", json={"definition_id": name, "data_points": points}))
    return Life(house, started["id"], started["patient_id"])


@dataclass(frozen=True)
class Life:
    """A care flow that is being lived."""

    house: House
    care_flow_id: str
    patient_id: str

    async def activities(self, action_id: str) -> list[Any]:
        """The activities that an action of the definition has brought so far."""
        found = (await self.house.care_flow(self.care_flow_id))["activities"]
        return [one for one in found if one["action_id"] == action_id]

    async def waiting(self, action_id: str) -> Any:
        """Wait until there is something to be done by this action of the definition."""

        async def there() -> Any:
            return next((one for one in await self.activities(action_id) if one["status"] == "active"), None)

        return await eventually(there, SETTLED_WITHIN_S)

    async def do(self, action_id: str, answers: Mapping[str, Any] | None = None) -> None:
        """Wait for it, and do it: submit a form's answers, or tick off a checklist."""
        activity = await self.waiting(action_id)
        verb, body = ("complete", None) if answers is None else ("submit", {"answers": answers})
        await ok(self.house.orchestrator.post(f"/v1/activities/{activity['id']}/{verb}", json=body))

    async def ended(self) -> Any:
        """Wait until nothing happens any more; answers the care flow."""

        async def over() -> Any:
            care_flow = await self.house.care_flow(self.care_flow_id)
            return care_flow if care_flow["status"] != "active" else None

        return await eventually(over, SETTLED_WITHIN_S)

    async def events(self, last: str) -> list[Event]:
        """Wait until the topic tells an event of this type; answers all that it tells of this care flow by then."""

        async def there() -> list[Event]:
            events = (await told_of(self.house.platform, [self.care_flow_id])).get(self.care_flow_id, [])
            assert last in [one["event_type"] for one in events], story(events)
            return events

        return await eventually(there, SETTLED_WITHIN_S)
