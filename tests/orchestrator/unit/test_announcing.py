"""Domain events carry what the reference says, and identifiers only where it says."""

from typing import Any

import orjson

from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.announcing import announce
from carewire_orchestrator.domain.events import Stopped
from carewire_testing_orchestrator.calls import mrn
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import CARE_FLOW_ID, NOW, PATIENT_ID, Played, number


def told(played: Played) -> list[dict[str, Any]]:
    advanced = Advanced(played.care_flow, tuple(played.effects))
    announced = announce(played.release, advanced, tenant_id="tests", identifiers=(mrn("canary"),))
    return [orjson.loads(orjson.dumps(one.event)) for one in announced]


def first(events: list[dict[str, Any]], event_type: str) -> dict[str, Any]:
    return next(event for event in events if event["event_type"] == event_type)


def play() -> Played:
    played = Played(release(), number("dp_age", 64))
    played.do("act_pain", number("q_pain", 8))
    played.do("act_call")
    return played


def test_identifiers_go_with_care_flows_and_tracks_alone() -> None:
    for event in told(play()):
        assert ("canary" in str(event)) is event["event_type"].startswith(("pathway.", "track."))


def test_the_care_flow_is_told_with_every_event() -> None:
    for event in told(play()):
        assert event["pathway"]["id"] == CARE_FLOW_ID
        assert event["pathway"]["patient_id"] == PATIENT_ID
        assert event["pathway"]["start_date"] == "2026-03-02T08:15:30.120Z"


def test_an_activity_says_for_whom_it_is() -> None:
    events = told(play())
    message = first(events, "activity.created")["activity"]
    assert message["indirect_object"] == {"id": PATIENT_ID, "type": "patient"}
    assert "stakeholders" not in message
    form = [event["activity"] for event in events if event["event_type"] == "activity.created"][1]
    assert [who["type"] for who in form["stakeholders"]] == ["patient", "stakeholder"]
    assert form["object"] == {"id": "form_pain", "type": "form", "name": "Pain check"}
    assert form["status"] == "active"
    assert form["resolution"] is None
    assert form["isUserActivity"] is True
    assert form["context"]["step_id"] == "stp_pain"


def test_an_activity_of_the_system_is_nobodys() -> None:
    stopped = [
        event["activity"]
        for event in told(Played(release(), number("dp_age", 12)))
        if event["event_type"] == "activity.completed"
    ]
    assert "indirect_object" not in stopped[0]
    assert stopped[0]["isUserActivity"] is False
    assert stopped[0]["object"]["type"] == "pathway"


def test_an_end_says_how_it_came() -> None:
    events = told(play())
    assert first(events, "activity.completed")["activity"]["resolution"] == "success"
    expired = first(events, "activity.expired")
    assert expired["activity"]["resolution"] == "expired"
    assert "user_context" not in expired
    played = Played(release(), number("dp_age", 64))
    played.let(Stopped("Moved away"))
    canceled = first(told(played), "activity.updated")
    assert (canceled["activity"]["status"], canceled["activity"]["resolution"]) == ("canceled", None)
    assert first(told(played), "pathway.stopped")["reason"] == "Moved away"


def test_an_answer_is_told_with_its_question() -> None:
    form = first(told(play()), "form.submitted")
    assert form["response"][0]["data_point_definition_id"] == form["form"]["questions"][1]["definition_id"]
    assert form["response"][0]["valueType"] == "number"
    assert [question["titleHtml"] for question in form["form"]["questions"]] == ["Hello", None, None]
    point = [event for event in told(play()) if event["event_type"] == "data_point.collected"][1]["data_point"]
    assert (point["definition_key"], point["definition_category"]) == ("pain.pain_today", "form")
    assert point["date"] == NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")
