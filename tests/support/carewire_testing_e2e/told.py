"""What the topic of domain events tells of care flows, in short words, and whether all of it is there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from carewire_contracts.envelope import Envelope
from carewire_contracts.topics import Topics
from carewire_local.platform import Platform
from carewire_runtime.ids import derived_id
from carewire_testing_e2e.own_house import PARTITIONS
from carewire_testing_orchestrator.running import read_topic

Event = Mapping[str, Any]


async def told_of(platform: Platform, care_flow_ids: Iterable[str] | None = None) -> dict[str, list[Event]]:
    """The events of these care flows, or of all, each once and in the order of the topic.

    Raises AssertionError where the events of one are not the first, second, third and so on without a gap, or
    where a repeated one is not the same to the byte.
    """
    wanted = None if care_flow_ids is None else set(care_flow_ids)
    topic = Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], PARTITIONS).events
    found = defaultdict[str, dict[str, tuple[int | None, bytes]]](dict)
    for record in await read_topic(platform.stack.kafka_bootstrap, topic):
        envelope = Envelope.of(record.headers)
        subject = str(envelope.subject)
        if envelope.type.startswith("patient.") or (wanted is not None and subject not in wanted):
            continue
        said = (envelope.sequence, record.value)
        assert found[subject].setdefault(envelope.id, said) == said, f"two events are {envelope.id}"
    told = dict[str, list[Event]]()
    for care_flow_id, events in found.items():
        assert_gap_free(care_flow_id, events)
        told[care_flow_id] = [orjson.loads(value) for _, value in events.values()]
        numbers = list(range(1, len(events) + 1))
        assert [number for number, _ in events.values()] == numbers
        assert [event["sequence"] for event in told[care_flow_id]] == numbers
    return told


async def patients_told(platform: Platform) -> set[str]:
    """The patients of whom it is told that they came into being; repeated, it is the same event."""
    topic = Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], PARTITIONS).events
    ids = dict[str, str]()
    for record in await read_topic(platform.stack.kafka_bootstrap, topic):
        headers = {name: value.decode() for name, value in record.headers}
        if headers["ce_type"] == "patient.created":
            assert ids.setdefault(headers["ce_subject"], headers["ce_id"]) == headers["ce_id"]
    return set(ids)


def assert_gap_free(care_flow_id: str, event_ids: Iterable[str]) -> None:
    """The id of an event is made of its number in the care flow: none is left out, none has changed places."""
    ids = list(event_ids)
    assert ids == [derived_id(care_flow_id, "event", str(number)) for number in range(1, len(ids) + 1)]


def story(events: Iterable[Event]) -> list[str]:
    """Each event in short words, such as `activity.created ask_pain`."""
    return [f"{event['event_type']} {_about(event)}".rstrip() for event in events]


def _about(event: Event) -> str:
    if "track" in event:
        return str(event["track"]["id"])
    if "data_point" in event:
        return str(event["data_point"]["data_point_definition_id"])
    if "activity" in event:
        return str(event["activity"]["context"].get("action_id") or event["activity"]["object"]["id"])
    return str(event.get("reason") or "")
