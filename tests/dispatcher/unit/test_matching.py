import pytest

from carewire_contracts.events import EVENT_TYPES
from carewire_contracts.rules import Rule
from carewire_dispatcher.domain.event_filter import EventFilter
from carewire_dispatcher.domain.matching import Event, Subscribers
from carewire_testing_dispatcher.deliveries import an_endpoint

COMPLETED = Event("pathway.completed", b'{"pathway":{"pathway_definition_id":"hip"}}')
PATIENT = Event("patient.created", b'{"patient":{}}')
STATUS = Event("incoming_webhook.request.failed", b'{"definition_id":"hip"}')


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_endpoint_without_a_list_wants_every_domain_event(event_type: str) -> None:
    endpoint = an_endpoint()
    assert Subscribers([endpoint]).of(Event(event_type, b"not even read")) == (endpoint,)


def test_status_events_have_to_be_named() -> None:
    named = an_endpoint(event_types=frozenset({STATUS.type}))
    assert Subscribers([an_endpoint(), named]).of(STATUS) == (named,)


def test_a_list_is_exact() -> None:
    endpoint = an_endpoint(event_types=frozenset({"pathway.completed"}))
    subscribers = Subscribers([endpoint])
    assert subscribers.of(COMPLETED) == (endpoint,)
    assert subscribers.of(PATIENT) == ()


def test_a_disabled_endpoint_gets_nothing() -> None:
    assert Subscribers([an_endpoint(enabled=False)]).of(COMPLETED) == ()


def test_a_definition_filter_looks_into_the_event() -> None:
    hip = an_endpoint(id="a", definition_ids=frozenset({"hip"}))
    knee = an_endpoint(id="b", definition_ids=frozenset({"knee"}))
    anyone = an_endpoint(id="c")
    assert Subscribers([hip, knee, anyone]).of(COMPLETED) == (hip, anyone)


def test_a_definition_filter_leaves_out_events_of_no_care_flow() -> None:
    assert Subscribers([an_endpoint(definition_ids=frozenset({"hip"}))]).of(PATIENT) == ()


def test_a_definition_filter_applies_to_status_events() -> None:
    endpoint = an_endpoint(event_types=frozenset({STATUS.type}), definition_ids=frozenset({"hip"}))
    assert Subscribers([endpoint]).of(STATUS) == (endpoint,)


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_body_that_must_be_read_and_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        Subscribers([an_endpoint(definition_ids=frozenset({"hip"}))]).of(Event("pathway.completed", body))


def test_of_what_cannot_be_read_those_who_need_not_read_it_are_found() -> None:
    hip, anyone = an_endpoint(id="a", definition_ids=frozenset({"hip"})), an_endpoint(id="b")
    condition = {"reference": "$.status", "operator": "is_equal_to", "operand": "active"}
    filtered = an_endpoint(id="c", filter=EventFilter.of(Rule.model_validate({"all": [condition]})))
    assert Subscribers([hip, anyone, filtered]).of_any_body("pathway.completed") == (anyone,)


def test_nobody_is_told_of_an_endpoint_without_knowing_of_which() -> None:
    named = an_endpoint(event_types=frozenset({DISABLED.type}))
    assert Subscribers([named]).of_any_body(DISABLED.type) == ()


DISABLED = Event("endpoint.disabled", b'{"endpoint_id":"a"}')


def test_endpoint_events_have_to_be_named_and_nobody_is_told_of_himself() -> None:
    named = frozenset({DISABLED.type})
    itself, other = an_endpoint(id="a", event_types=named), an_endpoint(id="b", event_types=named)
    assert Subscribers([itself, other, an_endpoint(id="c")]).of(DISABLED) == (other,)


@pytest.mark.parametrize("body", [b"{}", b'{"endpoint_id":7}'], ids=["no endpoint", "no id"])
def test_an_endpoint_event_of_nobody_goes_to_all_who_want_it(body: bytes) -> None:
    wanting = an_endpoint(event_types=frozenset({DISABLED.type}))
    assert Subscribers([wanting]).of(Event(DISABLED.type, body)) == (wanting,)


def test_an_endpoint_event_that_cannot_be_read_is_refused() -> None:
    wanting = an_endpoint(event_types=frozenset({DISABLED.type}))
    with pytest.raises(ValueError, match="no JSON object"):
        Subscribers([wanting]).of(Event(DISABLED.type, b"[]"))
