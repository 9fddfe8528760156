"""What people do with care flows that run. Each is one transaction of state, outbox, timeline and audit record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from carewire_contracts.definition import DataPointDefinition
from carewire_orchestrator.adapters.store.changes import Changed, Changes, EventOf
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.advance import Refusal, advance
from carewire_orchestrator.domain.baseline import baseline_points
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.events import BaselineUpdated, CareFlowEvent, FormSubmitted
from carewire_orchestrator.domain.form_answers import read_form_answers
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem, read_given_value, unknown_names
from carewire_orchestrator.domain.known_values import known_values
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.timeline import WHAT
from carewire_orchestrator.errors import InvalidValues, NotAllowedNow, NotFound, OrchestratorError
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay

PATIENT: Final = "patient"
"""The subject of audit records: whose data were looked at or changed."""

_REFUSALS: Final[dict[Refusal, str]] = {
    Refusal.ALREADY_STARTED: "the care flow has started already",
    Refusal.NOT_STARTED: "the care flow has not started yet",
    Refusal.CARE_FLOW_ENDED: "the care flow has ended; start a new one",
    Refusal.CARE_FLOW_PAUSED: "the care flow is paused; resume it first",
    Refusal.CARE_FLOW_NOT_PAUSED: "the care flow is not paused",
    Refusal.ACTIVITY_NOT_FOUND: "the care flow has no such activity",
    Refusal.ACTIVITY_ENDED: "the activity has ended already",
    Refusal.ACTIVITY_NOT_FAILED: "the activity has not failed; only what has failed is tried again",
    Refusal.ACTIVITY_RETRIED: "the activity was tried again already; look for the newer one of its action",
    Refusal.OTHER_KIND_OF_ACTIVITY: "the activity is of another kind; look at its `kind`",
    Refusal.STAKEHOLDER_NOT_FOUND: "the definition has no such stakeholder; look at its `stakeholders`",
    Refusal.TIMER_NOT_PENDING: "the care flow waits for no such moment any more",
    Refusal.TIMER_NOT_DUE: "the moment has not come yet",
    Refusal.TIMER_NOT_SKIPPABLE: "the definition does not let this timer be skipped",
    Refusal.TRACK_NOT_FOUND: "the release has no such track; look at the care flow's `tracks`",
    Refusal.TRACK_NOT_AD_HOC: "the definition does not let this track be added by hand now; set `any_track` to do so",
    Refusal.TRACK_ACTIVE: "the track is active already",
    Refusal.TRACK_NOT_ACTIVE: "the track is not active",
}


class People:
    """Lets people do things. Each method raises NotFound, NotAllowedNow, InvalidValues, or a DatabaseError."""

    def __init__(self, db: Database, changes: Changes, relay: Relay, audit: Audit, clock: Clock) -> None:
        self._db = db
        self._changes = changes
        self._relay = relay
        self._audit = audit
        self._clock = clock

    async def let(self, care_flow_id: str, event: CareFlowEvent, by: Principal) -> Changed:
        """Let something happen to a care flow."""
        return await self._let(care_flow_id, lambda *_: event, by, self._clock.now())

    async def do(self, activity_id: str, event: CareFlowEvent, by: Principal) -> Changed:
        """Let something happen to an activity."""
        return await self._let(await self._home(activity_id), lambda *_: event, by, self._clock.now())

    async def submit_form(self, activity_id: str, given: Mapping[str, object], by: Principal) -> Changed:
        """Answer the form of an activity."""
        now = self._clock.now()

        def event(release: Release, care_flow: CareFlow, profile: ProfileDocument) -> CareFlowEvent:
            submitted = FormSubmitted(activity_id, ())
            # What cannot happen at all is told before what is wrong with the answers.
            if isinstance(advance(release, care_flow, submitted, now), Refusal):
                return submitted
            form = release.action_forms[care_flow.activities[activity_id].action_id]
            known = known_values(release, profile, care_flow.data_points, care_flow.system_dates)
            answers = read_form_answers(form, given, known, now)
            if isinstance(answers, list):
                raise InvalidValues(answers)
            return FormSubmitted(activity_id, answers)

        return await self._let(await self._home(activity_id), event, by, now)

    async def update_baseline(self, care_flow_id: str, given: Mapping[str, object], by: Principal) -> Changed:
        """Give baseline data points new values; the others keep theirs."""

        def event(release: Release, *_: object) -> CareFlowEvent:
            values = read_baseline_update(release, given)
            if isinstance(values, list):
                raise InvalidValues(values)
            return BaselineUpdated(values)

        return await self._let(care_flow_id, event, by, self._clock.now())

    async def _let(self, care_flow_id: str, event: EventOf, by: Principal, now: datetime) -> Changed:
        done: list[str] = []

        def noted(release: Release, care_flow: CareFlow, profile: ProfileDocument) -> CareFlowEvent:
            happening = event(release, care_flow, profile)
            done.append(WHAT[type(happening)])
            return happening

        async with self._db.transaction() as connection:
            changed = await self._changes.let(connection, care_flow_id, noted, Cause.of(by), now)
            if changed is None:
                raise NotFound("there is no such care flow")
            if isinstance(changed, Refusal):
                raise _mistake(changed)
            await self._audit.add(connection, by, [Deed(done[0], PATIENT, changed.care_flow.patient_id)])
        self._relay.wake()
        return changed

    async def _home(self, activity_id: str) -> str:
        async with self._db.connection() as connection:
            care_flow_id: str | None = await connection.fetchval(QUERIES.care_flow_of_activity, activity_id)
        if care_flow_id is None:
            raise NotFound("there is no such activity")
        return care_flow_id


def _mistake(refusal: Refusal) -> OrchestratorError:
    """What the caller did wrong: what is not there is told otherwise than what cannot be done now."""
    message = _REFUSALS[refusal]
    if refusal in (Refusal.TRACK_NOT_FOUND, Refusal.ACTIVITY_NOT_FOUND):
        return NotFound(message)
    if refusal is Refusal.STAKEHOLDER_NOT_FOUND:
        return InvalidValues([ValueProblem("stakeholder_definition_ids", message)])
    return NotAllowedNow(refusal.value, message)


def read_baseline_update(release: Release, given: Mapping[str, object]) -> tuple[GivenValue, ...] | list[ValueProblem]:
    """Check new values of baseline data points, keyed by id; answers them, or all that is wrong with them."""
    known = {one.id: one for one in baseline_points(release.data_points.values())}
    problems = unknown_names(given, known, "there is no such baseline data point in this release")
    read = [_read(known[data_point_id], raw) for data_point_id, raw in given.items() if data_point_id in known]
    problems += [one for one in read if isinstance(one, ValueProblem)]
    return problems or tuple(one for one in read if isinstance(one, GivenValue))


def _read(point: DataPointDefinition, raw: object) -> GivenValue | ValueProblem:
    if raw is None:
        return ValueProblem(point.id, "a value that was given cannot be taken back; give another one")
    return read_given_value(point.id, raw, point, point.value_type)
