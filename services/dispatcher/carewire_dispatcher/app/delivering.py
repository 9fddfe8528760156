"""The roles on the way of a delivery, which need no Postgres: `fan-out` and `worker`."""

from collections.abc import Sequence
from typing import Final

from carewire_contracts.topics import Topic
from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper
from carewire_dispatcher.adapters.fan_out import SPREADING, FanOut, fan_out_group, status_fan_out_group
from carewire_dispatcher.adapters.open_files import allow_open_files
from carewire_dispatcher.adapters.tenure import Means
from carewire_dispatcher.adapters.worker import Worker
from carewire_dispatcher.adapters.worker_processes import WorkerProcesses
from carewire_dispatcher.app.house import House
from carewire_dispatcher.domain.supersession import Claims, decode_claim
from carewire_runtime.errors import ConfigurationError
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.pace import LAZY, Pace
from carewire_runtime.kafka.producer import Producer

_WORKER_LINGER_MS: Final = 50
_EVENTS_AT_ONCE: Final = 1000
"""Of a dozen events that a care flow tells of, few are wanted: under load a batch of 200 would make deliveries of 20,
each to be written, fetched and begun apart. A thousand cost some milliseconds."""


def add_fan_out(house: House, producer: Producer) -> None:
    """Make deliveries of events.

    A request's statuses come in three pieces, and rarely does anyone subscribe to them, or to what is told of
    endpoints: they are read apart, and at leisure.
    """
    topics = house.topics
    statuses = [topics.incoming_webhooks, topics.endpoint_events]
    _add_consumer(house, producer, "fan-out", [topics.events], fan_out_group(topics), SPREADING)
    _add_consumer(house, producer, "status-fan-out", statuses, status_fan_out_group(topics), LAZY)


def _add_consumer(house: House, producer: Producer, name: str, topics: Sequence[Topic], group: str, pace: Pace) -> None:
    fan_out = FanOut(house.topics, house.endpoints, producer, house.clock)
    consumer = BatchConsumer(
        house.settings.kafka_bootstrap,
        [topic.name for topic in topics],
        group,
        fan_out.handle,
        max_records=_EVENTS_AT_ONCE,
        pace=pace,
        poison_limit=fan_out.poison_limit,
        clock=house.clock,
    )
    house.health.add(name, consumer.not_ready)
    house.components.append(consumer)


async def add_workers(house: House) -> None:
    """Make attempts: in this process, or in as many others as were asked for."""
    if house.settings.workers > 1:
        _add_processes(house)
    else:
        await _add_worker(house)


def _add_processes(house: House) -> None:
    settings = house.settings
    if settings.http_port == 0:
        raise ConfigurationError("CAREWIRE_HTTP_PORT: give a port; workers listen on those that follow it")
    workers = WorkerProcesses(settings.workers, settings.http_host, settings.http_port)
    house.health.add("workers", workers.not_ready)
    house.components.append(workers)


async def _add_worker(house: House) -> None:
    # Nobody waits for what a worker writes: its next hops are due in seconds, the rest is for the log.
    producer = await house.producer("worker-producer", _WORKER_LINGER_MS, room=0)
    allow_open_files()
    settings, claims = house.settings, Claims()
    endpoints, sender = house.endpoints, house.sender()
    repairs = house.table("repairs", house.topics.repairs, decode_claim)
    repairs.on_change(claims.put)
    means = Means(
        settings.kafka_bootstrap,
        house.topics,
        producer,
        sender,
        AnswerKeeper(settings.keyring, settings.answers_kept, settings.answer_body_bytes),
        endpoints,
        house.breakers,
        repairs,
        claims,
        settings.time_scale,
        house.clock,
    )
    worker = Worker(means)
    house.health.add("worker", worker.not_ready)
    house.components.append(worker)
