"""Accepted calls of new patients, put on Kafka as ingress puts them there, for a care flow of the examples."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from carewire_contracts.definition import CareFlowDefinition, DataPointDefinition
from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue
from carewire_contracts.topics import Topics
from carewire_contracts.values import ValueType
from carewire_local.platform import Platform
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer
from carewire_testing_e2e.house import SYSTEM, House, ok
from carewire_testing_e2e.lives import publish_example

_AGES: Final = timedelta(days=100)
"""Until what is still to come: far enough for every wait of the examples."""
_PATIENCE: Final = timedelta(minutes=10)
_PLAUSIBLE: Final[dict[ValueType, Any]] = {
    ValueType.BOOLEAN: False,
    ValueType.STRING: "as the sender wrote it",
    ValueType.TELEPHONE: "+32470123456",
}


@dataclass(frozen=True)
class Calls:
    """Puts calls on the topic of accepted requests, each of a patient of its own."""

    definition_id: str
    release_id: str
    values: tuple[DataPointValue, ...]
    topic: str
    producer: Producer

    async def accept(self) -> tuple[str, int]:
        """Put one on the topic; answers its patient's identifier, and when the broker had it, in ms since 1970."""
        patient, request_id, now = secrets.token_hex(12), new_id(), datetime.now(UTC)
        request = AcceptedRequest(
            request_id=request_id,
            tenant_id="bench",
            webhook_id="bench",
            definition_id=self.definition_id,
            release_id=self.release_id,
            start_key=request_id,
            body_digest=secrets.token_hex(32),
            received_at=now,
            expires_at=now + _PATIENCE,
            identifiers=(Identifier(SYSTEM, patient),),
            data_points=self.values,
            content_type="application/json",
            payload=b"{}",
        )
        key = request_id.encode()
        appended = await self.producer.send(self.topic, key=key, value=request.encode(), headers=[])
        return patient, appended.timestamp_ms


@asynccontextmanager
async def calls_for(platform: Platform, house: House, name: str) -> AsyncIterator[Calls]:
    """Publish an example, and be ready to call for it."""
    published = await publish_example(house, name)
    release = await ok(house.orchestrator.get(f"/v1/definitions/{name}/releases/{published['release_id']}"))
    values = baseline_of(CareFlowDefinition.model_validate(release["document"]))
    producer = Producer(platform.stack.kafka_bootstrap, "bench")
    await producer.start()
    try:
        yield Calls(name, published["release_id"], values, Topics().requests.name, producer)
    finally:
        await producer.stop()


def baseline_of(definition: CareFlowDefinition) -> tuple[DataPointValue, ...]:
    """Plausible values of everything that a care flow of this definition has to know when it starts."""
    wanted = (point for point in definition.data_points if point.category == "pathway" and not point.optional)
    return tuple(DataPointValue(point.id, point.value_type.value, _plausible(point)) for point in wanted)


def _plausible(point: DataPointDefinition) -> Any:
    if point.possible_values:
        return point.possible_values[0].value
    if point.value_type is ValueType.DATE:
        return (datetime.now(UTC) + _AGES).strftime("%Y-%m-%dT00:00:00.000Z")
    if point.value_type is ValueType.NUMBER:
        bounds = point.range
        return 40 if bounds is None else ((bounds.min or 0) + (bounds.max or 100)) / 2
    return _PLAUSIBLE[point.value_type]
