"""A webhook for hip surgery follow-ups, its release, and calls to it; every test changes only what it is about."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem, CatalogueRelease
from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.json_path import JsonPath
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.identifiers import IdentifierSystem
from carewire_ingress.domain.mapping import AdmissionPlan, plan_admission
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.value_source import CompiledSource, ValueSource
from carewire_ingress.domain.webhook import IncomingWebhook, MappedIdentifier

MRN = "https://north-clinic.example/mrn"
DEFINITION_ID = "hip-surgery"
RECEIVED_MS = 1_772_439_330_120
"""2026-03-02T08:15:30.120Z."""
PATHS = {
    "surgery_date": "$.surgery.date",
    "patient_name": "$.patient.name",
    "pain_score": "$.pain",
    "consent": "$.consent",
}
SYSTEMS = {MRN: IdentifierSystem(MRN, re.compile("UNKNOWN|0+"))}
PAYLOAD: dict[str, Any] = {
    "surgery": {"date": "2026-03-01"},
    "patient": {"name": "Ada Example"},
    "pain": 4,
    "consent": True,
    "patient_identifier": {"system": MRN, "value": "NC-004217"},
}


def by_path(paths: Mapping[str, str]) -> dict[str, ValueSource]:
    """A mapping of paths alone."""
    return {data_point: ValueSource(path) for data_point, path in paths.items()}


def data_point(key: str, value_type: str, **more: Any) -> DataPointDefinition:
    return DataPointDefinition.model_validate({"id": key, "key": key, "title": key, "value_type": value_type, **more})


def release(*data_points: DataPointDefinition, release_id: str = "release-1") -> CatalogueRelease:
    chosen = data_points or (
        data_point("surgery_date", "date"),
        data_point("patient_name", "string"),
        data_point("pain_score", "number", range={"min": 0, "max": 10}),
        data_point("consent", "boolean", optional=True),
    )
    return CatalogueRelease(
        release_id=release_id, version=1, published_at=datetime(2026, 1, 1, tzinfo=UTC), data_points=chosen
    )


def definition(
    live: CatalogueRelease | None, definition_id: str = DEFINITION_ID, version: int = 1
) -> CatalogueDefinition:
    return CatalogueDefinition(
        definition_id=definition_id, title="Hip surgery follow-up", catalogue_version=version, live=live
    )


def identifier_system(system: str = MRN) -> CatalogueIdentifierSystem:
    return CatalogueIdentifierSystem(
        system=system, name="mrn", display_name="MRN", placeholder_pattern="UNKNOWN|0+", catalogue_version=1
    )


def webhook(
    *,
    enabled: bool = True,
    mapping: dict[str, str] | None = None,
    identifiers: tuple[MappedIdentifier, ...] = (),
    start_key: StartKeySource | None = None,
    salt: bytes = b"salt of this webhook",
) -> IncomingWebhook:
    paths = PATHS if mapping is None else mapping
    return IncomingWebhook(
        id="0198c000-0000-7000-8000-000000000001",
        name="North clinic surgeries",
        definition_id=DEFINITION_ID,
        token_sha256=b"\0" * 32,
        enabled=enabled,
        mapping={key: CompiledSource(JsonPath(path)) for key, path in paths.items()},
        identifiers=identifiers,
        start_key=start_key or StartKeySource(),
        salt=salt,
    )


def plan(of: IncomingWebhook | None = None, *data_points: DataPointDefinition) -> AdmissionPlan:
    return plan_admission(of or webhook(), release(*data_points))


def call(
    payload: Any = PAYLOAD,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
    is_test: bool = False,
    request_id: str = "0198c000-0000-7000-8000-00000000cafe",
    received_ms: int = RECEIVED_MS,
    **more: Any,
) -> Call:
    sent = orjson.dumps(payload) if body is None else body
    return Call(request_id, received_ms, content_type, headers or {}, sent, is_test, **more)
