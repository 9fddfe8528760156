"""Mapped values as people see them: what is redacted in the payload is redacted where it was mapped to."""

from collections.abc import Mapping, Sequence
from typing import Any

from carewire_contracts.requests import Reason
from carewire_ingress.domain.json_path import JsonPath
from carewire_ingress.domain.json_query import JsonQuery
from carewire_ingress.domain.payload import read_payload
from carewire_ingress.domain.redaction import MARKER, redacted


def shown_data_points(
    data_points: Sequence[Mapping[str, Any]],
    paths: Mapping[str, str | None],
    content_type: str,
    body: bytes | None,
    queries: Sequence[JsonQuery],
) -> list[dict[str, Any]]:
    """The data points of a request, marked where their value stands at a redacted path of the payload.

    `paths` is the present mapping, None for a constant. With anything to be redacted, a value whose origin can't be
    told any more (the mapping or the payload is gone) is not shown.
    """
    if not queries:
        return [dict(point) for point in data_points]
    payload = Reason if body is None else read_payload(content_type, body)
    readable = body is not None and not isinstance(payload, Reason)
    visible = redacted(payload, queries) if readable else None

    def is_shown(data_point: str) -> bool:
        if data_point not in paths:
            return False
        path = paths[data_point]
        return path is None or (readable and JsonPath(path).find(payload) == JsonPath(path).find(visible))

    return [
        dict(point) if is_shown(point["data_point_definition_id"]) else {**point, "value": MARKER}
        for point in data_points
    ]
