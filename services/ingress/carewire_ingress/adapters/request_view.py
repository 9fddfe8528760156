"""A logged request as people are shown it: explained, and without what its webhook has redacted."""

from collections.abc import Callable, Mapping
from typing import Any

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.statuses import RequestStatus
from carewire_contracts.timestamps import parse_timestamp
from carewire_ingress.adapters.request_forms import FilterCondition, MappedValue, ReachedStatus, RequestDetails
from carewire_ingress.adapters.request_reader import LoggedRequest
from carewire_ingress.domain.redaction import shown
from carewire_ingress.domain.request_steps import RequestFacts, what_was_done
from carewire_ingress.domain.shown_values import shown_data_points, shown_explanation, without_values

DataPointKeys = Callable[[str], Mapping[str, str]]
"""The keys of a definition's data points, by their ids; empty where nothing is known of it."""


def details_of(logged: LoggedRequest, keys_of: DataPointKeys, *, with_values: bool) -> RequestDetails:
    """Everything known of a request; payload and mapped values only `with_values`."""
    row = logged.row
    known = {name: row[name] for name in RequestDetails.model_fields if name in row}
    queries = [JsonQuery(path) for path in row["redacted"] or ()]
    content_type, body = row["content_type"] or "", logged.payload
    return RequestDetails(
        **known
        | {
            "id": logged.id,
            "webhook_id": logged.webhook_id,
            "reasons": row["reasons"] or [],
            "headers": row["headers"] or {},
            "filter": _conditions(logged, queries, with_values=with_values),
            "statuses": _statuses(row),
            "data_points": _data_points(logged, keys_of(row["definition_id"]), queries, with_values=with_values),
            "payload": shown(content_type, body, queries) if with_values and body is not None else None,
        }
    )


def _statuses(row: Mapping[str, Any]) -> list[ReachedStatus]:
    facts = RequestFacts(
        care_flow_id=row["care_flow_id"],
        patient_id=row["patient_id"],
        duplicate_of=row["duplicate_of"],
        failure_message=row["failure_message"],
        reason_codes=tuple(dict.fromkeys(reason["code"] for reason in row["reasons"] or ())),
        resubmission_of=row["resubmission_of"],
        skip_reason=row["skip_reason"],
    )
    reached = [(RequestStatus(status), parse_timestamp(at)) for status, at in (row["reached"] or {}).items()]
    in_order = sorted(reached, key=lambda step: (step[0].rank, step[1]))
    return [ReachedStatus(status=status, at=at, done=what_was_done(status, facts)) for status, at in in_order]


def _data_points(
    logged: LoggedRequest, keys: Mapping[str, str], queries: list[JsonQuery], *, with_values: bool
) -> list[MappedValue]:
    points: list[dict[str, Any]] = logged.row["data_points"] or []
    if with_values:
        paths = {name: source.get("path") for name, source in (logged.row["mapping"] or {}).items()}
        points = shown_data_points(points, paths, logged.row["content_type"] or "", logged.payload, queries)
    else:
        points = [{**point, "value": None} for point in points]
    return [MappedValue(**point, key=keys.get(point["data_point_definition_id"])) for point in points]


def _conditions(logged: LoggedRequest, queries: list[JsonQuery], *, with_values: bool) -> list[FilterCondition] | None:
    explanation: list[dict[str, Any]] | None = logged.row["filter"]
    if explanation is None:
        return None
    if with_values:
        content_type = logged.row["content_type"] or ""
        explanation = shown_explanation(explanation, content_type, logged.payload, queries)
    else:
        explanation = without_values(explanation)
    return [FilterCondition.model_validate(condition) for condition in explanation]
