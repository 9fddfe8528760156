"""Matching against a model that is too simple to be wrong: ask each endpoint about each event."""

from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.events import EVENT_TYPES
from carewire_contracts.rules import Condition, Operator, Rule
from carewire_contracts.statuses import AnyRequestStatusEvent
from carewire_dispatcher.domain.endpoint import DisabledBecause, Endpoint
from carewire_dispatcher.domain.event_filter import EventFilter
from carewire_dispatcher.domain.matching import (
    ENDPOINT_EVENT_TYPES,
    STATUS_EVENT_TYPES,
    SUBSCRIBABLE,
    Event,
    Subscribers,
    definition_of,
    wants_type,
)
from carewire_testing_dispatcher.deliveries import an_endpoint

TYPES = ("pathway.completed", "patient.created", "activity.created", *STATUS_EVENT_TYPES[:2])
FLOWS = ("hip", "knee", None)


def rule_for(priority: str) -> Rule:
    condition = Condition(reference="$.priority", operator=Operator.IS_EQUAL_TO, operand=priority)
    return Rule(all=(condition,))


endpoints = st.builds(
    an_endpoint,
    id=st.uuids().map(str),
    enabled=st.booleans(),
    event_types=st.none() | st.frozensets(st.sampled_from(TYPES), min_size=1),
    definition_ids=st.none() | st.frozensets(st.sampled_from(["hip", "knee", "back"]), min_size=1),
    filter=st.none() | st.sampled_from(["low", "high"]).map(lambda priority: EventFilter.of(rule_for(priority))),
    disabled_because=st.none() | st.sampled_from(DisabledBecause),
    paused=st.booleans(),
)
PRIORITIES = ("low", "high", None)


def an_event(event_type: str, flow: str | None, priority: str | None) -> Event:
    where = (
        {"definition_id": flow} if event_type in STATUS_EVENT_TYPES else {"pathway": {"pathway_definition_id": flow}}
    )
    return Event(event_type, orjson.dumps({"priority": priority} | ({} if flow is None else where)))


def wants(endpoint: Endpoint, event_type: str, flow: str | None, priority: str | None) -> bool:
    named = event_type not in STATUS_EVENT_TYPES if endpoint.event_types is None else event_type in endpoint.event_types
    followed = endpoint.definition_ids is None or flow in endpoint.definition_ids
    passed = endpoint.filter is None or priority == endpoint.filter.rule.entries[0].operand  # type: ignore[union-attr]
    served = endpoint.enabled or endpoint.disabled_because in {DisabledBecause.GONE, DisabledBecause.FAILING}
    return served and named and followed and passed


events = st.tuples(st.sampled_from(TYPES), st.sampled_from(FLOWS), st.sampled_from(PRIORITIES))


@given(st.lists(endpoints, max_size=8), st.lists(events, max_size=8))
def test_an_event_goes_to_exactly_those_that_want_it_in_their_order_however_often_it_is_asked(
    known: list[Endpoint], asked: list[tuple[str, str | None, str | None]]
) -> None:
    subscribers = Subscribers(known)
    for event in [*asked, *asked]:
        assert subscribers.of(an_event(*event)) == tuple(one for one in known if wants(one, *event))


def test_the_status_events_are_those_of_the_contract() -> None:
    union, _ = get_args(AnyRequestStatusEvent)
    known = {get_args(event.model_fields["event_type"].annotation)[0] for event in get_args(union)}
    assert set(STATUS_EVENT_TYPES) == known
    assert {*STATUS_EVENT_TYPES, *EVENT_TYPES, *ENDPOINT_EVENT_TYPES} == SUBSCRIBABLE
    # A heartbeat is sent to the endpoint of which it tells, and to nobody else.
    assert EVENT_CATALOGUE.keys() - SUBSCRIBABLE == {"endpoint.heartbeat"}


@pytest.mark.parametrize("event_type", STATUS_EVENT_TYPES)
def test_no_status_event_comes_unasked(event_type: str) -> None:
    assert not wants_type(an_endpoint(), event_type)
    assert wants_type(an_endpoint(event_types=frozenset({event_type})), event_type)


def test_an_event_type_that_nobody_knows_goes_to_nobody() -> None:
    assert Subscribers([an_endpoint()]).of(Event("pathway.teleported", b"{}")) == ()


@pytest.mark.parametrize(
    ("body", "flow"),
    [
        (b'{"pathway":{"pathway_definition_id":"hip"},"definition_id":"knee"}', "hip"),
        (b'{"pathway":{},"definition_id":"knee"}', None),
        (b'{"pathway":null,"definition_id":"knee"}', "knee"),
        (b'{"pathway":"hip"}', None),
        (b'{"pathway":{"pathway_definition_id":7}}', None),
        (b'{"definition_id":["hip"]}', None),
        (b"{}", None),
    ],
)
def test_where_an_event_says_to_which_care_flow_it_belongs(body: bytes, flow: str | None) -> None:
    assert definition_of(Event("any", body).data()) == flow


def test_a_body_is_read_only_where_somebody_chooses_by_it() -> None:
    unreadable = Event("pathway.completed", b"\x00 no json")
    assert Subscribers([an_endpoint()]).of(unreadable) == (an_endpoint(),)
    with pytest.raises(ValueError):
        Subscribers([an_endpoint(), an_endpoint(definition_ids=frozenset({"hip"}))]).of(unreadable)


def test_a_choosy_endpoint_that_is_disabled_makes_nobody_read_the_body() -> None:
    disabled = an_endpoint(definition_ids=frozenset({"hip"}), enabled=False)
    assert Subscribers([disabled]).of(Event("pathway.completed", b"\x00")) == ()
