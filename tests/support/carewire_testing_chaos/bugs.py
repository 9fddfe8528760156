"""Bugs that are planted into services as they start, to see that a campaign finds them. None is in the product."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from carewire_runtime.ids import new_id

_TOO_LATE_S: Final = 2.0
"""Longer than the half second after which what is finished gets committed."""
_LATE_S: Final = 0.3
"""Several times as long as a batch of starts takes."""


def commit_before_produce() -> None:
    """Fan-out says that a batch is finished, and writes its deliveries afterwards."""
    from carewire_dispatcher.adapters.fan_out import FanOut

    handle, later = FanOut.handle, set[asyncio.Task[None]]()

    async def write(fan_out: FanOut, records: list[Any]) -> None:
        await asyncio.sleep(_TOO_LATE_S)
        await handle(fan_out, records)

    async def hasty(fan_out: FanOut, records: list[Any]) -> None:
        task = asyncio.create_task(write(fan_out, records))
        later.add(task)
        task.add_done_callback(later.discard)

    _replace(FanOut, "handle", hasty)


def no_unique_start_key() -> None:
    """The orchestrator takes each request for the first one of its key."""
    from carewire_orchestrator.adapters.request_consumer import RequestConsumer

    read = RequestConsumer._call

    def forgetful(consumer: RequestConsumer, record: Any) -> Any:
        call = read(consumer, record)
        if call is None:
            return None
        return dataclasses.replace(call, request=dataclasses.replace(call.request, start_key=new_id()))

    _replace(RequestConsumer, "_call", forgetful)


def no_fork_collapse() -> None:
    """Workers take no record for a copy, so that each repeat of one lives on beside it."""
    from carewire_dispatcher.domain.fork_collapse import ForkCollapse

    _replace(ForkCollapse, "is_copy", lambda *_: False)


def identifier_logged() -> None:
    """The orchestrator writes into its log whom a request is about."""
    from carewire_orchestrator.adapters.request_consumer import RequestConsumer
    from carewire_runtime.telemetry.logs import logger

    read, log = RequestConsumer._call, logger("planted")

    def talkative(consumer: RequestConsumer, record: Any) -> Any:
        call = read(consumer, record)
        if call is not None and call.request.identifiers:
            log.info("request_taken", reason=call.request.identifiers[0].value)
        return call

    _replace(RequestConsumer, "_call", talkative)


def cursor_relay() -> None:
    """The relay goes on after the last position that it has seen, so what is committed behind it is never told.

    Commits are some tenths of a second late here, each by another time, as where they wait for a second server: between
    two processes that are equally quick, hardly one is ever committed behind another.
    """
    from carewire_runtime.postgres.pool import Database
    from carewire_runtime.postgres.relay import Relay

    publish, transaction, cursors = Relay._publish, Database.transaction, dict[int, int]()

    @asynccontextmanager
    async def committed_late(database: Database) -> AsyncIterator[Any]:
        async with transaction(database) as connection:
            yield connection
            await asyncio.sleep(random.uniform(0.0, _LATE_S))

    async def onwards(relay: Relay, connection: Any) -> int:
        cursor = cursors.get(id(relay), 0)
        await connection.execute("delete from outbox where position < $1", cursor)
        published = await publish(relay, connection)
        cursors[id(relay)] = max([cursor, *relay._published])
        return published

    _replace(Relay, "_publish", onwards)
    _replace(Database, "transaction", committed_late)


def one_at_a_time() -> None:
    """A worker calls one endpoint after the other, so that all wait for the one that never answers."""
    from carewire_dispatcher.adapters.delivery_client.sender import DeliveryClient
    from carewire_dispatcher.adapters.sender import Call, CallTask, Carried, Over

    turn = asyncio.Lock()

    async def patient(client: DeliveryClient, call: Call) -> Any:
        async with turn:
            return await client.send(call)

    def begin(client: DeliveryClient, call: Call, over: Over) -> Carried:
        return CallTask(patient(client, call), over)

    _replace(DeliveryClient, "begin", begin)


def bulk_lane_off() -> None:
    """Nothing takes the bulk lane: what is beyond an endpoint's quota, or can't go now, waits in the fast one."""
    from carewire_dispatcher.adapters import fan_out, mill
    from carewire_dispatcher.domain.admission import Admitted
    from carewire_dispatcher.domain.decide import Decision, Divert, Hold, decide

    def wait(*arguments: Any, **further: Any) -> Decision:
        decision = decide(*arguments, **further)
        return Hold(decision.delivery.due_at) if isinstance(decision, Divert) else decision

    _replace(mill, "decide", wait)
    _replace(fan_out, "admit", lambda _now, _endpoint, used_until: Admitted("fast", used_until))


def _replace(owner: Any, name: str, by: Any) -> None:
    setattr(owner, name, by)


BUGS: Final[dict[str, Callable[[], None]]] = {
    "commit-before-produce": commit_before_produce,
    "no-unique-start-key": no_unique_start_key,
    "no-fork-collapse": no_fork_collapse,
    "identifier-logged": identifier_logged,
    "cursor-relay": cursor_relay,
    "one-at-a-time": one_at_a_time,
    "bulk-lane-off": bulk_lane_off,
}
"""By their names."""

STRUCK_IN: Final = {
    "commit-before-produce": "dispatcher",
    "no-unique-start-key": "orchestrator",
    "no-fork-collapse": "dispatcher",
    "identifier-logged": "orchestrator",
    "cursor-relay": "orchestrator",
    "one-at-a-time": "dispatcher",
    "bulk-lane-off": "dispatcher",
}
"""The service that has the bug; the others are well."""
