"""Documents of care flows: what earlier days wrote is read, and what most never have takes no place."""

import orjson
import pytest

from carewire_orchestrator.domain.care_flow import CareFlow, CareFlowStatus
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import Played, number

OF_EARLIER_DAYS = """
{
    "id": "0195f1a0-0000-7000-8000-000000000001",
    "release_id": "00000000-0000-7000-8000-000000000001",
    "patient_id": "0195f1a0-0000-7000-8000-000000000002",
    "status": "active",
    "started_at": "2026-03-02T08:15:30.120Z",
    "ended_at": null,
    "stop_reason": null,
    "tracks": [["trk_follow", "active"]],
    "steps": [["stp_check", "done"], ["stp_pain", "active"]],
    "activities": [
        {
            "id": "a",
            "kind": "form",
            "track_id": "trk_follow",
            "step_id": "stp_pain",
            "action_id": "act_pain",
            "status": "active",
            "created_at": "2026-03-02T08:15:30.120Z",
            "ended_at": null
        }
    ],
    "data_points": [
        {
            "id": "d",
            "definition_id": "dp_age",
            "value_type": "number",
            "value": 64,
            "collected_at": "2026-03-02T08:15:30.120Z"
        }
    ],
    "sequence": 5
}
"""


def test_a_document_of_earlier_days_is_read_and_goes_on() -> None:
    care_flow = read_care_flow(OF_EARLIER_DAYS)
    assert care_flow.status is CareFlowStatus.ACTIVE
    assert (care_flow.time_zone, care_flow.timers, care_flow.system_dates) == ("UTC", {}, {})
    played = Played(release(), number("dp_age", 64))
    played.care_flow = care_flow
    assert played.do("act_pain", number("q_pain", 8))[-1] == "activity created act_call"


def test_what_a_care_flow_never_had_stands_nowhere_in_its_document() -> None:
    written = orjson.loads(write_care_flow(read_care_flow(OF_EARLIER_DAYS)))
    assert written == orjson.loads(OF_EARLIER_DAYS)


@pytest.mark.parametrize("document", ["{}", "[]", "null", '{"id": 1}'])
def test_what_is_no_care_flow_is_not_taken_for_one(document: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_care_flow(document)


def test_a_care_flow_that_has_not_started_has_a_document_as_well() -> None:
    care_flow = CareFlow(id="c", release_id="r", patient_id="p", time_zone="Europe/Brussels")
    assert read_care_flow(write_care_flow(care_flow)) == care_flow
