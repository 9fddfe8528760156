"""The start key: what makes two calls the same delivery. One start key starts one care flow, for ever.

A sender says that two calls are one delivery by a value of its own. The first that is present counts:
1. header `Idempotency-Key` (IETF draft idempotency-key-header)
2. header `webhook-id` (Standard Webhooks 1.0)
3. the header or the path that the webhook names (such as `X-GitHub-Delivery`, or `$.event.id`)
4. none: the call stands for itself, by its request id
"""

from typing import Final, TypeAlias

from carewire_contracts.json_path import Miss
from carewire_contracts.requests import Reason, ReasonCode
from carewire_contracts.values.soundness import name_of
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.payload import read_payload
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.ids import keyed_id

MAX_KEY_LENGTH: Final = 512
"""Characters of a sender's key; UUIDs have 36, the longest delivery ids in use below 200."""

STANDARD_HEADERS: Final = ("idempotency-key", "webhook-id")


_Found: TypeAlias = tuple[str, object]
"""A sender's value after its source, which keeps equal values of different origin apart."""


def start_key(webhook: IncomingWebhook, call: Call, payload: object) -> str | Reason:
    """The start key of a call, or why its sender's key can't be used.

    A sender's value is hashed under the webhook's salt: it may hold a record number.
    """
    found = _find(webhook, call, payload)
    if found is None:
        return call.request_id
    if isinstance(found, Reason):
        return found
    source, value = found
    text = _text(value)
    if text is None or not text.strip() or len(text) > MAX_KEY_LENGTH:
        kind = name_of(value)
        return _malformed(source, f"{kind} that is blank or too long" if text is not None else kind)
    return keyed_id(webhook.salt, source.encode(), text.encode("utf-8", "surrogatepass"))


def senders_start_key(webhook: IncomingWebhook, call: Call) -> str | None:
    """The start key that a sender's own key gives a call that was refused; None where it gave none that counts."""
    # `admit` has read it, but each call that a filter drops would pay for a second reading that nothing asks for.
    payload = None if webhook.start_key.path is None else read_payload(call.content_type, call.body)
    key = start_key(webhook, call, None if isinstance(payload, Reason) else payload)
    return None if isinstance(key, Reason) or key == call.request_id else key


def source_of_start_key(webhook: IncomingWebhook, call: Call, payload: object) -> str | None:
    """The header or path that a call's start key comes from; None where the call stands for itself."""
    found = _find(webhook, call, payload)
    return found.path if isinstance(found, Reason) else found and found[0]


def _find(webhook: IncomingWebhook, call: Call, payload: object) -> _Found | Reason | None:
    source = webhook.start_key
    for header in (*STANDARD_HEADERS, source.header) if call.headers else ():
        if header is not None and header in call.headers:
            return header, call.headers[header]
    if source.path is None:
        return None
    value = source.path.find(payload)
    if type(value) is Miss:
        return None if value is Miss.NO_MATCH else _malformed(source.path.text, value.value)
    return None if value is None else (source.path.text, value)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _malformed(source: str, found: str) -> Reason:
    expected = f"string or whole number of 1 to {MAX_KEY_LENGTH} characters"
    message = f"Idempotency key at {source}: expected a {expected}, found {found}."
    return Reason(ReasonCode.MALFORMED_START_KEY, message, path=source, expected=expected, found=found)
