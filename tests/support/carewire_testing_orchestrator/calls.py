"""Accepted requests and identifiers, made up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue
from carewire_runtime.ids import new_id

MRN = "https://north-clinic.example/mrn"
SSN = "https://north-clinic.example/ssn"


def accepted(definition_id: str, release_id: str, **changes: Any) -> AcceptedRequest:
    """A request as ingress would accept it; by default anonymous, 64 years old, and the first of its key."""
    now = datetime.now(UTC)
    request = AcceptedRequest(
        request_id=new_id(),
        tenant_id="tests",
        webhook_id=new_id(),
        definition_id=definition_id,
        release_id=release_id,
        start_key=new_id(),
        body_digest="0" * 64,
        received_at=now,
        expires_at=now + timedelta(seconds=10),
        identifiers=(),
        data_points=(
            DataPointValue("dp_surgery", "date", "2026-03-01T00:00:00.000Z"),
            DataPointValue("dp_age", "number", 64),
        ),
        content_type="application/json",
        payload=b"{}",
    )
    return replace(request, **changes)


def mrn(value: str) -> Identifier:
    """A medical record number."""
    return Identifier(MRN, value)


def ssn(value: str) -> Identifier:
    """A social security number."""
    return Identifier(SSN, value)
