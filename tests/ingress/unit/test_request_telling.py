"""What people are told of a request: what was done with it, and its values but for those that are redacted."""

from typing import Any

import orjson
import pytest

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER
from carewire_contracts.statuses import RequestStatus
from carewire_ingress.domain.request_steps import RequestFacts, what_was_done
from carewire_ingress.domain.shown_values import shown_data_points, shown_explanation, without_values

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
    "skipped, active": (
        RequestStatus.SUCCESS,
        RequestFacts(care_flow_id="c-1", patient_id="p-1", skip_reason="active_care_flow"),
        "Skipped by the enrolment guard: care flow c-1 for patient p-1 is still active. Nothing was started.",
    ),
    "skipped, ever": (
        RequestStatus.SUCCESS,
        RequestFacts(care_flow_id="c-1", patient_id="p-1", skip_reason="ever_enrolled"),
        "Skipped by the enrolment guard: care flow c-1 for patient p-1 exists already. Nothing was started.",
    ),
    "skipped, for a reason of a later version": (
        RequestStatus.SUCCESS,
        RequestFacts(care_flow_id="c-1", patient_id="p-1", skip_reason="new_moon"),
        "Skipped by the enrolment guard: care flow c-1 for patient p-1 stands in the way. Nothing was started.",
    ),
    "duplicate of a skipped one": (
        RequestStatus.SUCCESS,
        RequestFacts(care_flow_id="c-1", patient_id="p-1", skip_reason="active_care_flow", duplicate_of="r-0"),
        "Skipped by the enrolment guard: care flow c-1 for patient p-1 is still active. Nothing was started, "
        "as for request r-0, of which this is a duplicate.",
    ),
    "filtered": (
        RequestStatus.REJECTED,
        RequestFacts(reason_codes=("filtered",)),
        "Not meant for this care flow by the webhook's filter, so nothing was started.",
    ),
    "tested, filtered": (
        RequestStatus.TEST,
        RequestFacts(reason_codes=("filtered",)),
        "Tested, nothing was started. The webhook's filter would have kept it from the care flow.",
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


LITERAL = {"reference": "$.pain", "operand_reference": None, "operand": 3, "value": 4, "satisfied": True}
COMPARED = {"reference": "$.side", "operand_reference": "$.name", "operand": "Ada", "value": "left", "satisfied": False}


def seen(body: bytes | None, *redacted: str) -> list[tuple[object, object]]:
    queries = [JsonQuery(path) for path in redacted]
    shown = shown_explanation([LITERAL, COMPARED], "application/json", body, queries)
    assert [condition["satisfied"] for condition in shown] == [True, False]
    return [(condition["value"], condition["operand"]) for condition in shown]


@pytest.mark.parametrize(
    ("body", "redacted", "told"),
    [
        (BODY, (), [(4, 3), ("left", "Ada")]),
        (BODY, ("$.pain",), [(MARKER, 3), ("left", "Ada")]),
        (BODY, ("$.name",), [(4, 3), ("left", MARKER)]),
        (BODY, ("$.*",), [(MARKER, 3), (MARKER, MARKER)]),
        (BODY, ("$.other",), [(4, 3), ("left", "Ada")]),
        (None, (), [(4, 3), ("left", "Ada")]),
        (None, ("$.other",), [(MARKER, 3), (MARKER, MARKER)]),
        (b"not json", ("$.other",), [(MARKER, 3), (MARKER, MARKER)]),
    ],
    ids=["open", "value", "operand", "all", "other", "open-unknown", "no-payload", "unreadable"],
)
def test_what_a_filter_compared_is_redacted_where_it_stands_by_what_is_redacted_now(
    body: bytes | None, redacted: tuple[str, ...], told: list[tuple[object, object]]
) -> None:
    assert seen(body, *redacted) == told


def test_a_condition_that_was_logged_before_operands_had_references_is_shown() -> None:
    old = {name: value for name, value in LITERAL.items() if name != "operand_reference"}
    (shown,) = shown_explanation([old], "application/json", BODY, [JsonQuery("$.pain")])
    assert (shown["value"], shown["operand"]) == (MARKER, 3)


def test_conditions_can_be_told_without_anything_that_was_compared() -> None:
    told = without_values([LITERAL, COMPARED])
    assert [(each["reference"], each["satisfied"]) for each in told] == [("$.pain", True), ("$.side", False)]
    assert {(each["value"], each["operand"]) for each in told} == {(None, None)}
    assert COMPARED["value"] == "left"
