"""Deliveries and endpoints for tests: only what a test is about has to be said."""

from typing import Any

from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper
from carewire_dispatcher.domain.delivery import Delivery, EventPosition
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.exchange import Keep
from carewire_runtime.sealing import Keyring

ENDPOINT_ID = "0190f5d2-8a10-7cc1-9d2b-64d1d0c3a001"
SECRET = bytes(range(32))
KEYRING = Keyring.parse(Keyring.generate())


def a_delivery(**fields: Any) -> Delivery:
    """A delivery that is due at instant 1,000,000 and was never tried."""
    defaults: dict[str, Any] = {
        "id": "5b0e8f6a-0d2b-5a44-8d55-0c4f5f1e7a01",
        "endpoint_id": ENDPOINT_ID,
        "event_id": "0190f5d2-8a10-7cc1-9d2b-64d1d0c3b001",
        "event_type": "pathway.completed",
        "event": EventPosition("carewire.events", 1, 42),
        "event_at": 999_000,
        "body": b'{"event_type":"pathway.completed"}',
        "due_at": 1_000_000,
    }
    return Delivery(**(defaults | fields))


def an_endpoint(**fields: Any) -> Endpoint:
    """An enabled endpoint that wants every domain event."""
    defaults: dict[str, Any] = {"id": ENDPOINT_ID, "url": "https://receiver.example/hook", "secrets": (SECRET,)}
    return Endpoint(**(defaults | fields))


def a_keeper(keep: Keep = "failed", body_bytes: int = 1024) -> AnswerKeeper:
    """What keeps answers for the log, as it is set unless told otherwise."""
    return AnswerKeeper(KEYRING, keep, body_bytes)
