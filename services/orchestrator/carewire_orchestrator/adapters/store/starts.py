"""A batch of requests in one transaction: all of it is there, or nothing.

Start keys are claimed first and in one order, then the locks of all identifiers are taken in one order, before
the first savepoint; in a batch in which an enrolment guard may skip, the locks of the patients it asks about follow,
in one order again. So two processes with overlapping batches wait for each other at most once a kind of lock, and
never in a circle. Everything else is decided in memory (`domain.starting`) and written with a few statements.

Only guarded requests lock patients: a start without a guard depends on no other care flow, so it may always be
taken as the later one of the two. That keeps it at four round trips.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from carewire_contracts.statuses import FailureReason, SkipReason
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.care_flows import add_care_flows
from carewire_orchestrator.adapters.store.identities import Identities, locks_of, locks_of_patients
from carewire_orchestrator.adapters.store.patients_of_requests import PatientsOfRequests
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.enrolment import Enrolment, PatientAndDefinition
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.request_outcome import Failed, FirstCall, Succeeded, is_expired
from carewire_orchestrator.domain.request_statuses import ended
from carewire_orchestrator.domain.starting import Call, Intake, Outcome, Skipped, StartedCareFlow, guarded_patients
from carewire_runtime.errors import StatementFailed
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord, OutboxRow
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.translation import translating
from carewire_runtime.telemetry.tracing import span

_DATA_EXCEPTION: Final = "22"
"""The sqlstate class of values that Postgres cannot hold: the request's fault, and it stays so."""


Wake = Callable[[Sequence[OutboxRow]], None]
Before = Callable[[Call], list[OutboxRecord]]
"""What is to be told of a call before its end; asked once the locks of its batch are held."""


def _nobody(_: Sequence[OutboxRow]) -> None:
    """Wake nobody: what is told is found all the same."""


def _nothing(_: Call) -> list[OutboxRecord]:
    """Tell the end alone."""
    return []


class Starts:
    """Ends requests: starts care flows, or records why not."""

    def __init__(self, db: Database, identities: Identities, releases: Releases, publishing: Publishing) -> None:
        self._db = db
        self._identities = identities
        self._releases = releases
        self._publishing = publishing
        self._patients = PatientsOfRequests(identities, publishing)

    async def end(
        self, calls: Sequence[Call], now: datetime, wake: Wake = _nobody, before: Before = _nothing
    ) -> list[Outcome]:
        """End every request of a batch, wake whoever publishes what is told of it, and answer how each ended.

        Raises DatabaseError or SealingError; then none has ended.
        """
        try:
            async with self._db.transaction() as connection:
                intake = await self._begin(connection, calls, now)
                outcomes, rows = await self._end_together(connection, intake, calls, now, before)
        except StatementFailed as error:
            if not error.sqlstate.startswith(_DATA_EXCEPTION):
                raise
        else:
            wake(rows)
            return outcomes
        # Rare enough to begin anew: a savepoint would cost every batch two round trips.
        async with self._db.transaction() as connection:
            intake = await self._begin(connection, calls, now)
            outcomes = await self._end_one_by_one(connection, intake, calls, now, before)
        wake([])
        return outcomes

    async def _begin(self, connection: Connection, calls: Sequence[Call], now: datetime) -> Intake:
        claimed, owners = await _take(connection, calls, now)
        releases = await self._releases.load(connection, (call.request.release_id for call in calls))
        identifiers, profiles = await self._identities.with_profiles(connection, owners.values())
        return Intake(
            releases=releases,
            first_calls=await _first_calls(connection, {call.request.start_key for call in calls} - claimed),
            owners=owners,
            identifiers=identifiers,
            enrolments=await _enrolments(connection, calls, releases, owners),
            profiles=profiles,
        )

    async def _end_together(
        self, connection: Connection, intake: Intake, calls: Sequence[Call], now: datetime, before: Before
    ) -> tuple[list[Outcome], list[OutboxRow]]:
        outcomes: list[Outcome] = []
        records: list[OutboxRecord] = []
        for call in calls:
            with span("orchestrator.start_care_flow", parent=call.traceparent) as current:
                outcome = intake.decide(call, now)
                current.set("request_id", call.request.request_id)
                current.set("outcome", type(outcome).__name__)
                records += before(call)
                records += self._told(call, outcome, now, current.traceparent)
            outcomes.append(outcome)
        rows = outbox.rows_of(records)
        await self._write(connection, calls, outcomes, rows, now)
        rows += await outbox.add(connection, await self._patients.told(connection, calls, outcomes, now))
        return outcomes, rows

    async def _end_one_by_one(
        self, connection: Connection, intake: Intake, calls: Sequence[Call], now: datetime, before: Before
    ) -> list[Outcome]:
        """Find the request whose values cannot be stored; the others of the batch go on."""
        outcomes: list[Outcome] = []
        for call in calls:
            attempt = intake.copy()
            try:
                async with _savepoint(connection):
                    one, _ = await self._end_together(connection, attempt, [call], now, before)
                    outcomes += one
                    intake = attempt
                    continue
            except StatementFailed as error:
                if not error.sqlstate.startswith(_DATA_EXCEPTION):
                    raise
            failed = Failed(FailureReason.INVALID_BASELINE)
            intake.fail(call, failed)
            outcomes.append(failed)
            told = before(call) + self._told(call, failed, now, call.traceparent)
            await self._write(connection, [call], [failed], outbox.rows_of(told), now)
        return outcomes

    def _told(self, call: Call, outcome: Outcome, now: datetime, traceparent: str | None) -> list[OutboxRecord]:
        records = self._publishing.started(outcome, now, traceparent) if isinstance(outcome, StartedCareFlow) else []
        status = ended(call.request, outcome, now)
        if status is not None:
            records += self._publishing.request_statuses(call.request.request_id, [status], now, traceparent)
        return records

    async def _write(
        self,
        connection: Connection,
        calls: Sequence[Call],
        outcomes: Sequence[Outcome],
        rows: Sequence[OutboxRow],
        now: datetime,
    ) -> None:
        """Write how requests ended, and what is told of it."""
        started: list[StartedCareFlow] = []
        causes: list[Cause] = []
        for call, outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, StartedCareFlow):
                started.append(outcome)
                causes.append(Cause("request", call.request.request_id))
        if started:
            await add_care_flows(connection, started, causes, rows, self._identities, now)
            await self._patients.let_be_found(connection, started)
        else:
            await outbox.add_rows(connection, rows)
        await self._identities.add(connection, [one for one in outcomes if isinstance(one, Skipped)], now)
        corrections = [_correction(call, outcome) for call, outcome in zip(calls, outcomes, strict=True)]
        changed = [row for row in corrections if row is not None]
        if changed:
            columns = (list(column) for column in zip(*changed, strict=True))
            await connection.execute(QUERIES.correct_starts, *columns)


