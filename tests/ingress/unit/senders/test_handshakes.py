"""A sender that first asks whether the address is ours gets the answer that its specification wants, and no other."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.senders.dropbox import Dropbox
from carewire_ingress.domain.senders.github import GitHub
from carewire_ingress.domain.senders.meta import Meta
from carewire_ingress.domain.senders.microsoft_graph import MicrosoftGraph
from carewire_ingress.domain.senders.shopify import Shopify
from carewire_ingress.domain.senders.signed_call import MAX_VALUE_LENGTH, SignedCall
from carewire_ingress.domain.senders.slack import Slack
from carewire_ingress.domain.senders.verdict import Challenge, Doubt, Unverified
from carewire_ingress.domain.senders.zoom import Zoom
from carewire_testing_ingress.proofs import NEW, NOW, OLD, STRANGE, URL, changed, github, signed_call, slack, zoom

SECRETS = (NEW.encode(), OLD.encode())
TEXT = b"text/plain; charset=utf-8"

# https://docs.slack.dev/reference/events/url_verification/
SLACK_CHALLENGE = {
    "token": "Jhj5dZrVaK7ZwHHjRyZWjbDl",
    "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    "type": "url_verification",
}
# https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint
ZOOM_CHALLENGE = {
    "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"},
    "event_ts": 1654503849680,
    "event": "endpoint.url_validation",
}
# https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
META_QUERY = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock"
META = Meta(SECRETS, b"meatyhamhock")
DROPBOX = Dropbox(SECRETS)
GRAPH = MicrosoftGraph(SECRETS)


def asked(query: str, method: str = "GET", body: bytes = b"") -> SignedCall:
    return signed_call({}, body, url=URL + b"?" + query.encode(), method=method)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


class TestSlack:
    def test_its_challenge_is_sent_back(self) -> None:
        answer = Slack(SECRETS).handshake(slack(NEW, as_json(SLACK_CHALLENGE)))
        assert isinstance(answer, Challenge)
        assert answer.content_type == b"application/json"
        assert json.loads(answer.body) == {"challenge": SLACK_CHALLENGE["challenge"]}

    def test_also_during_a_rotation(self) -> None:
        assert isinstance(Slack(SECRETS).handshake(slack(OLD, as_json(SLACK_CHALLENGE))), Challenge)

    def test_nobody_else_gets_an_answer(self) -> None:
        answer = Slack(SECRETS).handshake(slack(STRANGE, as_json(SLACK_CHALLENGE)))
        assert answer == Unverified(Doubt.MISMATCH, "header x-slack-signature")

    def test_an_old_challenge_gets_none(self) -> None:
        call = changed(slack(NEW, as_json(SLACK_CHALLENGE)), received_at=NOW + 301)
        assert Slack(SECRETS).handshake(call) == Unverified(Doubt.TOO_OLD, "header x-slack-request-timestamp")

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"type": "event_callback", "event": {"text": "url_verification"}}, id="a text that says so"),
            pytest.param({"type": "url_verification"}, id="no challenge"),
            pytest.param({"type": "url_verification", "challenge": 1}, id="a challenge that is no text"),
            pytest.param({"type": "url_verification", "challenge": None}, id="a challenge that is null"),
            pytest.param({"type": ["url_verification"], "challenge": "a"}, id="a type that is no text"),
            pytest.param(["url_verification"], id="no object"),
            pytest.param("url_verification", id="a text"),
        ],
    )
    def test_whatever_is_no_challenge_is_an_ordinary_call(self, body: Any) -> None:
        assert Slack(SECRETS).handshake(slack(NEW, as_json(body))) is None

    def test_a_broken_body_is_an_ordinary_call(self) -> None:
        assert Slack(SECRETS).handshake(slack(NEW, b'{"type": "url_verification')) is None


class TestZoom:
    def test_its_token_is_hashed_with_the_secret(self) -> None:
        answer = Zoom(SECRETS).handshake(zoom(NEW, as_json(ZOOM_CHALLENGE)))
        assert isinstance(answer, Challenge)
        assert answer.content_type == b"application/json"
        assert json.loads(answer.body) == {
            "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
            "encryptedToken": hmac.new(NEW.encode(), b"qgg8vlvZRS6UYooatFL8Aw", hashlib.sha256).hexdigest(),
        }

    def test_the_hash_is_the_one_that_others_know(self) -> None:
        # https://github.com/elastic/beats, x-pack/filebeat/input/http_endpoint/validate_test.go (Test_validateZoomCRC)
        answer = Zoom((b"secretValueTest",)).handshake(zoom("secretValueTest", as_json(ZOOM_CHALLENGE)))
        assert isinstance(answer, Challenge)
        expected = "70c1f2e2e6ca2d39297490d1f9142c7d701415ea8e6151f6562a08fa657a40ff"
        assert json.loads(answer.body)["encryptedToken"] == expected

    def test_during_a_rotation_the_secret_that_signed_also_hashes(self) -> None:
        answer = Zoom(SECRETS).handshake(zoom(OLD, as_json(ZOOM_CHALLENGE)))
        assert isinstance(answer, Challenge)
        expected = hmac.new(OLD.encode(), b"qgg8vlvZRS6UYooatFL8Aw", hashlib.sha256).hexdigest()
        assert json.loads(answer.body)["encryptedToken"] == expected

    def test_nothing_is_hashed_for_anybody_else(self) -> None:
        answer = Zoom(SECRETS).handshake(zoom(STRANGE, as_json(ZOOM_CHALLENGE)))
        assert answer == Unverified(Doubt.MISMATCH, "header x-zm-signature")

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"event": "meeting.started", "note": "endpoint.url_validation"}, id="another event"),
            pytest.param({"event": "endpoint.url_validation"}, id="no payload"),
            pytest.param({"event": "endpoint.url_validation", "payload": "a"}, id="a payload that is no object"),
            pytest.param({"event": "endpoint.url_validation", "payload": {"plainToken": 1}}, id="a number as token"),
            pytest.param({"event": "endpoint.url_validation", "payload": {}}, id="no token"),
            pytest.param({"event": "x endpoint.url_validation", "payload": {"plainToken": "a"}}, id="nearly"),
        ],
    )
    def test_whatever_is_no_challenge_is_an_ordinary_call(self, body: Any) -> None:
        assert Zoom(SECRETS).handshake(zoom(NEW, as_json(body))) is None


class TestMeta:
    def test_its_challenge_is_sent_back(self) -> None:
        assert META.handshake(asked(META_QUERY)) == Challenge(b"1158201444", TEXT)

    @pytest.mark.parametrize(
        ("query", "doubt", "where"),
        [
            ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=other", Doubt.MISMATCH, "hub.verify_token"),
            ("hub.mode=subscribe&hub.challenge=1", Doubt.MISSING, "hub.verify_token"),
            ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=", Doubt.EMPTY, "hub.verify_token"),
            ("hub.mode=subscribe&hub.verify_token=meatyhamhock", Doubt.MISSING, "hub.challenge"),
            (META_QUERY + "&hub.challenge=2", Doubt.REPEATED, "hub.challenge"),
            (META_QUERY + "&hub.verify_token=meatyhamhock", Doubt.REPEATED, "hub.verify_token"),
            (META_QUERY + "&hub.mode=subscribe", Doubt.REPEATED, "hub.mode"),
            ("hub.mode=%ff", Doubt.UNREADABLE, "hub.mode"),
            (META_QUERY + "1" * MAX_VALUE_LENGTH, Doubt.TOO_LONG, "hub.verify_token"),
        ],
    )
    def test_a_wrong_question_is_told_what_is_wrong(self, query: str, doubt: Doubt, where: str) -> None:
        assert META.handshake(asked(query)) == Unverified(doubt, f"query parameter {where}")

    @pytest.mark.parametrize("query", ["", "hub.mode=unsubscribe", "mode=subscribe&hub.challenge=1"])
    def test_another_get_is_no_handshake(self, query: str) -> None:
        assert META.handshake(asked(query)) is None

    def test_a_post_is_no_handshake(self) -> None:
        assert META.handshake(asked(META_QUERY, "POST")) is None

    def test_an_app_secret_is_no_verify_token(self) -> None:
        answer = META.handshake(asked(f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={NEW.replace('=', '%3D')}"))
        assert answer == Unverified(Doubt.MISMATCH, "query parameter hub.verify_token")


class TestDropbox:
    def test_its_challenge_is_sent_back(self) -> None:
        assert DROPBOX.handshake(asked("challenge=abc123")) == Challenge(b"abc123", TEXT)

    @pytest.mark.parametrize("call", [asked(""), asked("other=challenge"), asked("challenge=a", "POST")])
    def test_another_call_is_no_handshake(self, call: SignedCall) -> None:
        assert DROPBOX.handshake(call) is None

    @given(st.text(min_size=1, max_size=50).filter(str.strip))
    def test_a_challenge_comes_back_as_it_was_meant(self, challenge: str) -> None:
        query = "challenge=" + "".join(f"%{byte:02x}" for byte in challenge.encode())
        assert DROPBOX.handshake(asked(query)) == Challenge(challenge.encode(), TEXT)


class TestMicrosoftGraph:
    # https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks#notificationurl-validation
    @pytest.mark.parametrize("method", ["POST", "GET"])
    def test_its_token_is_sent_back_decoded(self, method: str) -> None:
        query = "validationToken=Validation%3a+Testing+client+application+reachability+for+subscription+Request-Id%3a+1"
        expected = b"Validation: Testing client application reachability for subscription Request-Id: 1"
        assert GRAPH.handshake(asked(query, method)) == Challenge(expected, TEXT)

    def test_markup_in_it_stays_plain_text(self) -> None:
        answer = GRAPH.handshake(asked("validationToken=%3Cscript%3E", "POST"))
        assert answer == Challenge(b"<script>", TEXT)

    def test_a_notification_is_no_handshake(self) -> None:
        assert GRAPH.handshake(asked("", "POST", b'{"value": [{"clientState": "validationToken"}]}')) is None


class TestGitHub:
    def test_a_ping_is_answered_and_starts_nothing(self) -> None:
        call = github(NEW, b'{"zen": "Design for failure."}')
        ping = changed(call, headers=[*call.headers, (b"X-GitHub-Event", b"ping")])
        assert GitHub(SECRETS).handshake(ping) == Challenge(b"pong", TEXT)

    def test_nobody_else_gets_an_answer(self) -> None:
        call = github(STRANGE)
        ping = changed(call, headers=[*call.headers, (b"x-github-event", b"ping")])
        assert GitHub(SECRETS).handshake(ping) == Unverified(Doubt.MISMATCH, "header x-hub-signature-256")

    @pytest.mark.parametrize("events", [[b"push"], [b"ping", b"push"], []], ids=["another", "two", "none"])
    def test_every_other_event_is_an_ordinary_call(self, events: list[bytes]) -> None:
        call = github(NEW)
        other = changed(call, headers=[*call.headers, *((b"x-github-event", event) for event in events)])
        assert GitHub(SECRETS).handshake(other) is None


@pytest.mark.parametrize("query", ["challenge=a", "validationToken=a", META_QUERY])
def test_a_sender_that_asks_nothing_is_answered_nothing(query: str) -> None:
    assert Shopify(SECRETS).handshake(asked(query)) is None


def test_what_is_asked_shows_in_no_representation() -> None:
    assert "1158201444" not in repr(META.handshake(asked(META_QUERY)))
