"""`carewire trigger`: sends an endpoint the example of an event, signed and logged as every delivery is."""

from pathlib import Path
from typing import Any

from carewire_local.deployment import dispatcher_of
from carewire_local.errors import NoEndpoint
from carewire_local.event_types import known
from carewire_local.listen import LISTENING
from carewire_local.management_api import ManagementApi
from carewire_local.progress import say
from carewire_local.waiting import until

_ENDED_WITHIN_S = 15.0
"""A call takes 10 s at most; its line in the log comes a moment later."""


def run(folder: Path, event_type: str, endpoint_id: str | None = None) -> int:
    """Send the event, and say what the endpoint answered. Returns 0 if it accepted the event, else 1."""
    known([event_type])
    with dispatcher_of(folder) as dispatcher:
        endpoint = _chosen(dispatcher, endpoint_id)
        sent = dispatcher.post(f"/v1/endpoints/{endpoint['id']}/test", {"event_type": event_type})
        say(f"{event_type} goes to {endpoint['name']} ({endpoint['id']}), webhook-id {sent['event_id']}")
        delivery = until(lambda: _tried(dispatcher, sent["delivery_id"]), _ENDED_WITHIN_S, "the first attempt")
    [attempt] = delivery["attempt_log"][:1]
    said = attempt["status_code"] or attempt["failure"]
    say(f"{delivery['status']}: the endpoint said {said} after {attempt['duration_ms']} ms")
    return 0 if delivery["status"] == "delivered" else 1


def _chosen(dispatcher: ManagementApi, endpoint_id: str | None) -> Any:
    """The endpoint that was named, else the last one that listens, else the only one. Raises NoEndpoint."""
    if endpoint_id is not None:
        return dispatcher.get(f"/v1/endpoints/{endpoint_id}")
    found = dispatcher.all("/v1/endpoints")
    listening = [endpoint for endpoint in found if endpoint["name"].startswith(LISTENING)]
    if listening:
        return listening[-1]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoEndpoint("there is no endpoint to send to; start `carewire listen` in another terminal")
    names = "; ".join(f"{endpoint['id']} {endpoint['name']}" for endpoint in found)
    raise NoEndpoint(f"choose one of {len(found)} endpoints by --endpoint ID, or start `carewire listen`: {names}")


def _tried(dispatcher: ManagementApi, delivery_id: str) -> Any:
    """The delivery, once its first attempt is in the log."""
    delivery = dispatcher.get(f"/v1/deliveries/{delivery_id}")
    return delivery if delivery["attempt_log"] else None
