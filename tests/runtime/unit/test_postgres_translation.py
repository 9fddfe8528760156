"""Which errors of Postgres pass by themselves, and that none brings the driver's text with it."""

import asyncpg
import pytest

from carewire_runtime.errors import DatabaseError, PostgresUnavailable, StatementFailed, UniqueViolation
from carewire_runtime.postgres.translation import translated, translating

CANARY = "canary-4711"


def server_error(sqlstate: str, constraint: str | None = None) -> asyncpg.PostgresError:
    error = asyncpg.PostgresError(CANARY)
    error.sqlstate = sqlstate
    error.detail = f"Key (mrn)=({CANARY}) already exists."
    if constraint:
        error.constraint_name = constraint
    return error


@pytest.mark.parametrize(
    "sqlstate",
    [
        "08000",  # connection exception
        "08006",  # connection failure
        "40001",  # serialization failure
        "40P01",  # deadlock
        "53100",  # disk full
        "53300",  # too many connections
        "55P03",  # lock not available
        "57014",  # query cancelled by a timeout
        "57P01",  # shutting down
        "57P03",  # starting up
        "58030",  # I/O error
    ],
)
def test_what_passes_by_itself_is_retriable(sqlstate: str) -> None:
    error = translated(server_error(sqlstate))
    assert isinstance(error, PostgresUnavailable)
    assert error.retriable
    assert error.sqlstate == sqlstate


@pytest.mark.parametrize(
    "sqlstate", ["22001", "22021", "23502", "23503", "23514", "25P02", "28P01", "42601", "42P01", "XX000"]
)
def test_what_needs_somebody_to_change_something_is_not(sqlstate: str) -> None:
    error = translated(server_error(sqlstate, "some_check"))
    assert isinstance(error, StatementFailed)
    assert not error.retriable
    assert (error.sqlstate, error.constraint) == (sqlstate, "some_check")


def test_a_unique_violation_names_its_index() -> None:
    error = translated(server_error("23505", "api_key_living_name"))
    assert isinstance(error, UniqueViolation)
    assert error.constraint == "api_key_living_name"
    assert isinstance(translated(server_error("23505")), StatementFailed)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ConnectionRefusedError(CANARY), PostgresUnavailable),
        (TimeoutError(CANARY), PostgresUnavailable),
        (asyncpg.InterfaceError(f"connection is closed {CANARY}"), PostgresUnavailable),
        (asyncpg.InterfaceError(f"pool is closing {CANARY}"), PostgresUnavailable),
        (asyncpg.InterfaceError(f"cannot use it {CANARY}"), StatementFailed),
        (asyncpg.DataError(CANARY), StatementFailed),
        (asyncpg.InternalClientError(CANARY), StatementFailed),
        (asyncpg.InternalClientError(f"cannot switch to state 11; {CANARY}"), PostgresUnavailable),
        (server_error("23505", "u"), UniqueViolation),
        (server_error("57P01"), PostgresUnavailable),
    ],
)
def test_the_driver_s_text_stays_behind(raised: Exception, kind: type[DatabaseError]) -> None:
    with pytest.raises(kind) as told, translating():
        raise raised
    assert CANARY not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


@pytest.mark.parametrize("error", [ValueError("ours"), KeyError("ours"), StatementFailed("42601")])
def test_what_is_not_the_driver_s_goes_through_untouched(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translating():
        raise error
    assert raised.value is error
