import asyncio

import asyncpg
import pytest

from carewire_runtime.errors import PostgresUnavailable, StatementFailed, UniqueViolation
from carewire_runtime.postgres.pool import Database
from carewire_testing_runtime.detour import detour_without_ends

CANARY = "canary-4711"


async def test_a_connection_looks_into_its_schema_and_speaks_utc(db: Database) -> None:
    async with db.connection() as connection:
        assert await connection.fetchval("select current_schema()") == db.schema
        assert await connection.fetchval("show timezone") == "UTC"
        assert await connection.fetchval("show application_name") == f"carewire-{db.schema}"


async def test_json_columns_take_and_give_python_values(db: Database) -> None:
    value = {"a": [1, 2.5, None, "ü"]}
    async with db.connection() as connection:
        assert await connection.fetchval("select $1::jsonb", value) == value
        assert await connection.fetchval("select $1::json", value) == value


async def test_a_transaction_is_committed_at_the_end_and_rolled_back_at_an_exception(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute("create table thing (id int primary key)")

    async def insert_and_fail() -> None:
        async with db.transaction() as connection:
            await connection.execute("insert into thing values (1)")
            raise LookupError

    with pytest.raises(LookupError):
        await insert_and_fail()
    async with db.connection() as connection:
        assert await connection.fetchval("select count(*) from thing") == 0


async def test_errors_tell_sqlstate_and_constraint_and_never_a_value(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute("create table named (name text constraint named_once unique, n int check (n > 0))")
        await connection.execute("insert into named values ($1, 1)", CANARY)
    with pytest.raises(UniqueViolation) as unique:
        async with db.transaction() as connection:
            await connection.execute("insert into named values ($1, 1)", CANARY)
    assert unique.value.constraint == "named_once"
    with pytest.raises(StatementFailed) as check:
        async with db.connection() as connection:
            await connection.execute("insert into named values ($1, -1)", f"{CANARY}-2")
    assert (check.value.sqlstate, check.value.constraint) == ("23514", "named_n_check")
    with pytest.raises(StatementFailed) as wrong_type:
        async with db.connection() as connection:
            await connection.execute("insert into named values ($1, $2)", CANARY, CANARY)
    for error in (unique.value, check.value, wrong_type.value):
        assert CANARY not in str(error)
        assert error.__cause__ is None
        assert error.__suppress_context__


async def test_an_error_at_commit_is_translated_too(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute("create table parent (id int primary key)")
        await connection.execute("create table child (id int references parent deferrable initially deferred)")
    with pytest.raises(StatementFailed, match="23503"):
        async with db.transaction() as connection:
            await connection.execute("insert into child values (1)")


async def test_a_deadlock_is_retriable(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute("create table row (id int primary key)")
        await connection.execute("insert into row values (1), (2)")
    both_hold_one = asyncio.Barrier(2)

    async def lock(*ids: int) -> None:
        async with db.transaction() as connection:
            await connection.execute("select from row where id = $1 for update", ids[0])
            await both_hold_one.wait()
            await connection.execute("select from row where id = $1 for update", ids[1])

    outcomes = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    [error] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(error, PostgresUnavailable)
    assert (error.sqlstate, error.retriable) == ("40P01", True)


async def test_a_connection_killed_by_the_server_is_retriable_and_replaced(db: Database) -> None:
    with pytest.raises(PostgresUnavailable):
        async with db.connection() as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    assert await db.available()


async def test_a_connection_that_the_server_has_said_goodbye_on_is_as_good_as_closed(
    db: Database, database_dsn: str
) -> None:
    async with detour_without_ends(database_dsn) as detour:
        database = Database(detour.dsn, db.schema)
        await database.start()

        async def ask_after_the_farewell() -> None:
            async with database.connection() as lent:
                pid = await lent.fetchval("select pg_backend_pid()")
                async with db.connection() as other:
                    await other.execute("select pg_terminate_backend($1)", pid)
                await detour.closed.wait()
                await asyncio.sleep(0)  # the driver reads what has come
                await lent.fetchval("select 1")

        with pytest.raises(PostgresUnavailable) as told:
            await ask_after_the_farewell()
        assert told.value.sqlstate is None, "the server answered, so nothing had been said before"
        assert await database.available()
        await database.stop()


async def test_a_statement_that_takes_too_long_is_retriable(database_dsn: str) -> None:
    database = Database(database_dsn, "public", command_timeout=0.05)
    await database.start()
    with pytest.raises(PostgresUnavailable):
        async with database.connection() as connection:
            await connection.execute("select pg_sleep(10)")
    await database.stop()


async def test_an_absent_server_does_not_keep_anybody_from_starting() -> None:
    database = Database("postgresql://127.0.0.1:1/none", "s")
    with pytest.raises(PostgresUnavailable):
        async with database.connection():
            pass
    await database.start()
    assert not await database.available()
    with pytest.raises(PostgresUnavailable):
        async with database.connection():
            pass
    await database.stop()


async def test_a_start_can_wait_until_postgres_answers(database_dsn: str) -> None:
    database = Database(database_dsn, "public")
    await database.start(wait=True)
    assert await database.available()
    await database.stop()


async def test_the_type_of_a_lent_connection_is_what_asyncpg_lends(db: Database) -> None:
    async with db.connection() as connection:
        assert isinstance(connection, asyncpg.pool.PoolConnectionProxy)


async def test_a_session_keeps_its_settings_and_locks_to_itself(database_dsn: str) -> None:
    single = Database(database_dsn, "sessions", most_connections=1)
    await single.start()
    try:
        async with single.session() as connection:
            await connection.execute("set synchronous_commit = off")
            assert await connection.fetchval("select pg_try_advisory_lock(7)")
        async with single.connection() as connection:
            assert await connection.fetchval("show synchronous_commit") == "on"
            held = await connection.fetchval(
                "select count(*) from pg_locks join pg_database on oid = database "
                "where locktype = 'advisory' and datname = current_database()"
            )
            assert held == 0
    finally:
        await single.stop()


async def test_a_session_that_fails_is_not_lent_again(database_dsn: str) -> None:
    single = Database(database_dsn, "sessions", most_connections=1)
    await single.start()

    async def change_and_fail() -> None:
        async with single.session() as connection:
            await connection.execute("set synchronous_commit = off")
            raise LookupError

    try:
        with pytest.raises(LookupError):
            await change_and_fail()
        async with single.connection() as connection:
            assert await connection.fetchval("show synchronous_commit") == "on"
    finally:
        await single.stop()


async def test_what_broke_off_in_a_transaction_leaves_none_open_to_the_next(database_dsn: str) -> None:
    single = Database(database_dsn, "sessions", most_connections=1)
    await single.start()

    async def break_off() -> None:
        async with single.transaction() as connection:
            await connection.execute("select 1 / 0")

    try:
        for _ in range(2):
            with pytest.raises(StatementFailed):
                await break_off()
            async with single.connection() as connection:
                assert not connection.is_in_transaction()
                assert await connection.fetchval("select 1") == 1
    finally:
        await single.stop()
