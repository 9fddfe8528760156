"""Mapped values as people see them: what is redacted in the payload is redacted where it was mapped to."""

from collections.abc import Mapping, Sequence
from typing import Any

from carewire_contracts.json_path import Find, JsonPath
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER, redacted
from carewire_contracts.requests import Reason
from carewire_ingress.domain.payload import read_payload


def shown_explanation(
    explanation: Sequence[Mapping[str, Any]], content_type: str, body: bytes | None, queries: Sequence[JsonQuery]
) -> list[dict[str, Any]]:
    """The conditions of a filter, marked where what they saw stands at a redacted path of the payload.

    The paths may have become redacted after the call, so the values that the log has kept are judged again.
    """
    if not queries:
        return [dict(condition) for condition in explanation]
    views = _views(content_type, body, queries)

    def shown(condition: Mapping[str, Any], reference: str | None, value: str) -> object:
        # An operand without a reference is what staff wrote.
        if reference is None:
            return condition[value]
        return condition[value] if _is_same(views, JsonQuery(reference).seen) else MARKER

    return [
        {
            **condition,
            "value": shown(condition, condition["reference"], "value"),
            "operand": shown(condition, condition.get("operand_reference"), "operand"),
        }
        for condition in explanation
    ]


def without_values(explanation: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The conditions of a filter and their outcomes, but nothing that was compared."""
    return [{**condition, "value": None, "operand": None} for condition in explanation]


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
    views = _views(content_type, body, queries)

    def is_shown(data_point: str) -> bool:
        if data_point not in paths:
            return False
        path = paths[data_point]
        return path is None or _is_same(views, JsonPath(path).find)

    return [
        dict(point) if is_shown(point["data_point_definition_id"]) else {**point, "value": MARKER}
        for point in data_points
    ]


def _views(content_type: str, body: bytes | None, queries: Sequence[JsonQuery]) -> tuple[object, object] | None:
    """A payload as it was sent and as it is shown; None where it is not there, or can't be read."""
    payload = None if body is None else read_payload(content_type, body)
    return None if body is None or isinstance(payload, Reason) else (payload, redacted(payload, queries))


def _is_same(views: tuple[object, object] | None, find: Find) -> bool:
    """Whether redaction leaves what is found as it is."""
    return views is not None and find(views[0]) == find(views[1])
