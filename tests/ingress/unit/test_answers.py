import orjson
import pytest

from carewire_contracts.requests import Reason, ReasonCode
from carewire_ingress.domain import answers
from carewire_ingress.domain.admit import Rejected

REASON = Reason(ReasonCode.NO_MATCH, "Nothing there.", data_point="x", path="$.x", expected="number", found="no match")


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


@pytest.mark.parametrize(("reasons", "verdict"), [((), "would_be_accepted"), ((REASON,), "would_be_rejected")])
def test_a_test_is_told_the_verdict(reasons: tuple[Reason, ...], verdict: str) -> None:
    answer = answers.tested("an-id", reasons)
    body = orjson.loads(answer.body)
    assert answer.status == 200
    assert body["status"] == "TEST"
    assert body["verdict"] == verdict
    assert len(body["reasons"]) == len(reasons)


def test_unavailable_says_when_to_come_back() -> None:
    assert (b"retry-after", b"2") in answers.unavailable(2).headers


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (answers.UNKNOWN_WEBHOOK, 404),
        (answers.METHOD_NOT_ALLOWED, 405),
        (answers.READ_TIMEOUT, 408),
        (answers.too_large(10), 413),
        (answers.UNSUPPORTED_MEDIA_TYPE, 415),
        (answers.unavailable(1), 503),
    ],
)
def test_errors_are_problem_details_with_a_remedy(answer: answers.Answer, status: int) -> None:
    headers = dict(answer.headers)
    body = orjson.loads(answer.body)
    assert answer.status == body["status"] == status
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(answer.body)
    assert body["type"].startswith("urn:carewire:problem:")
    assert body["title"]
    assert body["detail"]
