"""A webhook with a sender takes calls of that sender alone, answers its handshakes, and tells a stranger why not."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from carewire_contracts.requests import ReasonCode
from carewire_ingress.domain.senders.restricted import restricted
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_testing_ingress.door import open_door, sender_of
from carewire_testing_ingress.proofs import NEW, NOW, OLD, PROOFS, STRANGE, changed, signed_call, with_header
from carewire_testing_ingress.samples import PAYLOAD, webhook
from carewire_testing_runtime.log import logged

BODY = orjson.dumps(PAYLOAD)
FORMS = {"twilio_form"}
"""Proofs whose body is fixed: they are believed, and then refused for what they say."""
GRAPH = {"microsoft_graph"}
BELIEVED = {202, 422}


def guarded(name: str, *secrets: str) -> IncomingWebhook:
    proof = PROOFS[name]
    return replace(webhook(), sender=sender_of(proof.scheme, *(proof.entered(secret) for secret in secrets or (NEW,))))


def proved(name: str, secret: str = NEW, **more: int) -> SignedCall:
    proof = PROOFS[name]
    call = proof.sign(secret) if name in FORMS | GRAPH else proof.sign(secret, BODY, **more)
    if any(key.lower() == b"content-type" for key, _ in call.headers):
        return call
    return with_header(call, "content-type", b"application/json")


@pytest.mark.parametrize("name", PROOFS)
async def test_the_senders_own_call_is_judged_by_its_payload(name: str) -> None:
    async with open_door(guarded(name)) as door:
        answer = await door.ask(proved(name))
    assert answer.status == (202 if name not in FORMS | GRAPH else 422)


@pytest.mark.parametrize("name", PROOFS)
async def test_a_stranger_is_told_what_to_send_and_leaves_no_payload(name: str) -> None:
    async with open_door(guarded(name)) as door:
        answer = await door.ask(proved(name, STRANGE))
        [refused] = door.refused
    assert answer.status == 401
    assert answer.headers[b"content-type"] == b"application/problem+json"
    assert b"realm=" in answer.headers[b"www-authenticate"]
    assert [reason["code"] for reason in answer.problem["reasons"]] == ["unauthenticated"]
    assert answer.problem["request_id"] == refused.request_id
    assert (refused.status, refused.payload, refused.data_points) == ("REJECTED", None, ())
    assert [reason.code for reason in refused.reasons] == [ReasonCode.UNAUTHENTICATED]
    assert door.accepted == 0


@pytest.mark.parametrize("name", PROOFS)
async def test_while_a_secret_is_changed_both_count_and_the_log_says_which(name: str) -> None:
    with logged() as lines:
        async with open_door(guarded(name, NEW, OLD)) as door:
            statuses = {(await door.ask(proved(name, secret))).status for secret in (NEW, OLD)}
    assert statuses <= BELIEVED
    assert [line["secret_position"] for line in lines.of("call_answered")] == [0, 1]


@pytest.mark.parametrize("name", sorted(name for name, proof in PROOFS.items() if proof.timed))
@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_replayed_call_is_refused(name: str, seconds: int) -> None:
    async with open_door(guarded(name)) as door:
        answer = await door.ask(proved(name, at=NOW + seconds))
    assert answer.status == 401
    assert "timestamp" in answer.problem["reasons"][0]["message"]


async def test_only_a_basic_sender_is_asked_for_a_password() -> None:
    async with open_door(guarded("basic")) as door:
        basic = await door.ask(signed_call({"content-type": "application/json"}, BODY))
    async with open_door(guarded("github")) as door:
        other = await door.ask(signed_call({"content-type": "application/json"}, BODY))
    assert basic.headers[b"www-authenticate"].startswith(b"Basic ")
    assert not other.headers[b"www-authenticate"].startswith(b"Basic ")


async def test_a_test_call_is_verified_too_and_learns_nothing_about_its_payload() -> None:
    async with open_door(guarded("github")) as door:
        call = with_header(PROOFS["github"].sign(STRANGE, b"{}"), "content-type", b"application/json")
        answer = await door.ask(call, test=True)
        believed = await door.ask(proved("github"), test=True)
        refused, passed = door.refused
    assert (answer.status, answer.problem["verdict"]) == (200, "would_be_rejected")
    assert [reason["code"] for reason in answer.problem["reasons"]] == ["unauthenticated"]
    assert (refused.status, refused.payload) == ("TEST", None)
    assert believed.problem["verdict"] == "would_be_accepted"
    assert passed.payload == BODY


async def test_a_disabled_webhook_tells_a_stranger_nothing_but_that_it_is_one() -> None:
    async with open_door(replace(guarded("github"), enabled=False)) as door:
        assert (await door.ask(proved("github", STRANGE))).status == 401
        assert (await door.ask(proved("github"))).status == 409


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain", b""])
async def test_a_handshake_is_answered_before_anything_is_asked_of_it(content_type: bytes) -> None:
    body = orjson.dumps({"type": "url_verification", "challenge": "3eZbrw1a"})
    async with open_door(replace(guarded("slack"), enabled=False)) as door:
        answer = await door.ask(with_header(PROOFS["slack"].sign(NEW, body), "content-type", content_type))
    assert (answer.status, answer.problem) == (200, {"challenge": "3eZbrw1a"})
    assert answer.headers[b"x-content-type-options"] == b"nosniff"
    assert door.refused == []
    assert door.accepted == 0


def subscription(token: str) -> SignedCall:
    query = f"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
    return signed_call({}, b"", method="GET", url=b"https://hooks.example.org/hooks/token" + query.encode())


async def test_a_handshake_by_get_echoes_what_was_asked() -> None:
    async with open_door(guarded("meta")) as door:
        answer = await door.ask(subscription("meatyhamhock"))
    assert (answer.status, answer.body) == (200, b"1158201444")
    assert answer.headers[b"content-type"].startswith(b"text/plain")


async def test_a_handshake_of_a_stranger_is_refused_and_kept_without_content() -> None:
    async with open_door(guarded("meta")) as door:
        answer = await door.ask(subscription("guessed"))
        [refused] = door.refused
    assert answer.status == 401
    assert refused.payload is None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"method": "GET"}, 405, id="GET that is no handshake"),
        pytest.param({"method": "PUT"}, 405, id="PUT"),
        pytest.param({"headers": [(b"content-type", b"text/xml")]}, 415, id="XML"),
        pytest.param(
            {"headers": [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]}, 415, id="compressed"
        ),
    ],
)
async def test_what_is_no_call_is_told_so_without_asking_who_calls(changes: dict[str, object], status: int) -> None:
    async with open_door(guarded("github")) as door:
        answer = await door.ask(changed(signed_call({}, BODY), **changes))
    assert answer.status == status
    assert door.refused == []


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        pytest.param("203.0.113.9", b"", 202, id="from the range itself"),
        pytest.param("198.51.100.1", b"", 401, id="from elsewhere"),
        pytest.param("10.0.0.1", b"203.0.113.9", 202, id="from the range through our proxy"),
        pytest.param("10.0.0.1", b"203.0.113.9, 198.51.100.1", 401, id="from elsewhere, claiming the range"),
        pytest.param("198.51.100.1", b"203.0.113.9", 401, id="a stranger's header claiming the range"),
        pytest.param("10.0.0.1", b"unknown", 401, id="proxy that does not know"),
    ],
)
async def test_address_ranges_count_as_our_own_proxies_tell_them(peer: str, forwarded: bytes, status: int) -> None:
    known = replace(webhook(), sender=restricted(None, ["203.0.113.0/24"]))
    call = signed_call({"content-type": "application/json", "x-forwarded-for": forwarded}, BODY)
    async with open_door(known, proxies=("10.0.0.0/8",)) as door:
        assert (await door.ask(call, peer=peer)).status == status


@pytest.mark.parametrize(
    ("secret", "peer", "where"),
    [
        pytest.param(NEW, "198.51.100.1", "client address", id="right secret, wrong address"),
        pytest.param(STRANGE, "203.0.113.9", "header x-hub-signature-256", id="wrong secret, right address"),
        pytest.param(STRANGE, "198.51.100.1", "client address", id="both wrong: nothing is said of the secret"),
        pytest.param(NEW, "203.0.113.9", None, id="both right"),
    ],
)
async def test_a_signature_and_ranges_must_both_hold(secret: str, peer: str, where: str | None) -> None:
    known = guarded("github")
    async with open_door(replace(known, sender=restricted(known.sender, ["203.0.113.0/24"]))) as door:
        answer = await door.ask(proved("github", secret), peer=peer)
    assert answer.status == (202 if where is None else 401)
    assert where is None or answer.problem["reasons"][0]["path"] == where


async def test_a_handshake_has_to_come_from_the_ranges_as_well() -> None:
    known = guarded("meta")
    async with open_door(replace(known, sender=restricted(known.sender, ["203.0.113.0/24"]))) as door:
        assert (await door.ask(subscription("meatyhamhock"), peer="203.0.113.9")).status == 200
        assert (await door.ask(subscription("meatyhamhock"), peer="198.51.100.1")).status == 401


header = st.tuples(
    st.sampled_from(sorted({name.encode() for proof in PROOFS.values() for name in proof.headers} | {b"content-type"})),
    st.binary(max_size=80),
)


@examples(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(PROOFS)),
    st.lists(header, max_size=6),
    st.binary(max_size=300),
    st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    st.binary(max_size=60),
)
async def test_any_bytes_of_a_stranger_get_an_answer_and_start_nothing(
    name: str, headers: list[tuple[bytes, bytes]], body: bytes, method: str, query: bytes
) -> None:
    call = changed(signed_call({}, body, url=b"https://hooks.example.org/hooks/token?" + query), method=method)
    async with open_door(guarded(name)) as door:
        answer = await door.ask(changed(call, headers=headers))
    assert answer.status in {200, 401, 405, 415}
    assert door.accepted == 0
    assert all(refused.payload is None for refused in door.refused)
