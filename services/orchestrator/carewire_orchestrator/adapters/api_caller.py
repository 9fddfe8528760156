"""Makes the API calls that care flows ask for, outside of any transaction, and feeds back what came of them.

A call is taken for the time of a lease. Whoever dies with it loses nothing: it is made again when the lease is over,
with the same `Idempotency-Key`, so a server may see a call twice and a care flow sees its answer once. A lease is
longer than a call may take, and an answer counts only while the call is still one's own.

The values of concealed constants are read for each attempt anew, so a changed one holds at once, on every replica.
"""

import asyncio
from datetime import timedelta
from typing import Final, TypeAlias

import orjson

from carewire_contracts.definition import ApiCallAction
from carewire_orchestrator.adapters.guarded_calls import Answered, CallFailed, CallRefused, GuardedCalls
from carewire_orchestrator.adapters.store.api_calls import ApiCallQueue, TakenCall, forget_call, is_still_taken
from carewire_orchestrator.adapters.store.changes import Changed, Changes
from carewire_orchestrator.adapters.store.constants import Constants
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.advance import Refusal
from carewire_orchestrator.domain.api_answers import NotAsExpected, read_answer
from carewire_orchestrator.domain.api_call_attempts import Again, after_failure, is_success
from carewire_orchestrator.domain.api_requests import blanks_of, request_of
from carewire_orchestrator.domain.care_flow import CareFlow, Reason
from carewire_orchestrator.domain.events import ApiCallAnswered, ApiCallFailed
from carewire_orchestrator.domain.release import Release
from carewire_runtime.clock import Clock
from carewire_runtime.errors import DatabaseError
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.retry import is_retriable, retry_in_place
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger
from carewire_runtime.telemetry.tracing import span

_POLL_S: Final = 0.5
_LEASE_BEYOND_S: Final = 10.0
"""What a lease is longer than a call may take: time to feed the answer back, and for clocks to differ.

Where it does not suffice a server sees a call twice, under one key; the longer it is, the longer the calls of a
process that died wait.
"""

Outcome: TypeAlias = Answered | CallFailed | CallRefused | Reason
"""What came of a call; a reason is why it could not be made."""

_log = logger("api_caller")


