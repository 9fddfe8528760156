"""What becomes of a care flow's API call, by what came of it."""

from datetime import timedelta
from typing import Any, cast

import pytest

from carewire_orchestrator.adapters import api_caller
from carewire_orchestrator.adapters.api_caller import ApiCaller, Outcome
from carewire_orchestrator.adapters.guarded_calls import MOST_BYTES, Answered, CallFailed, CallRefused
from carewire_orchestrator.adapters.store.api_calls import TakenCall
from carewire_orchestrator.domain.api_call_attempts import Again
from carewire_orchestrator.domain.api_requests import HttpRequest
from carewire_orchestrator.domain.care_flow import Reason
from carewire_orchestrator.domain.events import ApiCallAnswered, ApiCallFailed
from carewire_orchestrator.domain.orders import ApiCallRequested, Blank
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import DatabaseError, PostgresUnavailable, StatementFailed
from carewire_testing_orchestrator.definitions import designed, point, release, track
from carewire_testing_orchestrator.playing import Played

CALL: dict[str, Any] = {
    "id": "call",
    "title": "Call",
    "type": "api_call",
    "method": "GET",
    "url": "https://ehr.example",
}
WANTED = [{"path": "$.lab", "data_point_definition_id": "dp_lab"}]
POINTS = [point("dp_lab", category="api_call")]


def asked(activity_id: str, *url: str | Blank) -> ApiCallRequested:
    return ApiCallRequested(activity_id, "GET", url or ("https://ehr.example",), (), None)


def outcome(answer: Outcome, *, attempts: int = 1, wanted: Any = WANTED) -> Any:
    """What a call leads to, without the activity that it belongs to."""
    whole = designed(track("t", {"a": [{**CALL, "response": wanted}]}, [("start", "a")]), data_points=POINTS)
    played = Played(release(whole))
    call = TakenCall(played.care_flow.id, attempts, asked(played.activity("call").id))
    event = api_caller._event(played.release, played.care_flow, call, answer)
    if isinstance(event, ApiCallAnswered):
        return [value.value for value in event.values]
    return event.reason if isinstance(event, ApiCallFailed) else event


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"lab": 7}', [7]),
        (b"{}", []),
        (b'{"lab": "seven"}', Reason.UNSUITABLE_ANSWER),
        (b"", Reason.UNSUITABLE_ANSWER),
        (b"<html>", Reason.UNSUITABLE_ANSWER),
        (b"[" * 100_000, Reason.UNSUITABLE_ANSWER),
        (b'{"a":' * 500 + b"1" + b"}" * 500, []),
    ],
    ids=["the value", "no value", "another type", "nothing", "no JSON", "too deep", "deep"],
)
def test_a_successful_answer_gives_its_values_or_is_of_no_use(body: bytes, expected: object) -> None:
    assert outcome(Answered(200, body)) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"x" * MOST_BYTES])
def test_where_nothing_is_wanted_of_an_answer_any_will_do(body: bytes) -> None:
    assert outcome(Answered(204, body), wanted=[]) == []


@pytest.mark.parametrize("answer", [CallFailed(), Answered(503, b"")])
def test_what_may_pass_is_tried_again_until_it_is_given_up(answer: Outcome) -> None:
    assert outcome(answer, attempts=2) == Again(timedelta(seconds=4))
    assert outcome(answer, attempts=5) == Reason.CALL_FAILED


@pytest.mark.parametrize("answer", [CallRefused(), Answered(404, b'{"lab": 7}'), Answered(302, b"")])
def test_what_stays_the_same_fails_at_once(answer: Outcome) -> None:
    assert outcome(answer) == Reason.CALL_FAILED


class Fed(ApiCaller):
    """Cannot feed an answer back, for this reason."""

    def __init__(self, fault: DatabaseError) -> None:
        unused = cast("Any", None)
        super().__init__(unused, unused, unused, unused, unused, FakeClock(), timeout_s=1, concurrency=1)
        self.fault = fault
        self.fed: list[Outcome] = []

    async def _feed(self, call: TakenCall, answer: Outcome) -> str:  # noqa: ARG002 (as the caller has it)
        self.fed.append(answer)
        if not isinstance(answer, CallRefused):
            raise self.fault
        return "failed"


TAKEN = TakenCall("c", 1, asked("a"))


async def test_an_answer_that_cannot_be_stored_fails_the_call_and_not_the_process() -> None:
    caller = Fed(StatementFailed("22P05"))
    assert await caller._feed_safely(TAKEN, Answered(200, b"{}")) == "failed"
    assert [type(one) for one in caller.fed] == [Answered, CallRefused]


async def test_while_postgres_is_away_a_call_is_left_to_the_end_of_its_lease() -> None:
    caller = Fed(PostgresUnavailable("gone"))
    assert await caller._feed_safely(TAKEN, Answered(200, b"{}")) == "lost"
    assert [type(one) for one in caller.fed] == [Answered]


class Reached(ApiCaller):
    """Calls whom it is told to, with values that change from attempt to attempt."""

    def __init__(self, *values: dict[str, str] | DatabaseError) -> None:
        unused = cast("Any", None)
        super().__init__(
            unused, unused, cast("Any", self), cast("Any", self), unused, FakeClock(), timeout_s=1, concurrency=1
        )
        self._scripted = list(values)
        self.asked: list[tuple[str, set[str]]] = []
        self.sent: list[str] = []
        self.fed: list[Outcome] = []

    async def values(self, care_flow_id: str, names: frozenset[str]) -> dict[str, str]:
        """Stand in for the store of values."""
        self.asked.append((care_flow_id, set(names)))
        values = self._scripted.pop(0)
        if isinstance(values, DatabaseError):
            raise values
        return values

    async def call(self, request: HttpRequest) -> Answered:
        """Stand in for the network."""
        self.sent.append(request.url)
        return Answered(503, b"")

    async def _feed(self, call: TakenCall, answer: Outcome) -> str:  # noqa: ARG002 (as the caller has it)
        self.fed.append(answer)
        return "again"


CONCEALED = TakenCall("c", 1, asked("a", "https://ehr.example/", Blank("KEY")))


async def test_a_value_is_read_for_each_attempt_anew() -> None:
    caller = Reached({"KEY": "one"}, {"KEY": "two"})
    for _ in range(2):
        assert await caller._make_safely(CONCEALED) == "again"
    assert caller.asked == [("c", {"KEY"})] * 2
    assert caller.sent == ["https://ehr.example/one", "https://ehr.example/two"]


async def test_nothing_is_read_for_a_call_that_needs_no_value() -> None:
    caller = Reached()
    assert await caller._make_safely(TAKEN) == "again"
    assert (caller.asked, caller.sent) == ([], ["https://ehr.example"])


async def test_nobody_is_called_without_the_value_and_the_activity_fails_with_its_reason() -> None:
    caller = Reached({})
    await caller._make_safely(CONCEALED)
    assert (caller.sent, caller.fed) == ([], [Reason.CONSTANT_UNAVAILABLE])
    assert outcome(Reason.CONSTANT_UNAVAILABLE) == Reason.CONSTANT_UNAVAILABLE


async def test_while_values_cannot_be_read_a_call_is_left_to_the_end_of_its_lease() -> None:
    caller = Reached(PostgresUnavailable("gone"))
    assert await caller._make_safely(CONCEALED) == "lost"
    assert (caller.sent, caller.fed) == ([], [])
