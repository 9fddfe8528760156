"""From the bytes of a body to a JSON value that paths can be asked about."""

from typing import Final
from urllib.parse import parse_qsl

import orjson

from carewire_contracts.requests import Reason, ReasonCode
from carewire_ingress.domain import json_limits

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MAX_FORM_FIELDS: Final = 1_000
"""Fields of a form; the largest intake forms have some 300."""


def is_supported(content_type: str) -> bool:
    """Whether a media type (without parameters, in lower case) is JSON or a form. None said counts as JSON."""
    return content_type in {"", JSON, FORM} or content_type.endswith(("/json", "+json"))


def media_type(content_type: str) -> str:
    """The media type of a Content-Type header, without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def read_payload(content_type: str, body: bytes) -> object | Reason:
    """The JSON value of a body, or why it has none. Of a form: its fields as strings, repeated ones as lists."""
    try:
        if content_type == FORM:
            return _read_form(body)
        payload: object = orjson.loads(body)
    except ValueError:
        # The library's text quotes the body: say the kind alone.
        kind = "form" if content_type == FORM else "JSON"
        found = "another text" if body else "empty body"
        message = f"The body is not well-formed {kind} in UTF-8 ({found})."
        return Reason(ReasonCode.MALFORMED_PAYLOAD, message, path="$", expected=kind, found=found)
    beyond = json_limits.fault(body)
    if beyond is None:
        return payload
    message = f"The body is JSON that is not taken here: {beyond}."
    return Reason(ReasonCode.MALFORMED_PAYLOAD, message, path="$", expected=json_limits.EXPECTED, found=beyond)


def _read_form(body: bytes) -> dict[str, object]:
    pairs = parse_qsl(
        body.decode("utf-8"),
        keep_blank_values=True,
        encoding="utf-8",
        errors="strict",
        max_num_fields=MAX_FORM_FIELDS,
    )
    fields: dict[str, object] = {}
    for name, value in pairs:
        known = fields.get(name)
        if known is None:
            fields[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            fields[name] = [known, value]
    return fields
