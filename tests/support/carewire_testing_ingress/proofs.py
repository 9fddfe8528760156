"""Calls as each sender would sign them, written by hand from its specification and not with the code under test."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from carewire_ingress.domain.senders.client_address import Address, read_address
from carewire_ingress.domain.senders.signed_call import SignedCall

NOW: Final = 1_700_000_000
URL: Final = b"https://hooks.example.org/hooks/token"
BODY: Final = b'{"id": "evt_1", "patient": {"name": "Ada Example"}}'
FORM: Final = b"Body=Hello+World&From=%2B14158675309&FromState="

NEW: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD: Final = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
STRANGE: Final = "whsec_" + base64.b64encode(bytes(range(64, 96))).decode()
"""Secrets that every scheme with shared ones takes: the newest, the one before, and somebody else's."""


def signed_call(
    headers: Mapping[str, str | bytes],
    body: bytes = BODY,
    *,
    url: bytes = URL,
    method: str = "POST",
    at: float = NOW,
    client: str | None = None,
) -> SignedCall:
    """A call with these headers."""
    pairs = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers.items()]
    address: Address | None = None if client is None else read_address(client)
    return SignedCall(method, url, pairs, body, at, address)


def changed(call: SignedCall, **changes: object) -> SignedCall:
    """The call with other fields."""
    fields = {name: getattr(call, name) for name in ("method", "url", "headers", "body", "received_at", "client")}
    return SignedCall(**{**fields, **changes})


def with_header(call: SignedCall, name: str, *values: bytes) -> SignedCall:
    """The call with these values of a header and no others."""
    others = [(key, value) for key, value in call.headers if key.lower() != name.encode()]
    return changed(call, headers=[*others, *((name.encode(), value) for value in values)])


def in_hex(secret: str, content: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), content, algorithm).hexdigest()


def in_base64(secret: str | bytes, content: bytes, algorithm: str = "sha256") -> str:
    key = secret.encode() if isinstance(secret, str) else secret
    return base64.b64encode(hmac.new(key, content, algorithm).digest()).decode()


def standard_webhooks(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = in_base64(key, b"msg_1.%d.%b" % (at, body))
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}
    return signed_call(headers, body)


