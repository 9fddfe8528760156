"""The attempt log and the endpoints of a test, on its database."""

from datetime import timedelta
from typing import Any, cast

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.attempt_log import AttemptLog
from carewire_dispatcher.adapters.endpoint_judge import EndpointJudge
from carewire_dispatcher.adapters.endpoint_news import EndpointNews
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.domain.failing import FailingPolicy
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database
from carewire_runtime.sealing import Keyring

KEYRING = Keyring.parse(Keyring.generate())
NEWS = EndpointNews(Topics(), "north-clinic")
STAFF = Principal("019cad9d-dd48-7000-8000-0000000000aa", "staff", Role.ADMIN)


def an_endpoint_store(db: Database, keyring: Keyring = KEYRING, clock: Clock | None = None) -> EndpointStore:
    """Endpoints whose changes no relay waits for."""
    return EndpointStore(db, keyring, Topics(), NEWS, clock or SystemClock(), lambda: None)


def an_attempt_log(db: Database, clock: Clock, dead_topic: Any = None) -> AttemptLog:
    """A writer of the log; what it cannot read goes to `dead_topic`, a producer or what plays one."""
    judge = EndpointJudge(db, an_endpoint_store(db), NEWS, FailingPolicy(), clock)
    producer = cast("Producer", dead_topic or Producer("localhost:1", "never started"))
    return AttemptLog(db, LogDays(db, timedelta(days=30), clock), judge, producer, Topics(), clock)
