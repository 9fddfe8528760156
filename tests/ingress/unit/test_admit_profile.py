"""What a call says beside data points and identifiers: the profile of a patient, and what staff fixed for all calls."""

from dataclasses import replace
from typing import Any

import pytest

from carewire_contracts.requests import ReasonCode
from carewire_ingress.domain.admit import Accepted, Admission, Rejected, admit
from carewire_ingress.domain.mapping import plan_admission
from carewire_ingress.domain.patient_profile import ProfileField, plan_profile
from carewire_ingress.domain.value_source import ValueSource
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_testing_ingress.samples import PAYLOAD, SYSTEMS, call, data_point, plan, release, webhook

NAMES = {
    ProfileField.FIRST_NAME: ValueSource("$.patient.given"),
    ProfileField.CITY: ValueSource("$.patient.city", default="Ghent"),
    ProfileField.BIRTH_DATE: ValueSource("$.patient.born"),
    ProfileField.PREFERRED_LANGUAGE: ValueSource(constant="nl-BE"),
}


def with_profile() -> IncomingWebhook:
    return replace(webhook(), profile=plan_profile(NAMES))


def verdict_on(patient: dict[str, Any]) -> Admission:
    payload = PAYLOAD | {"patient": {"name": "Ada Example", **patient}}
    return admit(plan(with_profile()), SYSTEMS, call(payload))


def test_an_accepted_call_carries_the_profile_of_its_patient() -> None:
    verdict = verdict_on({"given": " Ada ", "born": "1950-12-10"})
    assert isinstance(verdict, Accepted)
    assert verdict.profile == {
        "first_name": "Ada",
        "address.city": "Ghent",
        "birth_date": "1950-12-10",
        "preferred_language": "nl-BE",
    }
    assert {type(name) for name in verdict.profile} == {str}
    assert "Ghent" not in repr(verdict)


def test_without_a_mapped_profile_there_is_none() -> None:
    verdict = admit(plan(), SYSTEMS, call())
    assert isinstance(verdict, Accepted)
    assert verdict.profile == {}


def test_a_profile_that_does_not_fit_refuses_the_call_with_everything_else() -> None:
    payload = PAYLOAD | {"pain": "much", "patient": {"name": "Ada", "given": 7, "born": "soon"}}
    verdict = admit(plan(with_profile()), SYSTEMS, call(payload))
    assert isinstance(verdict, Rejected)
    assert [(reason.code, reason.path) for reason in verdict.reasons] == [
        (ReasonCode.WRONG_TYPE, "$.pain"),
        (ReasonCode.WRONG_TYPE, "$.patient.given"),
        (ReasonCode.WRONG_TYPE, "$.patient.born"),
    ]


@pytest.mark.parametrize(
    ("born", "is_taken"),
    [
        pytest.param("2026-03-02", True, id="today"),
        pytest.param("2026-03-03", True, id="tomorrow, east of here"),
        pytest.param("2026-03-04", False, id="later"),
    ],
)
def test_nobody_is_born_after_the_call_came(born: str, is_taken: bool) -> None:
    assert isinstance(verdict_on({"born": born}), Accepted if is_taken else Rejected)


def fixed(**sources: ValueSource) -> IncomingWebhook:
    return replace(webhook(), mapping={name: source.compiled() for name, source in sources.items()})


NORTH = data_point("clinic", "string", possible_values=[{"value": "north"}, {"value": "south"}])
PAIN = data_point("pain", "number", range={"min": 0, "max": 10})


def test_constants_come_with_every_payload_in_their_wire_form() -> None:
    hook = fixed(
        clinic=ValueSource(constant="north"), pain=ValueSource("$.pain"), day=ValueSource(constant="2026-03-01")
    )
    verdict = admit(plan(hook, NORTH, PAIN, data_point("day", "date")), SYSTEMS, call())
    assert isinstance(verdict, Accepted)
    found = {value.data_point_definition_id: (value.value_type, value.value) for value in verdict.data_points}
    assert found == {
        "clinic": ("string", "north"),
        "pain": ("number", 4),
        "day": ("date", "2026-03-01T00:00:00.000Z"),
    }


def test_constants_are_kept_where_the_payload_is_refused() -> None:
    hook = fixed(clinic=ValueSource(constant="north"), pain=ValueSource("$.pain"))
    verdict = admit(plan(hook, NORTH, PAIN), SYSTEMS, call({}))
    assert isinstance(verdict, Rejected)
    assert [value.value for value in verdict.data_points] == ["north"]


@pytest.mark.parametrize(
    ("payload", "value"),
    [({"pain": 4}, 4), ({"pain": 0}, 0), ({"pain": None}, 7), ({}, 7)],
    ids=["sent", "sent zero", "null", "absent"],
)
def test_a_default_stands_in_for_what_is_not_sent(payload: dict[str, Any], value: int) -> None:
    verdict = admit(plan(fixed(pain=ValueSource("$.pain", default=7)), PAIN), SYSTEMS, call(payload))
    assert isinstance(verdict, Accepted)
    assert [point.value for point in verdict.data_points] == [value]


@pytest.mark.parametrize(
    ("source", "part"),
    [
        pytest.param(ValueSource(constant=11), "constant", id="constant"),
        pytest.param(ValueSource("$.pain", default=11), "default", id="default"),
    ],
)
def test_a_fixed_value_that_a_later_release_does_not_take_refuses_every_call(source: ValueSource, part: str) -> None:
    """Whether a payload needs the default or not: staff are told at the first call, and not at the one in a hundred."""
    hook = fixed(pain=source)
    assert plan_admission(hook, release(data_point("pain", "number"))).obstacles == ()
    republished = plan_admission(hook, release(PAIN))
    verdict = admit(republished, SYSTEMS, call())
    assert isinstance(verdict, Rejected)
    (reason,) = verdict.reasons
    assert (reason.code, reason.data_point, reason.path) == (ReasonCode.OUT_OF_RANGE, "pain", None)
    assert f"the {part} of this webhook" in reason.message
    assert "11" not in str(reason.as_dict())
