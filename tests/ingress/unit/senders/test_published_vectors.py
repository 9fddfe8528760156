"""Signatures that the senders themselves, or their official libraries, have published or made."""

import base64
import json
from typing import Any, NamedTuple

import pytest

from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import changed, signed_call


class Vector(NamedTuple):
    """A published signature: the configuration with its secret, and the call."""

    scheme: dict[str, Any]
    call: SignedCall

    @property
    def sender(self) -> Sender:
        scheme = SENDER_SCHEME.validate_python(self.scheme)
        return scheme.sender(scheme.entered())


# https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries/go, webhook_symmetric_test.go and
# webhook_asymmetric_test.go (TestSymmetricWebhookSign, TestAsymmetricWebhookSign). The public key belongs to the
# secret one published there (VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=).
WEBHOOK = b'{"test": 2432232314}'
WEBHOOK_HEADERS = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330"}
V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
V1A = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK_PUBLIC_KEY = "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="

# https://docs.slack.dev/authentication/verifying-requests-from-slack/
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

# https://github.com/twilio/twilio-python/blob/main/tests/unit/test_request_validator.py
TWILIO_URL = b"https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FORM = b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"
TWILIO_JSON = b'{"property": "value", "boolean": true}'
TWILIO_JSON_URL = TWILIO_URL + b"&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def twilio(signature: str, *, url: bytes = TWILIO_URL, body: bytes = TWILIO_FORM, settings: str = "") -> Vector:
    form = "application/json" if body == TWILIO_JSON else "application/x-www-form-urlencoded"
    headers = {"X-Twilio-Signature": signature, "Content-Type": form}
    if settings:
        headers["X-Twilio-Webhooks-Signature-Settings"] = settings
    return Vector({"scheme": "twilio", "secrets": ["12345"]}, signed_call(headers, body, url=url))


# https://github.com/sendgrid/sendgrid-python/blob/main/test/unit/test_eventwebhook.py
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)
SENDGRID_EVENT = {
    "email": "hello@world.com",
    "event": "dropped",
    "reason": "Bounced Address",
    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
    "timestamp": 1600112492,
}
SENDGRID_BODY = json.dumps([SENDGRID_EVENT], sort_keys=True, separators=(",", ":")).encode() + b"\r\n"
SENDGRID_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="

