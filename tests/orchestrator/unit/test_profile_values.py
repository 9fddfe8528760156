"""What care flows see of the profile of their patient: as it is at each event, and nothing of it stays."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlowStatus, Letter, Reason
from carewire_orchestrator.domain.care_flow_document import write_care_flow
from carewire_orchestrator.domain.definition_data_points import PROFILE
from carewire_orchestrator.domain.effects import NoteWritten
from carewire_orchestrator.domain.events import Resumed
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import ApiCallRequested
from carewire_orchestrator.domain.profile import lay_out_profile
from carewire_orchestrator.domain.profile_values import profile_values
from carewire_orchestrator.domain.validate import validate
from carewire_testing_orchestrator.definitions import checklist, definition, designed, point, release, track, trigger
from carewire_testing_orchestrator.playing import Played, number

IRIS = lay_out_profile(
    {
        "first_name": "Iris",
        "birth_date": "1961-07-04",
        "sex": "FEMALE",
        "mobile_phone": "+3225550101",
        "preferred_language": "nl",
        "address.city": "Gent",
    }
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))
SPEAKS_DUTCH = {"all": [{"reference": "patient.preferred_language", "operator": "is_equal_to", "operand": "nl"}]}
SAID = {"name": "said", "data_point_definition_id": "patient.first_name", "fallback": "you"}


def branching(*, default: bool = True) -> dict[str, Any]:
    """After a checklist those go to `dutch` who speak it, and by default the others to `other`."""
    drawn = track(
        "t",
        {"a": [checklist("first")], "dutch": [checklist("goed")], "other": [checklist("good")]},
        [("start", "a"), ("a", "dutch"), ("a", "other")],
    )
    dutch, other = (one for one in drawn["transitions"] if one["origin"] == {"type": "step", "node_id": "a"})
    dutch["rule"], other["default"] = SPEAKS_DUTCH, default
    if not default:
        drawn["transitions"].remove(other)
    return designed(drawn)


def doing(action: dict[str, Any], *points: dict[str, Any]) -> dict[str, Any]:
    """A step that does something with the profile, and then one that waits."""
    steps = {"a": [{"id": "does", "title": "Does", **action}], "b": [checklist("wait")]}
    return designed(track("t", steps, [("start", "a"), ("a", "b")]), data_points=points)


def test_a_rule_sees_the_profile_as_it_is_when_it_is_decided() -> None:
    for profile, goes_to in ((IRIS, "goed"), ({"preferred_language": "en"}, "good")):
        played = Played(release(branching()), profile={"preferred_language": "fr"})
        played.profile = profile
        assert f"activity created {goes_to}" in played.do("first")


def test_where_the_profile_says_nothing_the_track_waits_and_an_operator_lets_it_go_on_once_it_does() -> None:
    played = Played(release(branching(default=False)))
    played.do("first")
    waiting = played.activity("")
    assert (waiting.kind, waiting.status, waiting.reason) == (
        "evaluated_rule",
        ActivityStatus.ACTIVE,
        Reason.EMPTY_VALUE,
    )
    played.profile = IRIS
    assert "activity created goed" in played.let(Resumed(waiting.id))


def test_a_trigger_asks_the_profile() -> None:
    main = track("main", {"a": [checklist("wait")]}, [("start", "a")])
    document = designed(main, track("later", {"b": [checklist("do")]}, [("start", "b")]))
    document["triggers"] += [trigger("later", type="pathway_started", rule=SPEAKS_DUTCH)]
    assert Played(release(document), profile=IRIS).care_flow.tracks.keys() == {"main", "later"}
    assert Played(release(document)).care_flow.tracks.keys() == {"main"}


def test_a_calculation_takes_the_birthday_for_a_date() -> None:
    age = {
        "type": "calculation",
        "expression": "years_between(born, visit)",
        "inputs": [
            {"name": "born", "data_point_definition_id": "patient.birth_date"},
            {"name": "visit", "data_point_definition_id": "dp_visit"},
        ],
        "output_data_point_definition_id": "dp_age",
    }
    document = doing(age, point("dp_visit", "date"), point("dp_age", category="calculation"))
    visit = GivenValue("dp_visit", ValueType.DATE, "2026-03-02T00:00:00.000Z")
    played = Played(release(document), visit, profile=IRIS)
    assert played.care_flow.data_points["dp_age"].given == number("dp_age", 64)
    assert Played(release(document), visit).activity("does").reason is Reason.EMPTY_VALUE


def test_texts_name_the_patient_or_what_stands_for_them() -> None:
    message = {"type": "message", "subject": "Dear {{said}}", "body": "", "dynamic_variables": [SAID]}
    assert Played(release(doing(message)), profile=IRIS).activity("does").letter == Letter("Dear Iris", "")
    assert Played(release(doing(message))).activity("does").letter == Letter("Dear you", "")
    note = {
        "type": "clinical_note",
        "narratives": [{"id": "n", "key": "n", "title": "N", "body": "{{said}}, {{city}}"}],
        "dynamic_variables": [SAID, {"name": "city", "data_point_definition_id": "patient.address.city"}],
    }
    [written] = [one for one in Played(release(doing(note)), profile=IRIS).effects if isinstance(one, NoteWritten)]
    assert written.narratives == (("n", "Iris, Gent"),)
    call = {
        "type": "api_call",
        "method": "GET",
        "url": "https://ehr.example/{{said}}",
        "dynamic_variables": [SAID],
    }
    [order] = [one for one in Played(release(doing(call)), profile=IRIS).orders if isinstance(one, ApiCallRequested)]
    assert order.url == ("https://ehr.example/Iris",)


def test_nothing_of_the_profile_is_kept_by_a_care_flow_that_looks_at_it() -> None:
    canary = {**IRIS, "first_name": "canary", "preferred_language": "nl"}
    played = Played(release(branching()), profile=canary)
    played.do("first")
    assert played.care_flow.status is CareFlowStatus.ACTIVE
    assert "canary" not in write_care_flow(played.care_flow)
    assert played.care_flow.data_points == {}
    assert "canary" not in repr((played.care_flow, played.effects, played.orders))


def test_a_release_says_what_it_asks_of_the_profile_so_that_nobody_looks_it_up_in_vain() -> None:
    assert release(branching()).profile_fields == {"patient.preferred_language"}
    assert release().profile_fields == frozenset()
    later = Played(release(), number("dp_age", 64), profile=IRIS)
    same = Played(release(), number("dp_age", 64))
    assert (later.care_flow, later.effects) == (same.care_flow, same.effects)


@pytest.mark.parametrize("document", [branching(), doing({"type": "message", "subject": "S", "body": "B"})])
def test_what_refers_to_the_profile_can_be_published(document: dict[str, Any]) -> None:
    assert validate(definition(document)) == []


@given(st.dictionaries(st.sampled_from(sorted(PROFILE)), TEXTS), st.sets(st.sampled_from(sorted(PROFILE))))
def test_whatever_stands_in_a_profile_each_field_has_a_value_of_its_type_or_none(
    flat: dict[str, str], fields: set[str]
) -> None:
    """Webhooks keep what senders write."""
    values = profile_values(lay_out_profile(flat), {f"patient.{name}" for name in fields})
    assert values.keys() <= {f"patient.{name}" for name in fields & flat.keys()}
    for name in fields & flat.keys():
        if PROFILE[name][1] is ValueType.STRING:
            assert values[f"patient.{name}"] == flat[name]


def test_a_field_that_is_none_of_its_type_is_empty() -> None:
    fields = {"patient.birth_date", "patient.phone", "patient.mobile_phone"}
    values = profile_values({"birth_date": "about 1961", "phone": "ask her", "mobile_phone": "+3225550101"}, fields)
    assert values == {"patient.mobile_phone": "+3225550101"}
