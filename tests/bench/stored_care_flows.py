"""Very many stored care flows, made of some that were really started: everything is theirs but ids and moments.

Rows are copied with an `insert ... select` each, into the tables and the indexes as the migrations made them, over
the moments of the past year. Ids that are uuid7 in life are made of those moments, all others of a hash, so that
indexes grow as in life; the state of a care flow names the same ids as its rows, so it can go on.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from carewire_contracts.identifiers import Identifier
from carewire_local.platform import Platform
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_runtime.sealing import Keyring
from carewire_testing_e2e.house import SYSTEM

_SEEDS: Final = 1_000
"""Really started care flows that are copied, at most."""

_COPIED: Final = """
create temporary table copied as
select number, seed.id as seed_id, seed.patient_id as seed_patient_id, at, moved.id, moved.patient_id
from generate_series(1, $1::integer) as number
join (select id, patient_id, row_number() over (order by id) as place from care_flow order by id limit $2) as seed
    on seed.place = 1 + number % least($2, (select count(*) from care_flow))
cross join lateral (select now() - (1 + $1 - number) * interval '1 year' / (1 + $1) as at) as moment
cross join lateral (
    select pg_temp.uuid7(at, 'care flow ' || number) as id, pg_temp.uuid7(at, 'patient ' || number) as patient_id
) as moved
"""
_NAMES: Final = """
create temporary table named as
select care_flow_id, array_agg(id) as ids
from (
    select id, care_flow_id from activity union select id, care_flow_id from data_point
    union select id, care_flow_id from timer
) as parts
group by care_flow_id
"""
_RENAMED: Final = """
create function pg_temp.renamed(document text, ids text[], number integer) returns text language plpgsql as $$
declare
    id text;
begin
    foreach id in array ids loop
        document := replace(document, id, md5(id || number)::uuid::text);
    end loop;
    return document;
end
$$
"""
_UUID7: Final = """
create function pg_temp.uuid7(at timestamptz, mark text) returns text language sql immutable as $$
    select (
        lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(mark), 1, 3)
        || '8' || substr(md5(mark), 4, 15)
    )::uuid::text
$$
"""
_FILL: Final = (
    # What refers to what is given by the copying.
    "set session_replication_role = replica",
    "create index on copied (seed_id)",
    "analyze copied",
    """
    insert into patient (id, sealed_profile, created_at)
    select copied.patient_id, sealed_profile, at
    from copied join patient on patient.id = seed_patient_id order by number
    """,
    """
    insert into patient_search_key (kind, fingerprint, patient_id)
    select kind, sha256(fingerprint || convert_to(number::text, 'UTF8')), copied.patient_id
    from copied join patient_search_key as seed on seed.patient_id = seed_patient_id order by number
    """,
    """
    insert into start (start_key, body_digest, request_id, care_flow_id, patient_id, created_at)
    select pg_temp.uuid7(at, 'key ' || number), body_digest, pg_temp.uuid7(at, 'request ' || number), copied.id,
        copied.patient_id, at
    from copied join start as seed on seed.care_flow_id = seed_id order by number
    """,
    """
    insert into care_flow (id, patient_id, definition_id, release_id, status, document, started_at, ended_at)
    select copied.id, copied.patient_id, definition_id, release_id, status,
        pg_temp.renamed(
            replace(replace(document, seed_id, copied.id), seed_patient_id, copied.patient_id), ids, number
        ),
        at, ended_at + (at - started_at)
    from copied join care_flow as seed on seed.id = seed_id join named on care_flow_id = seed_id order by number
    """,
    """
    insert into activity (id, care_flow_id, kind, status, created_at, ended_at, stakeholders)
    select md5(seed.id || number)::uuid::text, copied.id, kind, status, at, ended_at + (at - created_at), stakeholders
    from copied join activity as seed on seed.care_flow_id = seed_id order by number
    """,
    """
    insert into data_point (id, care_flow_id, definition_id, value_type, value, collected_at)
    select md5(seed.id || number)::uuid::text, copied.id, definition_id, value_type, value, at
    from copied join data_point as seed on seed.care_flow_id = seed_id order by number
    """,
    """
    insert into care_flow_change
        (care_flow_id, happened_at, what, cause_kind, cause_id, cause_name, first_sequence, events)
    select copied.id, at, what, cause_kind, cause_id, cause_name, first_sequence, events
    from copied join care_flow_change as seed on seed.care_flow_id = seed_id order by number
    """,
    """
    insert into timer (id, care_flow_id, due_at)
    select md5(seed.id || number)::uuid::text, copied.id, due_at
    from copied join timer as seed on seed.care_flow_id = seed_id order by number
    """,
    "set session_replication_role = origin",
)


@asynccontextmanager
async def looking_into(platform: Platform) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection to the orchestrator's schema."""
    dsn = platform.env["CAREWIRE_POSTGRES_DSN"]
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "orchestrator"})
    try:
        yield connection
    finally:
        await connection.close()


async def fill_up_to(platform: Platform, connection: "asyncpg.Connection[Any]", count: int) -> float:
    """Copy care flows until there are so many; answers the seconds it took. For once in a connection."""
    began = time.perf_counter()
    missing = count - await connection.fetchval("select count(*) from care_flow")
    for statement in (_UUID7, _RENAMED, _NAMES):
        await connection.execute(statement)
    # Not as a statement with arguments: those cannot create tables.
    await connection.execute(_COPIED.replace("$1", str(missing)).replace("$2", str(_SEEDS)))
    for statement in _FILL:
        await connection.execute(statement)
    await _identify(Identities(Keyring.parse(platform.env["CAREWIRE_ENCRYPTION_KEYS"])), connection)
    return time.perf_counter() - began


async def _identify(identities: Identities, connection: "asyncpg.Connection[Any]") -> None:
    """Give each copied patient an identifier: a sealed one opens for its own patient alone, so none can be copied."""
    rows = []
    for copied in await connection.fetch("select number, patient_id, at from copied order by number"):
        identifier = Identifier(SYSTEM, f"copy-{copied['number']}")
        sealed = identities.seal(identifier, copied["patient_id"])
        system, digest = identities.fingerprint(identifier)
        rows.append((system, digest, copied["patient_id"], sealed, identities.fingerprint_key_id, copied["at"]))
    columns = ["system", "fingerprint", "patient_id", "sealed_value", "fingerprint_key_id", "created_at"]
    await connection.copy_records_to_table("patient_identifier", records=rows, columns=columns)


async def settle_tables(connection: "asyncpg.Connection[Any]") -> None:
    """Do now what Postgres would do by itself sooner or later, so that it is not measured along."""
    await connection.execute("vacuum (analyze)")
    await connection.execute("checkpoint")