class ApiCaller:
    """A component that makes calls, up to `concurrency` side by side. Any number of processes may run one."""

    name = "api_caller"

    def __init__(
        self,
        db: Database,
        changes: Changes,
        constants: Constants,
        calls: GuardedCalls,
        relay: Relay,
        clock: Clock,
        *,
        timeout_s: float,
        concurrency: int,
    ) -> None:
        self._db = db
        self._queue = ApiCallQueue(db)
        self._changes = changes
        self._constants = constants
        self._calls = calls
        self._relay = relay
        self._clock = clock
        self._lease = timedelta(seconds=timeout_s + _LEASE_BEYOND_S)
        self._concurrency = concurrency

    async def run(self, stop: asyncio.Event) -> None:
        """Make calls until `stop` is set, then let go of those under way: their leases end by themselves."""
        under_way: set[asyncio.Task[None]] = set()
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                under_way |= {asyncio.create_task(self._serve(call)) for call in await self._take(len(under_way))}
                sleeping = asyncio.create_task(self._clock.sleep(_POLL_S))
                await asyncio.wait({*under_way, sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
                sleeping.cancel()
                under_way -= _finished(under_way)
        finally:
            stopping.cancel()
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, stopping, return_exceptions=True)
            await self._calls.close()

    async def _take(self, under_way: int) -> list[TakenCall]:
        free = self._concurrency - under_way
        if free <= 0:
            return []

        async def take() -> list[TakenCall]:
            now = self._clock.now()
            return await self._queue.take(now, now + self._lease, free)

        return await retry_in_place(take, self._clock, what="take_api_calls")

    async def _serve(self, call: TakenCall) -> None:
        """Make a call and feed back what came of it. A passing fault of ours leaves it to the end of its lease."""
        with span("orchestrator.api_call", root=True) as current:
            current.set("care_flow_id", call.care_flow_id)
            current.set("activity_id", call.activity_id)
            outcome = await self._make_safely(call)
            current.set("outcome", outcome)
        metrics.API_CALLS.add(outcome=outcome)

    async def _make_safely(self, call: TakenCall) -> str:
        try:
            answer = await self._call(call)
        except DatabaseError as error:
            _log.warning("api_call_not_made", activity_id=call.activity_id, error=error)
            return "lost"
        return await self._feed_safely(call, answer)

    async def _feed_safely(self, call: TakenCall, answer: Outcome) -> str:
        try:
            return await self._feed(call, answer)
        except DatabaseError as error:
            _log.warning("api_call_not_fed_back", activity_id=call.activity_id, error=error)
            if is_retriable(error):
                return "lost"
        # It would fail again each time: no answer of a stranger's may keep the process from living.
        return await self._feed(call, CallRefused())

    async def _call(self, call: TakenCall) -> Outcome:
        """What came of a call. Raises DatabaseError where the values of concealed constants cannot be read."""
        blanks = blanks_of(call.order)
        values = await self._constants.values(call.care_flow_id, blanks) if blanks else {}
        request = request_of(call.order, values)
        if isinstance(request, Reason):
            return request
        try:
            return await self._calls.call(request)
        except (CallFailed, CallRefused) as error:
            return error

    async def _feed(self, call: TakenCall, answer: Outcome) -> str:
        """Let the care flow have what came of a call; answers in a fixed word what that was."""
        again: list[Again] = []
        async with self._db.transaction() as connection:
            locked = await self._changes.lock(connection, call.care_flow_id)
            if locked is None or not await is_still_taken(connection, call):
                return "superseded"
            event = _event(*locked, call, answer)
            if isinstance(event, Again):
                again.append(event)
            else:
                cause = Cause("api_call", call.activity_id)
                changed = await self._changes.let(
                    connection, call.care_flow_id, lambda *_: event, cause, self._clock.now()
                )
                if changed is Refusal.CARE_FLOW_PAUSED:
                    # It is made again when the care flow goes on: what an answer meant may have changed by then.
                    again.append(Again(timedelta()))
                elif not isinstance(changed, Changed):
                    await forget_call(connection, call)
                    return "superseded"
        if again:
            await self._queue.put_off(call, self._clock.now() + again[0].pause)
            return "again"
        self._relay.wake()
        return "answered" if isinstance(event, ApiCallAnswered) else "failed"


def _event(
    release: Release, care_flow: CareFlow, call: TakenCall, answer: Outcome
) -> ApiCallAnswered | ApiCallFailed | Again:
    if isinstance(answer, Reason):
        return ApiCallFailed(call.activity_id, answer)
    if isinstance(answer, CallRefused):
        return ApiCallFailed(call.activity_id, Reason.CALL_FAILED)
    if isinstance(answer, Answered) and is_success(answer.status):
        return _read(release, care_flow, call, answer.body)
    status = answer.status if isinstance(answer, Answered) else None
    verdict = after_failure(release, call.attempts, status)
    return verdict if isinstance(verdict, Again) else ApiCallFailed(call.activity_id, verdict.reason)


def _read(release: Release, care_flow: CareFlow, call: TakenCall, body: bytes) -> ApiCallAnswered | ApiCallFailed:
    action = release.actions[care_flow.activities[call.activity_id].action_id]
    unsuitable = ApiCallFailed(call.activity_id, Reason.UNSUITABLE_ANSWER)
    if not isinstance(action, ApiCallAction) or not action.response:
        return ApiCallAnswered(call.activity_id, ())
    try:
        values = read_answer(release, action, orjson.loads(body))
    except (orjson.JSONDecodeError, RecursionError):
        return unsuitable
    return unsuitable if isinstance(values, NotAsExpected) else ApiCallAnswered(call.activity_id, values)


def _finished(tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Those that have ended. Raises what one of them raised."""
    ended = {task for task in tasks if task.done()}
    for task in ended:
        task.result()
    return ended
