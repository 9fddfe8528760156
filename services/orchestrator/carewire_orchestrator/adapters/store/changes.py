"""How a care flow that runs is changed: locked, advanced, saved and told of, all in the caller's one transaction.

Everybody who lets something happen to a care flow does it here: people, timers, answers of API calls, sessions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.care_flows import find_care_flow, lock_care_flow, take_care_flow
from carewire_orchestrator.adapters.store.change_batch import ChangeBatch
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.session_rows import active_sessions
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.events import CareFlowEvent
from carewire_orchestrator.domain.profile import NOTHING_KNOWN, ProfileDocument
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.timeline import WHAT
from carewire_orchestrator.errors import NotFound
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.telemetry.tracing import span

EventOf: TypeAlias = Callable[[Release, CareFlow, ProfileDocument], CareFlowEvent]
"""What is to happen, once it is known to what, and what is known of its patient as far as the release asks."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A care flow after an event that could happen."""

    release: Release
    advanced: Advanced

    @property
    def care_flow(self) -> CareFlow:
        """The care flow as it stands now."""
        return self.advanced.care_flow


class Changes:
    """Changes care flows. `idle` is how long a session lives without anything being done."""

    def __init__(self, identities: Identities, releases: Releases, publishing: Publishing, idle: timedelta) -> None:
        self._identities = identities
        self._releases = releases
        self._publishing = publishing
        self._idle = idle

    async def lock(self, connection: Connection, care_flow_id: str) -> tuple[Release, CareFlow] | None:
        """A care flow that nobody else changes until the transaction ends; None where there is none."""
        care_flow = await lock_care_flow(connection, care_flow_id)
        if care_flow is None:
            return None
        return await self._release(connection, care_flow), care_flow

    async def read(self, connection: Connection, care_flow_id: str) -> tuple[Release, CareFlow]:
        """A care flow as it stands. Raises NotFound."""
        care_flow = await find_care_flow(connection, care_flow_id)
        if care_flow is None:
            raise NotFound("there is no such care flow")
        return await self._release(connection, care_flow), care_flow

    async def let(
        self, connection: Connection, care_flow_id: str, event: EventOf, cause: Cause, now: datetime
    ) -> Changed | Refusal | None:
        """Let an event happen. Answers why it cannot, or None where there is no such care flow.

        Raises whatever `event` raises, or a DatabaseError.
        """
        with span("orchestrator.advance_care_flow") as current:
            taken = await take_care_flow(connection, care_flow_id)
            if taken is None:
                return None
            # Until it was found it was but a word of the caller's, and spans hold none of those.
            current.set("care_flow_id", care_flow_id)
            release = await self._release(connection, taken.care_flow)
            profiles = await self._identities.profiles_asked_for(connection, [(release, taken.care_flow)])
            profile = profiles.get(taken.care_flow.patient_id, NOTHING_KNOWN)
            happening = event(release, taken.care_flow, profile)
            advanced = advance(release, taken.care_flow, happening, now, profile)
            if isinstance(advanced, Refusal):
                return advanced
            whose = advanced.care_flow.patient_id
            identifiers = [self._identities.open(*sealed, whose) for sealed in taken.sealed_identifiers]
            batch = await self.batch(connection, [care_flow_id] if taken.has_sessions else [], now)
            later = batch.advance(release, advanced, identifiers, WHAT[type(happening)], cause)
            await batch.write(connection)
            return Changed(release, replace(advanced, care_flow=later))

    async def batch(self, connection: Connection, care_flow_ids: Sequence[str], now: datetime) -> ChangeBatch:
        """Begin to change locked care flows; those that are named may have active sessions."""
        sessions = await active_sessions(connection, care_flow_ids) if care_flow_ids else {}
        return ChangeBatch(self._publishing, sessions, now, self._idle)

    async def _release(self, connection: Connection, care_flow: CareFlow) -> Release:
        return (await self._releases.load(connection, [care_flow.release_id]))[care_flow.release_id]
