"""What a batch of requests brings about in patients, beside their care flows.

Both cost a round trip only where there is something: a new patient with a profile can be found by it, and whoever gets
an identifier by a call is told of, whether the call started something or its guard skipped it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeGuard

from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.patient_rows import add_search_keys
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.patient_events import announce_patient_updated
from carewire_orchestrator.domain.starting import Call, Outcome, Skipped, StartedCareFlow
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection


class PatientsOfRequests:
    """Follows up on ended requests, in their transaction."""

    def __init__(self, identities: Identities, publishing: Publishing) -> None:
        self._identities = identities
        self._publishing = publishing

    async def let_be_found(self, connection: Connection, started: Sequence[StartedCareFlow]) -> None:
        """Make the search keys of patients who are new, and written already."""
        profiles = {one.patient_id: one.profile for one in started if one.is_new_patient and one.profile}
        await add_search_keys(connection, self._identities, profiles)

    async def told(
        self, connection: Connection, calls: Sequence[Call], outcomes: Sequence[Outcome], now: datetime
    ) -> list[OutboxRecord]:
        """`patient.updated` of known patients who got identifiers; of each request one, in order, all written already.

        Its id is made of the request's: a request that is read again after a crash tells it the same.
        """
        gaining = [(call, outcome) for call, outcome in zip(calls, outcomes, strict=True) if _gained(outcome)]
        if not gaining:
            return []
        ids = sorted({outcome.patient_id for _, outcome in gaining})
        rows = await connection.fetch(QUERIES.profiles_of_patients, ids)
        sealed = {row["id"]: row["sealed_profile"] for row in rows}
        records = []
        for call, outcome in gaining:
            told = announce_patient_updated(
                outcome.patient_id,
                call.request.request_id,
                tenant_id=self._publishing.tenant_id,
                identifiers=outcome.identifiers,
                profile=self._identities.open_profile(sealed[outcome.patient_id], outcome.patient_id),
                now=now,
            )
            records.append(self._publishing.patient(told, outcome.patient_id, now, call.traceparent))
        return records


def _gained(outcome: Outcome) -> TypeGuard[StartedCareFlow | Skipped]:
    if isinstance(outcome, StartedCareFlow):
        return not outcome.is_new_patient and bool(outcome.new_identifiers)
    return isinstance(outcome, Skipped) and bool(outcome.new_identifiers)