def _correction(call: Call, outcome: Outcome) -> tuple[str | None, ...] | None:
    """What the claim of a first call says wrongly: it takes for granted that a new patient's care flow starts."""
    claim = (call.request.start_key, call.care_flow_id)
    if isinstance(outcome, Failed):
        return *claim, None, None, outcome.reason.value, None
    if isinstance(outcome, Skipped):
        return *claim, outcome.care_flow_id, outcome.patient_id, None, outcome.reason.value
    if isinstance(outcome, StartedCareFlow) and outcome.patient_id != call.patient_id:
        return *claim, outcome.care_flow_id, outcome.patient_id, None, None
    return None


async def _take(
    connection: Connection, calls: Sequence[Call], now: datetime
) -> tuple[set[str], dict[Fingerprint, str]]:
    """Claim the start keys of a batch, lock its identifiers; answers the keys that are new, and who has which."""
    first: dict[str, Call] = {}
    for call in calls:
        # A record that came too late must not use its key up: its sender was told to try again.
        if not is_expired(call.request, call.appended_at):
            first.setdefault(call.request.start_key, call)
    keys = sorted(first)
    claims = [first[key] for key in keys]
    fingerprints = list(dict.fromkeys(fingerprint for call in calls for fingerprint in call.fingerprints))
    rows = await connection.fetch(
        QUERIES.take_starts,
        keys,
        [call.request.body_digest for call in claims],
        [call.request.request_id for call in claims],
        [call.care_flow_id for call in claims],
        [call.patient_id for call in claims],
        now,
        locks_of(fingerprints),
        [system for system, _ in fingerprints],
        [digest for _, digest in fingerprints],
    )
    claimed = {row["claimed"] for row in rows if row["claimed"] is not None}
    return claimed, {
        (row["known_system"], row["known_fingerprint"]): row["owner"] for row in rows if row["claimed"] is None
    }


async def _enrolments(
    connection: Connection, calls: Sequence[Call], releases: Mapping[str, Release], owners: Mapping[Fingerprint, str]
) -> dict[PatientAndDefinition, Enrolment]:
    """What guards have to know; nothing is asked where none of them can skip."""
    guarded = (call.request.release_id for call in calls if call.request.enrolment_guard.may_skip)
    definitions = sorted({releases[one].definition.id for one in guarded if one in releases})
    patients = sorted(guarded_patients(calls, owners)) if definitions else []
    if not patients:
        return {}
    rows = await connection.fetch(QUERIES.take_enrolments, locks_of_patients(patients), patients, definitions)
    return {(row["patient"], row["definition"]): Enrolment(row["care_flow"], row["is_active"]) for row in rows}


async def _first_calls(connection: Connection, keys: set[str]) -> dict[str, FirstCall]:
    if not keys:
        return {}
    rows = await connection.fetch(QUERIES.first_calls, sorted(keys))
    return {row["start_key"]: FirstCall(row["request_id"], row["body_digest"], _outcome(row)) for row in rows}


def _outcome(row: Mapping[str, Any]) -> Succeeded | Failed:
    if row["reason"] is not None:
        return Failed(FailureReason(row["reason"]))
    skipped = row["skip_reason"]
    return Succeeded(row["care_flow_id"], row["patient_id"], None if skipped is None else SkipReason(skipped))


@asynccontextmanager
async def _savepoint(connection: Connection) -> AsyncIterator[None]:
    with translating():
        async with connection.transaction():
            yield
