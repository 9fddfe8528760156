"""Twilio: `X-Twilio-Signature`, an HMAC of the address and the form's fields, in base64.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
- A form: the address, then each field's name and value, sorted by name, then value; a repeated pair once.
- JSON: the address alone, in which `bodySHA256` is the body's hash.
- The hash is SHA-1, or what `X-Twilio-Webhooks-Signature-Settings` names where a shared key of one's own signs:
  https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys
- Twilio signs the address sometimes with its port and sometimes without, so both are tried, as by its libraries.
"""

import hashlib
import hmac
import re
from typing import ClassVar, Final
from urllib.parse import parse_qsl

from carewire_contracts.record import record
from carewire_ingress.domain.payload import FORM, MAX_FORM_FIELDS, media_type
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Algorithm, Encoding, decode, is_signed
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt
from carewire_ingress.domain.start_key_source import StartKeySource

_SIGNATURE: Final = "x-twilio-signature"
_SETTINGS: Final = "x-twilio-webhooks-signature-settings"
_BODY_HASH: Final = "bodySHA256"
_WHERE: Final = f"header {_SIGNATURE}"

_ALGORITHMS: Final = {"HMAC_SHA1": Algorithm.SHA1, "HMAC_SHA256": Algorithm.SHA256}
_STANDARD_PORTS: Final = {b"http": b":80", b"https": b":443"}
_ADDRESS: Final = re.compile(rb"(?P<scheme>https?)://(?P<host>[^/?#]*?)(?P<port>:[0-9]+)?(?P<rest>[/?#].*)?", re.DOTALL)


@record(repr=False)
class Twilio(Sender):
    """Twilio, its secrets being auth tokens or shared keys."""

    secrets: tuple[bytes, ...]

    delivery: ClassVar[StartKeySource] = StartKeySource(header="i-twilio-idempotency-token")

    def _check(self, call: SignedCall) -> int:
        signature = decode(call.text(_SIGNATURE), Encoding.BASE64, _WHERE)
        algorithm = _algorithm(call)
        fields = _fields(call)
        if not fields:
            _check_body_hash(call)
        contents = [address + fields for address in _addresses(call.url)]
        for position, secret in enumerate(self.secrets):
            if any(is_signed(secret, content, [signature], algorithm) for content in contents):
                return position
        raise Distrust(Doubt.MISMATCH, _WHERE)


def _algorithm(call: SignedCall) -> Algorithm:
    if not call.values(_SETTINGS):
        return Algorithm.SHA1
    settings = dict(element.strip().partition("=")[::2] for element in call.text(_SETTINGS).split(","))
    algorithm = _ALGORITHMS.get(settings.get("algorithm", "HMAC_SHA1"))
    if algorithm is None:
        raise Distrust(Doubt.UNSUPPORTED, f"header {_SETTINGS}")
    return algorithm


def _fields(call: SignedCall) -> bytes:
    """The form's fields in the order in which they are signed; nothing where the body is no form."""
    if not any(media_type(value.decode("latin-1")) == FORM for value in call.values("content-type")):
        return b""
    try:
        # Latin-1 takes every byte as it is, whatever Twilio's text is encoded in.
        pairs = parse_qsl(
            call.body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:
        raise Distrust(Doubt.UNREADABLE, "form body") from None
    return "".join(name + value for name, value in sorted(set(pairs))).encode("latin-1")


def _check_body_hash(call: SignedCall) -> None:
    """Without fields the signature covers the body by its hash in the address alone, unless there is no body."""
    given = call.parameter(_BODY_HASH)
    where = f"query parameter {_BODY_HASH}"
    if given is None:
        if call.body:
            raise Distrust(Doubt.BODY_NOT_SIGNED, _WHERE)
        return
    expected = hashlib.sha256(call.body).hexdigest().encode()
    if not hmac.compare_digest(expected, given.lower().encode()):
        raise Distrust(Doubt.MISMATCH, where)


def _addresses(url: bytes) -> tuple[bytes, ...]:
    """The address without a port and with one."""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return (url,)
    scheme, host, port, rest = found["scheme"], found["host"], found["port"], found["rest"] or b""
    start = scheme + b"://" + host
    return (start + rest, start + (port or _STANDARD_PORTS[scheme]) + rest)
