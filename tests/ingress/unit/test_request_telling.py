"""What people are told of a request: what was done with it, and its values but for those that are redacted."""

from typing import Any

import orjson
import pytest

from carewire_contracts.statuses import RequestStatus
from carewire_ingress.domain.json_query import JsonQuery
from carewire_ingress.domain.redaction import MARKER
from carewire_ingress.domain.request_steps import RequestFacts, what_was_done
from carewire_ingress.domain.shown_values import shown_data_points

STARTED = RequestFacts(care_flow_id="c-1", patient_id="p-1")
TOLD = {
    "queued": (RequestStatus.SCHEDULED, RequestFacts(), "Stored and queued for the orchestrator."),
    "sent again": (
        RequestStatus.SCHEDULED,
        RequestFacts(resubmission_of="r-0"),
        "Sent again by staff, being request r-0, and queued for the orchestrator.",
    ),
    "taken": (RequestStatus.PROCESSING, STARTED, "Taken by the orchestrator."),
    "started": (RequestStatus.SUCCESS, STARTED, "Started care flow c-1 for patient p-1."),
    "duplicate": (
        RequestStatus.SUCCESS,
        RequestFacts(care_flow_id="c-1", patient_id="p-1", duplicate_of="r-0"),
        "Duplicate of request r-0, which had started care flow c-1 for patient p-1; nothing more was started.",
    ),
    "failed": (RequestStatus.FAILED, RequestFacts(failure_message="Two patients."), "Failed: Two patients."),
    "failed, unexplained": (RequestStatus.FAILED, RequestFacts(), "Failed: the reason is not known yet."),
    "refused": (
        RequestStatus.REJECTED,
        RequestFacts(reason_codes=("no_match", "wrong_type")),
        "Refused at receipt, so no care flow was started: no_match, wrong_type.",
    ),
    "refused, unexplained": (
        RequestStatus.REJECTED,
        RequestFacts(),
        "Refused at receipt, so no care flow was started: for no reason that is known.",
    ),
    "tested, good": (RequestStatus.TEST, RequestFacts(), "Tested, nothing was started. It would have been accepted."),
    "tested, bad": (
        RequestStatus.TEST,
        RequestFacts(reason_codes=("no_match",)),
        "Tested, nothing was started. It would have been refused: no_match.",
    ),
}


@pytest.mark.parametrize(("status", "facts", "told"), TOLD.values(), ids=TOLD.keys())
def test_each_status_tells_what_was_done(status: RequestStatus, facts: RequestFacts, told: str) -> None:
    assert what_was_done(status, facts) == told


BODY = orjson.dumps({"name": "Ada", "pain": 4, "side": "left"})
PATHS = {"name": "$.name", "pain": "$.pain", "clinic": None}
POINTS = [{"data_point_definition_id": one, "value_type": "string", "value": one} for one in ("name", "pain", "clinic")]


def values(paths: dict[str, str | None], body: bytes | None, *redacted: str) -> dict[str, Any]:
    shown = shown_data_points(POINTS, paths, "application/json", body, [JsonQuery(path) for path in redacted])
    return {point["data_point_definition_id"]: point["value"] for point in shown}


OPEN = {"name": "name", "pain": "pain", "clinic": "clinic"}


@pytest.mark.parametrize(
    ("paths", "body", "redacted", "hidden"),
    [
        (PATHS, BODY, (), set()),
        ({}, None, (), set()),
        (PATHS, BODY, ("$.name",), {"name"}),
        (PATHS, BODY, ("$.*",), {"name", "pain"}),
        (PATHS, BODY, ("$",), {"name", "pain"}),
        (PATHS, BODY, ("$.side",), set()),
        ({"pain": "$.pain"}, BODY, ("$.side",), {"name", "clinic"}),
        (PATHS, None, ("$.side",), {"name", "pain"}),
        (PATHS, b"not json", ("$.side",), {"name", "pain"}),
    ],
    ids=["open", "open-unknown", "path", "wildcard", "all", "other", "unmapped", "no-payload", "unreadable"],
)
def test_a_value_is_redacted_where_its_origin_is(
    paths: dict[str, str | None], body: bytes | None, redacted: tuple[str, ...], hidden: set[str]
) -> None:
    assert values(paths, body, *redacted) == {name: MARKER if name in hidden else name for name in OPEN}


def test_the_log_itself_keeps_what_is_not_shown() -> None:
    values(PATHS, BODY, "$.name")
    assert POINTS[0]["value"] == "name"