def ed25519(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def ed25519_public(seed: str) -> str:
    return "whpk_" + base64.b64encode(ed25519(seed).public_key().public_bytes_raw()).decode()


def asymmetric_webhooks(seed: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    signature = base64.b64encode(ed25519(seed).sign(b"msg_1.%d.%b" % (at, body))).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": f"v1a,{signature}"}
    return signed_call(headers, body)


def github(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    return signed_call({"X-Hub-Signature-256": f"sha256={in_hex(secret, body)}"}, body)


def stripe(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    return signed_call({"Stripe-Signature": f"t={at},v1={in_hex(secret, b'%d.%b' % (at, body))}"}, body)


def shopify(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    return signed_call({"X-Shopify-Hmac-Sha256": in_base64(secret, body)}, body)


def slack(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    signature = f"v0={in_hex(secret, b'v0:%d:%b' % (at, body))}"
    return signed_call({"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": str(at)}, body)


def zoom(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    signature = f"v0={in_hex(secret, b'v0:%d:%b' % (at, body))}"
    return signed_call({"x-zm-signature": signature, "x-zm-request-timestamp": str(at)}, body)


def dropbox(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    return signed_call({"X-Dropbox-Signature": in_hex(secret, body)}, body)


def twilio_json(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    url = URL + b"?bodySHA256=" + hashlib.sha256(body).hexdigest().encode()
    headers = {"X-Twilio-Signature": in_base64(secret, url, "sha1"), "Content-Type": "application/json"}
    return signed_call(headers, body, url=url)


def twilio_form(secret: str, body: bytes = FORM, at: int = NOW) -> SignedCall:
    content = URL + b"BodyHello World" + b"From+14158675309" + b"FromState"
    headers = {"X-Twilio-Signature": in_base64(secret, content, "sha1")}
    return signed_call({**headers, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}, body)


def p256_public(seed: str) -> str:
    key = derive_private_key(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31]), SECP256R1())
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def sendgrid(seed: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    key = derive_private_key(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31]), SECP256R1())
    signature = base64.b64encode(key.sign(b"%d%b" % (at, body), ECDSA(SHA256()))).decode()
    return signed_call(
        {
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": str(at),
        },
        body,
    )


def microsoft_graph(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    notification = {"clientState": secret, "resource": "messages"}
    return signed_call({}, json.dumps({"value": [notification, notification]}).encode())


def hmac_sender(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    content = b"POST|%b|%d|%b" % (URL, at * 1_000, body)
    signature = base64.urlsafe_b64encode(hmac.new(secret.encode(), content, "sha512").digest()).decode().rstrip("=")
    return signed_call({"X-Acme-Signature": f"v3={signature}", "X-Acme-Time": str(at * 1_000)}, body)


def basic(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    return signed_call({"Authorization": "Basic " + base64.b64encode(f"clinic:{secret}".encode()).decode()}, body)


def api_key(secret: str, body: bytes = BODY, at: int = NOW) -> SignedCall:
    return signed_call({"X-Clinic-Key": f"Key {secret}"}, body)


class Proof(NamedTuple):
    """A sender's configuration, how its secret is entered, and how it signs a call."""

    scheme: Mapping[str, object]
    entered: Callable[[str], str]
    sign: Callable[..., SignedCall]
    headers: tuple[str, ...]
    timed: bool = False
    covers_body: bool = True


def _same(secret: str) -> str:
    return secret


_WEBHOOK_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_SENDGRID_HEADERS: Final = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")
_ACME: Final = {
    "scheme": "hmac",
    "header": "X-Acme-Signature",
    "algorithm": "sha512",
    "encoding": "base64url",
    "prefix": "v3=",
    "template": "{method}|{url}|{timestamp}|{body}",
    "timestamp_header": "X-Acme-Time",
    "timestamp_unit": "milliseconds",
}

PROOFS: Final[dict[str, Proof]] = {
    "standard_webhooks": Proof({"scheme": "standard_webhooks"}, _same, standard_webhooks, _WEBHOOK_HEADERS, True),
    "standard_webhooks_ed25519": Proof(
        {"scheme": "standard_webhooks"}, ed25519_public, asymmetric_webhooks, _WEBHOOK_HEADERS, True
    ),
    "github": Proof({"scheme": "github"}, _same, github, ("x-hub-signature-256",)),
    "stripe": Proof({"scheme": "stripe"}, _same, stripe, ("stripe-signature",), True),
    "shopify": Proof({"scheme": "shopify"}, _same, shopify, ("x-shopify-hmac-sha256",)),
    "slack": Proof({"scheme": "slack"}, _same, slack, ("x-slack-signature", "x-slack-request-timestamp"), True),
    "twilio_json": Proof({"scheme": "twilio"}, _same, twilio_json, ("x-twilio-signature",)),
    "twilio_form": Proof({"scheme": "twilio"}, _same, twilio_form, ("x-twilio-signature",)),
    "sendgrid": Proof({"scheme": "sendgrid"}, p256_public, sendgrid, _SENDGRID_HEADERS, True),
    "zoom": Proof({"scheme": "zoom"}, _same, zoom, ("x-zm-signature", "x-zm-request-timestamp"), True),
    "meta": Proof({"scheme": "meta", "verify_token": "meatyhamhock"}, _same, github, ("x-hub-signature-256",)),
    "dropbox": Proof({"scheme": "dropbox"}, _same, dropbox, ("x-dropbox-signature",)),
    "microsoft_graph": Proof({"scheme": "microsoft_graph"}, _same, microsoft_graph, (), covers_body=False),
    "hmac": Proof(_ACME, _same, hmac_sender, ("x-acme-signature", "x-acme-time"), True),
    "basic": Proof({"scheme": "basic", "user": "clinic"}, _same, basic, ("authorization",), covers_body=False),
    "api_key": Proof(
        {"scheme": "api_key", "header": "X-Clinic-Key", "prefix": "Key "},
        _same,
        api_key,
        ("x-clinic-key",),
        covers_body=False,
    ),
}
"""Every scheme with a secret, each variant of its signature, with the headers that it looks at."""
