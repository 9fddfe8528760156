"""The roles behind the deliveries, which work on Postgres: `attempt-log` and `repair`."""

from carewire_dispatcher.adapters.attempt_log import AttemptLog, attempt_log_group
from carewire_dispatcher.adapters.endpoint_judge import EndpointJudge
from carewire_dispatcher.adapters.endpoint_lookup import endpoint_lookup
from carewire_dispatcher.adapters.heartbeats import Heartbeats
from carewire_dispatcher.adapters.repair_runner import RepairRunner
from carewire_dispatcher.adapters.repair_step import RepairStep
from carewire_dispatcher.app.house import House
from carewire_dispatcher.domain.failing import FailingPolicy
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.pace import LAZY
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database


def add_attempt_log(house: House, db: Database, producer: Producer) -> None:
    """Write what workers tell, judge endpoints by it, and tell receivers what was handed out to them."""
    settings, topics, clock, store = house.settings, house.topics, house.clock, house.store(db)
    judge = EndpointJudge(db, store, house.news(), FailingPolicy(settings.time_scale), clock)
    log = AttemptLog(db, house.log_days(db), judge, producer, topics, clock)
    consumer = BatchConsumer(
        settings.kafka_bootstrap,
        [topics.attempts.name],
        attempt_log_group(topics),
        log.handle,
        max_records=500,
        pace=LAZY,
        poison_limit=log.poison_limit,
        clock=clock,
    )
    house.health.add("attempt-log", consumer.not_ready)
    heartbeats = Heartbeats(db, store, settings.keyring, topics, settings.tenant_id, clock)
    house.components += [consumer, heartbeats]


def add_repair(house: House, db: Database, producer: Producer) -> None:
    """Run repairs."""
    settings, topics, clock = house.settings, house.topics, house.clock
    endpoint_of = endpoint_lookup(house.store(db), settings.keyring)
    step = RepairStep(
        db, settings.kafka_bootstrap, topics, producer, endpoint_of, house.reach(), house.log_days(db), clock
    )
    house.components.append(RepairRunner(db, step, topics, clock))
