"""Migrations: numbered `.sql` files that are applied once, in order, to a service's own schema.

The runtime's own tables (API keys, outbox) come first, then the service's. A file that was applied is never
edited again: its checksum is kept and compared.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from carewire_runtime.errors import ConfigurationError, SetupMissing
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.telemetry.logs import logger

_RUNTIME: Final = "carewire_runtime"
_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_LEDGER: Final = """
create table if not exists migration (
    source text not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (source, name)
)
"""

_LONGEST_S: Final = 6 * 3600.0
"""How long one migration, or the one that another process applies, may take: an index over a log of years does."""

_log = logger("migrations")

_Applied = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `source` is the package that ships it."""

    source: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(package: str) -> list[Migration]:
    """Return the runtime's migrations and then the package's, each in the order of their numbers."""
    return [migration for source in dict.fromkeys((_RUNTIME, package)) for migration in _read(source)]


def _read(source: str) -> Iterable[Migration]:
    found: dict[str, str] = {}
    for file in sorted((files(source) / "sql" / "migrations").iterdir(), key=lambda entry: entry.name):
        match = _FILE.fullmatch(file.name)
        if match is None:
            continue
        if match[1] in found:
            raise ConfigurationError(f"{file.name} and {found[match[1]]} of {source} have the same number")
        found[match[1]] = file.name
        yield Migration(source, file.name, file.read_text(encoding="utf-8"))


async def migrate(db: Database, package: str) -> list[str]:
    """Make the schema and apply what is missing; return the names of the files applied.

    Repeatable, and safe when several processes do it at once. Raises SetupMissing for an edited file.
    """
    wanted = migrations_of(package)
    applied_now: list[str] = []
    async with db.session() as connection:
        lock = "select pg_advisory_lock(hashtextextended($1, 0))"
        await connection.execute(lock, _lock_name(db), timeout=_LONGEST_S)
        await connection.execute(f'create schema if not exists "{db.schema}"')
        await connection.execute(_LEDGER)
        applied = await _applied(connection)
        _raise_if_edited(wanted, applied)
        for migration in wanted:
            if (migration.source, migration.name) not in applied:
                await _apply(connection, migration)
                applied_now.append(migration.name)
    return applied_now


def _lock_name(db: Database) -> str:
    return f"carewire migrations of {db.schema}"


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql, timeout=_LONGEST_S)
        await connection.execute(
            "insert into migration (source, name, checksum) values ($1, $2, $3)",
            migration.source,
            migration.name,
            migration.checksum,
        )
    _log.info("migrated", migration=migration.name)


async def _applied(connection: Connection) -> _Applied:
    rows = await connection.fetch("select source, name, checksum from migration")
    return {(row["source"], row["name"]): row["checksum"] for row in rows}


async def verify_migrated(db: Database, package: str) -> None:
    """Raise SetupMissing if a migration is missing or was edited. Newer ones than ours do no harm."""
    wanted = migrations_of(package)
    async with db.connection() as connection:
        ledger = await connection.fetchval("select to_regclass($1)::text", f'"{db.schema}".migration')
        applied = {} if ledger is None else await _applied(connection)
    missing = [step.name for step in wanted if (step.source, step.name) not in applied]
    if missing:
        raise SetupMissing(f"schema {db.schema} lacks the migrations {', '.join(missing)}; run the service's setup")
    _raise_if_edited(wanted, applied)


def _raise_if_edited(wanted: Iterable[Migration], applied: _Applied) -> None:
    edited = [step.name for step in wanted if applied.get((step.source, step.name), step.checksum) != step.checksum]
    if edited:
        raise SetupMissing(
            f"the migrations {', '.join(edited)} were edited after they had been applied; "
            "restore them and put the change into a new one"
        )
