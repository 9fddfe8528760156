import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carewire_runtime.errors import ConfigurationError, PostgresUnavailable, SetupMissing
from carewire_runtime.postgres.migrations import migrate, migrations_of, verify_migrated
from carewire_runtime.postgres.pool import Database


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The migrations folder of a package that can be changed."""
    name = f"migrated_{tmp_path.name}"
    folder = tmp_path / name / "sql" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    (folder / "0001_thing.sql").write_text("create table thing (id int);")
    yield folder
    sys.modules.pop(name, None)


def name_of(package: Path) -> str:
    return package.parent.parent.name


async def test_migrations_are_applied_once_in_order_the_runtimes_first(database_dsn: str, package: Path) -> None:
    (package / "0002_part.sql").write_text("alter table thing add part text;")
    (package / "notes.txt").write_text("not a migration")
    db = Database(database_dsn, "in_order")
    await db.start()
    assert await migrate(db, name_of(package)) == [
        "0001_api_key.sql",
        "0002_outbox.sql",
        "0003_outbox_set_aside.sql",
        "0004_audit_record.sql",
        "0005_outbox_rows_of_many.sql",
        "0006_outbox_row_ids.sql",
        "0001_thing.sql",
        "0002_part.sql",
    ]
    assert await migrate(db, name_of(package)) == []
    await verify_migrated(db, name_of(package))
    await db.stop()


async def test_a_migration_may_take_longer_than_any_other_statement(database_dsn: str, package: Path) -> None:
    (package / "0002_index.sql").write_text("select pg_sleep(2.5);")
    patient = Database(database_dsn, "long", command_timeout=2.0)
    await patient.start()
    assert (await migrate(patient, name_of(package)))[-1] == "0002_index.sql"
    await patient.stop()


async def test_several_may_migrate_at_once(database_dsn: str, package: Path) -> None:
    databases = [Database(database_dsn, "at_once") for _ in range(4)]
    for db in databases:
        await db.start()
    applied = await asyncio.gather(*(migrate(db, name_of(package)) for db in databases))
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrations_of(name_of(package)))]
    for db in databases:
        await db.stop()


async def test_a_schema_that_was_never_set_up_is_told_with_its_cure(database_dsn: str, package: Path) -> None:
    db = Database(database_dsn, "never")
    await db.start()
    with pytest.raises(SetupMissing, match=r"schema never lacks .*0001_thing\.sql; run the service's setup"):
        await verify_migrated(db, name_of(package))
    await migrate(db, name_of(package))
    (package / "0002_new.sql").write_text("select 1;")
    with pytest.raises(SetupMissing, match=r"lacks the migrations 0002_new\.sql"):
        await verify_migrated(db, name_of(package))
    await db.stop()


async def test_a_file_that_was_edited_after_it_was_applied_is_refused(database_dsn: str, package: Path) -> None:
    db = Database(database_dsn, "edited")
    await db.start()
    await migrate(db, name_of(package))
    (package / "0001_thing.sql").write_text("create table thing (id bigint);")
    for check in (migrate, verify_migrated):
        with pytest.raises(SetupMissing, match=r"0001_thing\.sql were edited"):
            await check(db, name_of(package))
    await db.stop()


async def test_newer_migrations_than_ours_do_no_harm(database_dsn: str, package: Path) -> None:
    db = Database(database_dsn, "newer")
    await db.start()
    (package / "0002_new.sql").write_text("select 1;")
    await migrate(db, name_of(package))
    (package / "0002_new.sql").unlink()
    await verify_migrated(db, name_of(package))
    await db.stop()


async def test_a_migration_that_fails_leaves_nothing_behind(database_dsn: str, package: Path) -> None:
    db = Database(database_dsn, "failing")
    await db.start()
    (package / "0002_bad.sql").write_text("create table half (id int); select 1/0;")
    with pytest.raises(Exception, match="22012"):
        await migrate(db, name_of(package))
    async with db.connection() as connection:
        assert await connection.fetchval("select to_regclass('half')") is None
    (package / "0002_bad.sql").write_text("create table half (id int);")
    assert await migrate(db, name_of(package)) == ["0002_bad.sql"]
    await db.stop()


def test_two_migrations_of_one_number_are_refused(package: Path) -> None:
    (package / "0001_other.sql").write_text("select 1;")
    with pytest.raises(ConfigurationError, match="same number"):
        migrations_of(name_of(package))


async def test_an_absent_server_is_told_as_such(package: Path) -> None:
    db = Database("postgresql://127.0.0.1:1/none", "s")
    await db.start()
    with pytest.raises(PostgresUnavailable):
        await verify_migrated(db, name_of(package))
    await db.stop()
