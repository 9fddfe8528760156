"""Registered identifier systems, and identifiers checked against them.

A system is registered together with what ingress is to hear of it, and with the audit record that tells who did it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from carewire_contracts.catalogue import CatalogueIdentifierSystem
from carewire_contracts.identifiers import Identifier, normalise_identifier_value
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.errors import AlreadyThere, InvalidValues
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.errors import UniqueViolation
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.telemetry.tracing import current_traceparent

SUBJECT: Final = "identifier_system"
REGISTER: Final = "identifier_system.register"

_FIRST_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class IdentifierSystem:
    """A system whose identifiers are accepted. Values that match the pattern as a whole identify nobody."""

    system: str
    name: str
    display_name: str
    placeholder_pattern: str | None
    created_at: datetime


class IdentifierSystems:
    """The tenant's identifier systems."""

    def __init__(self, db: Database, publishing: Publishing, relay: Relay, audit: Audit, clock: Clock) -> None:
        self._db = db
        self._publishing = publishing
        self._relay = relay
        self._audit = audit
        self._clock = clock

    async def register(
        self, system: str, name: str, display_name: str, placeholder_pattern: str | None, by: Principal
    ) -> IdentifierSystem:
        """Register a system and tell ingress. Raises AlreadyThere, or a DatabaseError."""
        now = self._clock.now()
        row = (system, name, display_name, placeholder_pattern)
        entry = CatalogueIdentifierSystem(
            system=system,
            name=name,
            display_name=display_name,
            placeholder_pattern=placeholder_pattern,
            catalogue_version=_FIRST_VERSION,
        )
        try:
            async with self._db.transaction() as connection:
                await connection.execute(QUERIES.add_identifier_system, *row, _FIRST_VERSION, now)
                await outbox.add(connection, [self._publishing.catalogue(entry, now, current_traceparent())])
                await self._audit.add(connection, by, [Deed(REGISTER, SUBJECT, system)])
        except UniqueViolation as error:
            field = "name" if "name" in error.constraint else "system"
            raise AlreadyThere(field, f"another identifier system has this {field}") from None
        self._relay.wake()
        return IdentifierSystem(*row, created_at=now)

    async def page(self, after: str | None, limit: int) -> list[IdentifierSystem]:
        """A page of systems, in their order."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(QUERIES.identifier_systems, after, limit)
        return [IdentifierSystem(**row) for row in rows]


async def read_identifier(connection: Connection, given: Identifier, name: str = "patient_identifier") -> Identifier:
    """Check an identifier against its system and bring its value into the form that is compared.

    Raises InvalidValues, which never holds the value. `name` is what the caller calls it, empty where it is the body.
    """
    row = await connection.fetchrow(QUERIES.identifier_system, given.system)
    value = normalise_identifier_value(given.value)
    if row is None:
        raise _invalid(name, "system", "this identifier system is not registered")
    if not value:
        raise _invalid(name, "value", "the value is empty")
    pattern = row["placeholder_pattern"]
    if pattern is not None and re.fullmatch(pattern, value):
        raise _invalid(name, "value", "the value is a placeholder that identifies nobody")
    return Identifier(given.system, value)


def _invalid(name: str, field: str, message: str) -> InvalidValues:
    return InvalidValues([ValueProblem(f"{name}.{field}" if name else field, message)])
