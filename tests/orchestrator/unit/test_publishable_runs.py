"""What `validate` lets pass can be laid out and run to its end; what it refuses, it refuses with a reason.

A definition that people can read is spoilt at random places: parts dropped, doubled, pointed elsewhere.
"""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Advanced, advance
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.events import CareFlowEvent, Started
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.validate import validate
from carewire_testing_orchestrator.definitions import HIP, checklist, message, starts, track
from carewire_testing_orchestrator.histories import new_care_flow
from carewire_testing_orchestrator.playing import NOW, doing

SECOND = track("trk_second", {"s1": [checklist("c1")], "s2": [message("m1")]}, [("start", "s1"), ("s1", "s2")])
AFTER = {
    "id": "trg_2",
    "target_id": "trk_second",
    "settings": {"type": "step_completed", "step_id": "stp_pain"},
}
DOCUMENT: dict[str, Any] = {**HIP, "tracks": [*HIP["tracks"], SECOND], "triggers": [*HIP["triggers"], AFTER]}

Place = tuple[Any, Any]
"""A part of a document, and the name or index under which it stands there."""


def places(node: Any) -> list[Place]:
    """Every part of a document, from the root on."""
    names: list[Any] = []
    if isinstance(node, dict):
        names = list(node)
    elif isinstance(node, list):
        names = list(range(len(node)))
    return [place for name in names for place in [(node, name), *places(node[name])]]


def pointing_words(document: Any) -> list[str]:
    """The words by which nodes of a document are known."""
    words = [home[name] for home, name in places(document) if isinstance(name, str) and name.endswith("id")]
    return sorted({word for word in words if isinstance(word, str)})


@st.composite
def spoilt_documents(draw: st.DrawFn) -> dict[str, Any]:
    document = deepcopy(DOCUMENT)
    for _ in range(draw(st.integers(0, 4))):
        home, name = draw(st.sampled_from(places(document)))
        change = draw(st.sampled_from(["drop", "double", "point elsewhere", "turn"]))
        if change == "drop":
            del home[name]
        elif change == "double" and isinstance(home, list):
            home.append(deepcopy(home[name]))
        elif change == "point elsewhere" and isinstance(name, str) and name.endswith("id"):
            home[name] = draw(st.sampled_from(pointing_words(document)))
        elif change == "turn" and isinstance(home, list):
            home.reverse()
    return document


def read(document: dict[str, Any]) -> CareFlowDefinition | None:
    """The definition, or None for what is no definition at all."""
    try:
        return CareFlowDefinition.model_validate(document)
    except ValidationError:
        return None


def next_event(care_flow: CareFlow, answers: tuple[GivenValue, ...]) -> CareFlowEvent:
    waiting = [activity for activity in care_flow.activities.values() if activity.blocks]
    assert waiting, "a care flow that runs waits for somebody"
    return doing(waiting[0], *(answers if waiting[0].kind == "form" else ()))


def run_to_the_end(release: Release, *, age: int, pain: int) -> CareFlow:
    """Do what blocks until nothing does. Each event completes an activity, so there is an end."""
    event: CareFlowEvent = Started((GivenValue("dp_age", ValueType.NUMBER, age),))
    care_flow = new_care_flow(release)
    for _ in range(len(release.actions) + 1):
        advanced = advance(release, care_flow, event, NOW)
        assert isinstance(advanced, Advanced), advanced
        care_flow = advanced.care_flow
        if care_flow.status.is_final:
            return care_flow
        event = next_event(care_flow, (GivenValue("q_pain", ValueType.NUMBER, pain),))
    raise AssertionError("more events than actions, and no end")


@given(spoilt_documents(), st.sampled_from([12, 64]), st.sampled_from([2, 8]))
@settings(max_examples=150)
def test_whatever_can_be_published_runs_to_its_end(document: dict[str, Any], age: int, pain: int) -> None:
    definition = read(document)
    if definition is None or any(problem.severity == "ERROR" for problem in validate(definition)):
        return
    run_to_the_end(Release.of("release", 1, definition), age=age, pain=pain)


@given(spoilt_documents())
@settings(max_examples=80)
def test_every_problem_names_a_node_of_the_document_and_says_what_to_do(document: dict[str, Any]) -> None:
    definition = read(document)
    problems = [] if definition is None else validate(definition)
    words = {value for home, name in places(document) if isinstance(value := home[name], str)}
    for problem in problems:
        assert problem.node_id in words
        assert problem.message
    assert len(set(problems)) == len(problems), "nothing is told twice"


@given(spoilt_documents())
@settings(max_examples=50)
def test_what_is_wrong_does_not_depend_on_when_one_looks(document: dict[str, Any]) -> None:
    definition = read(document)
    if definition is not None:
        again = CareFlowDefinition.model_validate_json(definition.model_dump_json())
        assert validate(again) == validate(definition)


def test_the_document_that_is_spoilt_was_sound() -> None:
    definition = read(DOCUMENT)
    assert definition is not None
    assert [problem for problem in validate(definition) if problem.severity == "ERROR"] == []
    care_flow = run_to_the_end(Release.of("release", 1, definition), age=64, pain=8)
    assert care_flow.status == "completed"
    assert care_flow.tracks == {"trk_follow": "completed", "trk_second": "completed"}


def test_a_trigger_for_each_of_two_tracks_starts_both_in_the_order_of_the_document() -> None:
    definition = read({**DOCUMENT, "triggers": [starts("trk_second"), starts("trk_follow")]})
    assert definition is not None
    care_flow = run_to_the_end(Release.of("release", 1, definition), age=64, pain=2)
    assert list(care_flow.tracks) == ["trk_second", "trk_follow"]
