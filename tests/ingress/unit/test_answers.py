from dataclasses import replace

import orjson
import pytest

from carewire_contracts.requests import Reason, ReasonCode
from carewire_ingress.domain import answers
from carewire_ingress.domain.admit import Accepted, Admission, Filtered, Rejected
from carewire_testing_ingress.samples import call

REASON = Reason(ReasonCode.NO_MATCH, "Nothing there.", data_point="x", path="$.x", expected="number", found="no match")


def lines(answer: answers.Answer) -> dict[bytes, bytes]:
    """The headers of an answer."""
    assert answer.head.endswith(b"\r\n")
    return {name: value for name, _, value in (line.partition(b": ") for line in answer.head.split(b"\r\n")[:-1])}


def test_a_scheduled_call_is_told_its_request_id() -> None:
    answer = answers.scheduled("an-id")
    assert answer.status == 202
    assert orjson.loads(answer.body) == {"request_id": "an-id", "status": "SCHEDULED"}


def test_a_rejected_payload_gets_every_reason() -> None:
    answer = answers.rejected("an-id", Rejected((REASON, REASON)))
    body = orjson.loads(answer.body)
    assert answer.status == body["status"] == 422
    assert body["request_id"] == "an-id"
    assert body["request_status"] == "REJECTED"
    assert body["reasons"] == [REASON.as_dict()] * 2


def test_a_disabled_webhook_is_a_conflict() -> None:
    answer = answers.rejected("an-id", Rejected((Reason(ReasonCode.DISABLED, "Off."),)))
    assert answer.status == 409
    assert orjson.loads(answer.body)["reasons"][0]["code"] == "disabled"


CONDITION = {
    "at": "all[0]",
    "id": "adult",
    "reference": "$.age",
    "operator": "is_greater_than",
    "operand_reference": None,
    "operand": "secret operand",
    "value": "secret value",
    "satisfied": False,
    "empty": False,
}
TOLD = {name: CONDITION[name] for name in ("at", "id", "reference", "operator", "satisfied", "empty")}
ACCEPTED = Accepted("release-1", "key", "00", (), ())


@pytest.mark.parametrize(
    ("verdict", "word", "codes"),
    [
        pytest.param(ACCEPTED, "would_be_accepted", [], id="accepted"),
        pytest.param(Rejected((REASON,)), "would_be_rejected", ["no_match"], id="rejected"),
        pytest.param(Filtered((CONDITION,)), "would_be_filtered", ["filtered"], id="filtered"),
    ],
)
def test_a_test_is_told_the_verdict(verdict: Admission, word: str, codes: list[str]) -> None:
    answer = answers.answer_to(call(is_test=True), verdict)
    body = orjson.loads(answer.body)
    assert (answer.status, answer.outcome) == (200, "test")
    assert (body["request_id"], body["status"], body["verdict"]) == (call().request_id, "TEST", word)
    assert [reason["code"] for reason in body["reasons"]] == codes


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(Filtered((CONDITION,)), id="filtered"),
        pytest.param(Rejected((REASON,), (), (CONDITION,)), id="rejected after the filter"),
        pytest.param(replace(ACCEPTED, explanation=(CONDITION,)), id="accepted"),
    ],
)
def test_a_test_is_told_each_condition_of_a_filter_and_never_a_value(verdict: Admission) -> None:
    answer = answers.tested("an-id", verdict)
    assert orjson.loads(answer.body)["filter"] == [TOLD]
    assert b"secret" not in answer.body


def test_a_test_of_a_webhook_without_filter_is_told_of_none() -> None:
    assert "filter" not in orjson.loads(answers.tested("an-id", ACCEPTED).body)


@pytest.mark.parametrize(
    ("verdict", "status", "outcome"),
    [
        pytest.param(ACCEPTED, 202, "scheduled", id="accepted"),
        pytest.param(Filtered((CONDITION,)), 202, "filtered", id="filtered"),
        pytest.param(Rejected((REASON,)), 422, "rejected", id="rejected"),
        pytest.param(Rejected((Reason(ReasonCode.DISABLED, "Off."),)), 409, "disabled", id="disabled"),
    ],
)
def test_each_verdict_has_one_answer(verdict: Admission, status: int, outcome: str) -> None:
    answer = answers.answer_to(call(), verdict)
    assert (answer.status, answer.outcome) == (status, outcome)
    assert orjson.loads(answer.body)["request_id"] == call().request_id


def test_a_filtered_call_is_no_error_of_the_sender_and_is_told_no_condition() -> None:
    answer = answers.answer_to(call(), Filtered((CONDITION,)))
    assert lines(answer)[b"content-type"] == b"application/json"
    body = {"request_id": call().request_id, "status": "REJECTED", "reason": "filtered"}
    assert orjson.loads(answer.body) == body


def test_unavailable_says_when_to_come_back() -> None:
    assert lines(answers.unavailable(2))[b"retry-after"] == b"2"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (answers.UNKNOWN_WEBHOOK, 404),
        (answers.METHOD_NOT_ALLOWED, 405),
        (answers.READ_TIMEOUT, 408),
        (answers.too_large(10), 413),
        (answers.UNSUPPORTED_MEDIA_TYPE, 415),
        (answers.FAULT, 500),
        (answers.unavailable(1), 503),
    ],
)
def test_errors_are_problem_details_with_a_remedy(answer: answers.Answer, status: int) -> None:
    headers = lines(answer)
    body = orjson.loads(answer.body)
    assert answer.status == body["status"] == status
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(answer.body)
    assert body["type"].startswith("urn:carewire:problem:")
    assert body["title"]
    assert body["detail"]
