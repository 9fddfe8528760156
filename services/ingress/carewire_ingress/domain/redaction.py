"""The body of a call as people see it, without what its webhook has redacted."""

from collections.abc import Sequence

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER, redacted
from carewire_contracts.requests import Reason
from carewire_ingress.domain.payload import read_payload


def shown(content_type: str, body: bytes, queries: Sequence[JsonQuery]) -> object:
    """A body as JSON, or the fields of its form, without what is redacted.

    A body that is neither is shown as text, but withheld as soon as anything is to be redacted: nobody can tell
    what stands where in it.
    """
    payload = read_payload(content_type, body)
    if isinstance(payload, Reason):
        return MARKER if queries else body.decode("utf-8", "replace")
    return redacted(payload, queries)
