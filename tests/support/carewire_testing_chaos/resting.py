"""What has to come to nothing at the end of a campaign."""

from collections.abc import Iterable
from typing import Any, Final

import asyncpg

from carewire_contracts.topics import Topic
from carewire_dispatcher.adapters.attempt_log import attempt_log_group
from carewire_dispatcher.adapters.fan_out import fan_out_group, status_fan_out_group
from carewire_runtime.kafka.admin import committed
from carewire_testing_chaos.history import Left
from carewire_testing_chaos.house import House
from carewire_testing_dispatcher.positions import alive, ends

_ROWS: Final = {
    "rows of the orchestrator's outbox": "select count(*) from orchestrator.outbox",
    "records set aside": "select count(*) from orchestrator.outbox_set_aside",
    "timers": "select count(*) from orchestrator.timer",
    "rows of ingress' outbox": "select count(*) from ingress.outbox",
    "rows of the dispatcher's outbox": "select count(*) from dispatcher.outbox",
    "deliveries that are still tried": "select count(*) from dispatcher.delivery where status = 'retrying'",
}


async def left(house: House) -> list[Left]:
    """Count all of it."""
    bootstrap, topics = house.stack.kafka_bootstrap, house.topics
    logged = (topics.requests, topics.refused, topics.incoming_webhooks)
    groups: dict[str, Iterable[Topic]] = {
        "orchestrator": [topics.requests],
        "carewire.ingress.log-writer": logged,
        fan_out_group(topics): [topics.events],
        status_fan_out_group(topics): [topics.incoming_webhooks, topics.endpoint_events],
        attempt_log_group(topics): [topics.attempts],
    }
    found = [
        Left(f"records behind which {group} is", await _behind(bootstrap, group, groups[group])) for group in groups
    ]
    found.append(Left("deliveries in lanes and retry topics", await alive(bootstrap, topics)))
    dead = await ends(bootstrap, [topics.ingress_dead, topics.orchestrator_dead, topics.dispatcher_dead])
    found.append(Left("dead letters", sum(dead.values())))
    return found + await _rows(house.stack.postgres_dsn)


async def waited_for(house: House) -> list[Left]:
    """Count what is still waited for: of what costs Kafka nothing to say, and of all where that is nothing."""
    rows = await _rows(house.stack.postgres_dsn)
    return rows if any(one.count for one in rows) else await left(house)


async def _behind(bootstrap: str, group: str, topics: Iterable[Topic]) -> int:
    positions, last = await committed(bootstrap, group), await ends(bootstrap, topics)
    return sum(end - positions.get(place, (0, ""))[0] for place, end in last.items())


async def _rows(dsn: str) -> list[Left]:
    connection: Any = await asyncpg.connect(dsn)
    try:
        return [Left(what, int(await connection.fetchval(query))) for what, query in _ROWS.items()]
    finally:
        await connection.close()
