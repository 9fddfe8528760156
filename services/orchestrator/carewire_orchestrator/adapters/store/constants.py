"""The values of concealed constants: set and taken away by hand, read when an API call is made, and never shown.

Each change is saved together with the audit record that tells who made it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.errors import NotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.errors import SealingError
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.sealing import Keyring
from carewire_runtime.telemetry.logs import logger

SUBJECT: Final = "constant"
SET: Final = "constant.set"
CLEAR: Final = "constant.clear"

_log = logger("constants")


class Constants:
    """The concealed constants of the tenant's definitions."""

    def __init__(self, db: Database, keyring: Keyring, audit: Audit, clock: Clock) -> None:
        self._db = db
        self._keyring = keyring
        self._audit = audit
        self._clock = clock

    async def put(self, definition_id: str, name: str, value: str, by: Principal) -> datetime:
        """Set a value, whether there was one or not; answers when. Raises NotFound."""
        now = self._clock.now()
        sealed = self._keyring.seal(value.encode(), context=_context(definition_id, name))
        async with self._db.transaction() as connection:
            if not await connection.fetchval(QUERIES.set_constant, definition_id, name, sealed, now):
                raise NotFound("there is no such definition")
            await self._audit.add(connection, by, [_deed(SET, definition_id, name)])
        return now

    async def clear(self, definition_id: str, name: str, by: Principal) -> None:
        """Take a value away. Raises NotFound."""
        async with self._db.transaction() as connection:
            if not await connection.fetchval(QUERIES.clear_constant, definition_id, name):
                raise NotFound("the definition has no such constant with a value")
            await self._audit.add(connection, by, [_deed(CLEAR, definition_id, name)])

    async def all_set(self, definition_id: str) -> dict[str, datetime]:
        """Which constants have a value, and since when."""
        async with self._db.connection() as connection:
            return await constants_set(connection, definition_id)

    async def values(self, care_flow_id: str, names: Iterable[str]) -> dict[str, str]:
        """The values that a care flow's definition has under these names, without those that cannot be opened."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(QUERIES.constants_of_care_flow, care_flow_id, list(names))
        values = {}
        for row in rows:
            context = _context(row["definition_id"], row["name"])
            try:
                values[row["name"]] = self._keyring.open(row["sealed_value"], context=context).decode()
            except SealingError as error:
                _log.error("constant_not_opened", definition_id=row["definition_id"], error=error)
        return values


async def constants_set(connection: Connection, definition_id: str) -> dict[str, datetime]:
    """Which concealed constants of a definition have a value, and since when."""
    return {row["name"]: row["set_at"] for row in await connection.fetch(QUERIES.constants_set, definition_id)}


def _context(definition_id: str, name: str) -> str:
    return f"constant {definition_id}/{name}"


def _deed(action: str, definition_id: str, name: str) -> Deed:
    return Deed(action, SUBJECT, f"{definition_id}/{name}")