VECTORS: dict[str, Vector] = {
    "Standard Webhooks, v1": Vector(
        {"scheme": "standard_webhooks", "secrets": [WEBHOOK_SECRET]},
        signed_call({**WEBHOOK_HEADERS, "webhook-signature": V1}, WEBHOOK, at=1614265330),
    ),
    "Standard Webhooks, v1a": Vector(
        {"scheme": "standard_webhooks", "secrets": [WEBHOOK_PUBLIC_KEY]},
        signed_call({**WEBHOOK_HEADERS, "webhook-signature": V1A}, WEBHOOK, at=1614265330),
    ),
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    "GitHub": Vector(
        {"scheme": "github", "secrets": ["It's a Secret to Everybody"]},
        signed_call(
            {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            b"Hello, World!",
        ),
    ),
    # stripe-python 16.1.0, WebhookSignature.generate_signature_header(payload, secret, timestamp=1492774577)
    "Stripe": Vector(
        {"scheme": "stripe", "secrets": ["whsec_test_secret"]},
        signed_call(
            {"Stripe-Signature": "t=1492774577,v1=c2f890decbc5ede7c5060bb9a6d31e0626a4342bacb9aeae2adb1bcea72f9812"},
            b'{\n  "id": "evt_test_webhook",\n  "object": "event"\n}',
            at=1492774577,
        ),
    ),
    # Made with OpenSSL as in https://shopify.dev/docs/apps/build/webhooks/verify-deliveries#manual-verification
    "Shopify": Vector(
        {"scheme": "shopify", "secrets": ["1234"]},
        signed_call(
            {"X-Shopify-Hmac-SHA256": "9S2QaXNYueRAz5eBAz0nA8JRxR7BCC3lMDe1XJYocyk="},
            b'{"shop_id":1234,"shop_domain":"my-shop.myshopify.com","customer":{"id":1234,"email":"derek@morash.com",'
            b'"phone":null},"orders_requested":[1234,5678,9012]}',
        ),
    ),
    "Slack": Vector(
        {"scheme": "slack", "secrets": ["8f742231b10e8888abcd99yyyzzz85a5"]},
        signed_call(
            {
                "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                "X-Slack-Request-Timestamp": "1531420618",
            },
            SLACK_BODY,
            at=1531420618,
        ),
    ),
    "Twilio, form": twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "Twilio, repeated fields": twilio(
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=", body=b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234"
    ),
    "Twilio, repeated fields and pairs": twilio(
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=", body=b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=5678"
    ),
    "Twilio, signed without the port of the address": twilio(
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=", url=TWILIO_URL.replace(b".com", b".com:1234")
    ),
    "Twilio, signed with the port of the address": twilio(
        "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", url=TWILIO_URL.replace(b".com", b".com:1234").replace(b"https", b"http")
    ),
    "Twilio, signed with the standard port of HTTPS": twilio("kvajT1Ptam85bY51eRf/AJRuM3w="),
    "Twilio, signed with the standard port of HTTP": twilio(
        "0ZXoZLH/DfblKGATFgpif+LLRf4=", url=TWILIO_URL.replace(b"https", b"http")
    ),
    "Twilio, JSON": twilio("a9nBmqA0ju/hNViExpshrM61xv4=", url=TWILIO_JSON_URL, body=TWILIO_JSON),
    # twilio-python 9.13.0, RequestValidator.compute_signature(uri, params, "HMAC_SHA256")
    "Twilio, shared key with SHA-256": twilio(
        "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=",
        settings="key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
    ),
    # twilio-python 9.13.0, RequestValidator.compute_signature(uri, {"Body": "Grüße 👋", "FromState": ""})
    "Twilio, beyond ASCII and an empty field": twilio(
        "UfJxpIVfpP8UeT92+z2hmyM2Ju4=", body=b"Body=Gr%C3%BC%C3%9Fe+%F0%9F%91%8B&FromState="
    ),
    "SendGrid": Vector(
        {"scheme": "sendgrid", "secrets": [SENDGRID_KEY]},
        signed_call(
            {
                "X-Twilio-Email-Event-Webhook-Signature": SENDGRID_SIGNATURE,
                "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
            },
            SENDGRID_BODY,
            at=1600112502,
        ),
    ),
    # https://www.rfc-editor.org/rfc/rfc7617#section-2
    "Basic": Vector(
        {"scheme": "basic", "user": "Aladdin", "secrets": ["open sesame"]},
        signed_call({"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}),
    ),
    # https://www.rfc-editor.org/rfc/rfc7617#section-2.1
    "Basic, UTF-8": Vector(
        {"scheme": "basic", "user": "test", "secrets": ["123£"]},
        signed_call({"Authorization": "Basic dGVzdDoxMjPCow=="}),
    ),
}

# https://www.rfc-editor.org/rfc/rfc2202#section-3 (SHA-1) and https://www.rfc-editor.org/rfc/rfc4231#section-4.3
HMAC_DIGESTS = {
    "sha1": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    "sha256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdca"
    "eab1a34d4a6b4b636e070a38bce737",
}
for algorithm, digest in HMAC_DIGESTS.items():
    raw = bytes.fromhex(digest)
    written = {
        "hex": digest,
        "HEX": digest.upper(),
        "base64": base64.b64encode(raw).decode(),
        "base64url": base64.urlsafe_b64encode(raw).decode(),
        "base64url without padding": base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }
    for encoding, signature in written.items():
        configured = {"scheme": "hmac", "header": "X-Signature", "secrets": ["Jefe"], "algorithm": algorithm}
        VECTORS[f"HMAC, {algorithm}, {encoding}"] = Vector(
            {**configured, "encoding": encoding.lower().partition(" ")[0]},
            signed_call({"X-Signature": signature}, b"what do ya want for nothing?"),
        )

OF_BODIES = [name for name in VECTORS if not name.startswith("Basic")]


@pytest.mark.parametrize("name", VECTORS)
def test_a_published_call_is_verified(name: str) -> None:
    assert VECTORS[name].sender.verify(VECTORS[name].call) == Verified()


@pytest.mark.parametrize("name", OF_BODIES)
def test_the_same_call_with_another_body_is_not(name: str) -> None:
    vector = VECTORS[name]
    verdict = vector.sender.verify(changed(vector.call, body=vector.call.body + b"1"))
    assert isinstance(verdict, Unverified)
    assert verdict.doubt is Doubt.MISMATCH


@pytest.mark.parametrize("name", [name for name in VECTORS if name not in {"Standard Webhooks, v1a", "SendGrid"}])
def test_the_same_call_under_another_secret_is_not(name: str) -> None:
    vector = VECTORS[name]
    other = "whsec_" + base64.b64encode(bytes(24)).decode()
    scheme = SENDER_SCHEME.validate_python({**vector.scheme, "secrets": [other]})
    verdict = scheme.sender(scheme.entered()).verify(vector.call)
    assert isinstance(verdict, Unverified)
    assert verdict.doubt is Doubt.MISMATCH


# test_verify_bad_key and test_verify_bad_signature of the same file of SendGrid's library
def test_sendgrids_call_does_not_fit_the_other_key_of_its_library() -> None:
    other = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuF"
        "Db/R1NGe1OPzpA=="
    )
    scheme = SENDER_SCHEME.validate_python({"scheme": "sendgrid", "secrets": [other, SENDGRID_KEY]})
    assert scheme.sender(scheme.entered()).verify(VECTORS["SendGrid"].call) == Verified(secret=1)


def test_sendgrids_call_does_not_fit_the_other_signature_of_its_library() -> None:
    vector = VECTORS["SendGrid"]
    other = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3j/0="
    headers = {
        "x-twilio-email-event-webhook-signature": other,
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    }
    verdict = vector.sender.verify(signed_call(headers, SENDGRID_BODY, at=1600112502))
    assert verdict == Unverified(Doubt.MISMATCH, "header x-twilio-email-event-webhook-signature")
