"""A webhook takes calls at its rate, and what is refused beyond a minute's budget is counted, not kept."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.telemetry import metrics
from carewire_testing_ingress.door import open_door, sender_of
from carewire_testing_ingress.proofs import NEW, PROOFS, STRANGE, signed_call, with_header
from carewire_testing_ingress.samples import PAYLOAD, webhook
from carewire_testing_runtime.log import logged

GOOD = signed_call({"content-type": "application/json"}, orjson.dumps(PAYLOAD))
BAD = signed_call({"content-type": "application/json"}, b"{}")


def limited(per_second: float, burst: int) -> IncomingWebhook:
    return replace(webhook(), rate_limit=RateLimit(per_second, burst))


def signed(secret: str) -> SignedCall:
    return with_header(PROOFS["github"].sign(secret, GOOD.body), "content-type", b"application/json")


def not_logged(status: str, reason: str) -> float:
    return metrics.REFUSED_NOT_LOGGED.value(status=status, reason=reason)


async def test_a_webhook_without_a_rate_takes_what_comes() -> None:
    async with open_door() as door:
        assert {(await door.ask(GOOD)).status for _ in range(50)} == {202}


async def test_above_its_rate_a_webhook_says_when_to_come_back() -> None:
    async with open_door(limited(0.4, 2)) as door:
        statuses = [(await door.ask(GOOD)).status for _ in range(3)]
        answer = await door.ask(GOOD)
        assert statuses == [202, 202, 429]
        assert answer.headers[b"retry-after"] == b"3"
        assert answer.headers[b"content-type"] == b"application/problem+json"
        assert answer.problem["type"] == "urn:carewire:problem:rate_limited"
        door.clock.advance(2.4)
        assert (await door.ask(GOOD)).status == 429
        door.clock.advance(0.2)
        assert (await door.ask(GOOD)).status == 202
        assert door.accepted == 3


@pytest.mark.parametrize(
    ("per_second", "seconds"),
    [(1_000.0, b"1"), (2.0, b"1"), (1.0, b"1"), (0.9, b"2"), (0.5, b"2"), (0.3, b"4")],
)
async def test_the_pause_is_told_in_whole_seconds_and_never_too_short(per_second: float, seconds: bytes) -> None:
    async with open_door(limited(per_second, 1)) as door:
        await door.ask(GOOD)
        answer = await door.ask(GOOD)
        assert answer.headers[b"retry-after"] == seconds
        door.clock.advance(int(seconds))
        assert (await door.ask(GOOD)).status == 202


async def test_a_call_above_the_rate_is_counted_and_neither_kept_nor_told() -> None:
    before = metrics.REQUESTS.value(status="rate_limited", reason="")
    with logged() as lines:
        async with open_door(limited(0.1, 1)) as door:
            for _ in range(5):
                await door.ask(GOOD)
            assert door.refused == []
    assert metrics.REQUESTS.value(status="rate_limited", reason="") == before + 4
    assert len(lines.of("call_answered")) == 1


async def test_tests_have_a_rate_of_their_own() -> None:
    async with open_door(limited(0.1, 1)) as door:
        assert (await door.ask(GOOD, test=True)).status == 200
        assert (await door.ask(GOOD, test=True)).status == 429
        assert (await door.ask(GOOD)).status == 202


async def test_strangers_cannot_spend_the_rate_of_the_true_sender() -> None:
    sender = sender_of(PROOFS["github"].scheme, NEW)
    async with open_door(replace(limited(0.1, 1), sender=sender)) as door:
        assert {(await door.ask(signed(STRANGE))).status for _ in range(5)} == {401}
        assert (await door.ask(signed(NEW))).status == 202
        assert (await door.ask(signed(NEW))).status == 429


async def test_a_rate_that_staff_change_counts_from_the_next_call() -> None:
    async with open_door(limited(0.1, 1)) as door:
        await door.ask(GOOD)
        assert (await door.ask(GOOD)).status == 429
        door.webhook = limited(1.0, 50)
        assert (await door.ask(GOOD)).status == 202


async def test_a_deleted_webhook_leaves_nothing_behind() -> None:
    async with open_door(limited(0.1, 1), refused_per_minute=1) as door:
        for call in (GOOD, BAD, GOOD, BAD):
            await door.ask(call)
        door.gate.forget(door.webhook.id)
        assert [(await door.ask(call)).status for call in (BAD, GOOD)] == [422, 429]
        assert len(door.refused) == 1
        door.gate.forget("never heard of")


async def test_beyond_the_budget_the_answer_is_the_same_and_only_the_count_grows() -> None:
    before = not_logged("REJECTED", "no_match")
    with logged() as lines:
        async with open_door(refused_per_minute=3) as door:
            answers = [await door.ask(BAD) for _ in range(8)]
            assert len(door.refused) == 3
    assert {answer.status for answer in answers} == {422}
    assert len({orjson.dumps(answer.problem["reasons"]) for answer in answers}) == 1
    assert len({answer.problem["request_id"] for answer in answers}) == 8
    assert not_logged("REJECTED", "no_match") == before + 5
    assert len(lines.of("call_answered")) == 3


async def test_the_budget_refills_over_the_minute() -> None:
    async with open_door(refused_per_minute=6) as door:
        for _ in range(10):
            await door.ask(BAD)
        assert len(door.refused) == 6
        door.clock.advance(10)
        for _ in range(10):
            await door.ask(BAD)
        assert len(door.refused) == 7
        door.clock.advance(3_600)
        for _ in range(10):
            await door.ask(BAD)
        assert len(door.refused) == 13


async def test_a_flood_of_tests_leaves_the_budget_of_calls_alone_and_the_other_way_round() -> None:
    before = not_logged("TEST", "")
    async with open_door(refused_per_minute=2) as door:
        for _ in range(4):
            assert (await door.ask(GOOD, test=True)).status == 200
        for _ in range(4):
            assert (await door.ask(BAD)).status == 422
        assert [request.status for request in door.refused] == ["TEST", "TEST", "REJECTED", "REJECTED"]
    assert not_logged("TEST", "") == before + 2


async def test_strangers_fill_the_log_no_further_than_the_budget() -> None:
    before = not_logged("REJECTED", "unauthenticated")
    sender = sender_of(PROOFS["github"].scheme, NEW)
    async with open_door(replace(webhook(), sender=sender), refused_per_minute=2) as door:
        assert {(await door.ask(signed(STRANGE))).status for _ in range(6)} == {401}
        assert len(door.refused) == 2
    assert not_logged("REJECTED", "unauthenticated") == before + 4


async def test_accepted_calls_are_kept_whatever_was_refused() -> None:
    async with open_door(refused_per_minute=1) as door:
        for _ in range(5):
            await door.ask(BAD)
        assert {(await door.ask(GOOD)).status for _ in range(5)} == {202}
        assert door.accepted == 5


async def test_an_unknown_address_is_counted_and_never_told() -> None:
    before = metrics.REQUESTS.value(status="unknown_webhook", reason="")
    with logged() as lines:
        async with open_door() as door:
            door.by_token = lambda _: None  # type: ignore[method-assign, assignment]
            assert (await door.ask(GOOD)).status == 404
            assert door.refused == []
    assert metrics.REQUESTS.value(status="unknown_webhook", reason="") == before + 1
    assert lines.of("call_answered") == []


@examples(max_examples=40, deadline=None)
@given(
    st.floats(0.5, 50),
    st.integers(1, 5),
    st.integers(1, 60),
    st.lists(st.tuples(st.sampled_from([GOOD, BAD]), st.booleans(), st.floats(0, 3)), max_size=30),
)
async def test_whatever_comes_both_bounds_hold(
    per_second: float, burst: int, per_minute: int, calls: list[tuple[SignedCall, bool, float]]
) -> None:
    async with open_door(limited(per_second, burst), refused_per_minute=per_minute) as door:
        passed = {True: 0, False: 0}
        for call, test, pause in calls:
            answer = await door.ask(call, test=test)
            passed[test] += answer.status != 429
            door.clock.advance(pause)
        elapsed = door.clock.monotonic()
        assert max(passed.values()) <= burst + elapsed * per_second + 1e-3
        for status in ("TEST", "REJECTED"):
            kept = sum(request.status == status for request in door.refused)
            assert kept <= per_minute + elapsed * per_minute / 60 + 1e-3
