"""The servers of one state folder: Kafka and Postgres, started side by side, or the user's own."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from carewire_local.cache import cache_folder
from carewire_local.jars import KAFKA_VERSION, locked_jars, provide, repository_url
from carewire_local.java import find_java
from carewire_local.kafka_server import KafkaServer
from carewire_local.ports import Ports
from carewire_local.postgres_place import find_place
from carewire_local.postgres_server import PostgresServer
from carewire_local.progress import Report, silent
from carewire_local.quick_start import quick_start_options
from carewire_local.reachable import require_kafka, require_postgres
from carewire_local.state import StateFolder

USUAL_KAFKA_PORT = 9092
USUAL_CONTROLLER_PORT = 9093
USUAL_POSTGRES_PORT = 5432


class Stack:
    """Kafka and Postgres of one state folder. Use it as a context manager, or call `up` and `down`.

    A server that the environment points to (CAREWIRE_KAFKA_BOOTSTRAP, CAREWIRE_POSTGRES_DSN) is not started;
    `kafka` or `postgres` is None then.
    """

    def __init__(self, folder: Path, *, report: Report = silent, durable: bool = True) -> None:
        self.state = StateFolder(folder)
        self.ports = Ports(self.state)
        self.kafka: KafkaServer | None = None
        self.postgres: PostgresServer | None = None
        self._report = report
        self._durable = durable

    @property
    def kafka_bootstrap(self) -> str:
        """The address of the broker."""
        return self.kafka.bootstrap if self.kafka else os.environ["CAREWIRE_KAFKA_BOOTSTRAP"]

    @property
    def postgres_dsn(self) -> str:
        """The address of the database, with the password."""
        return self.postgres.dsn if self.postgres else os.environ["CAREWIRE_POSTGRES_DSN"]

    def up(self) -> None:
        """Start what is not the user's own, and return when everything serves.

        Raises StateHeld, JavaMissing, DistributionUnavailable, ChecksumMismatch, PlaceUnusable, ServerFailed or
        ServerUnreachable; nothing is left running then.
        """
        self.state.hold()
        try:
            with ThreadPoolExecutor(2) as pool:
                starts = [pool.submit(self._start_kafka), pool.submit(self._start_postgres)]
            for start in starts:
                start.result()
        except BaseException:
            self.down()
            raise

    def _start_kafka(self) -> None:
        bootstrap = os.environ.get("CAREWIRE_KAFKA_BOOTSTRAP")
        if bootstrap:
            require_kafka(bootstrap)
            return
        java = find_java()
        jars = provide(locked_jars(), cache_folder() / f"kafka-{KAFKA_VERSION}", repository_url(), self._report)
        port = self.ports.choose("kafka", USUAL_KAFKA_PORT)
        controller_port = self.ports.choose("kafka_controller", USUAL_CONTROLLER_PORT)
        options = quick_start_options(java, jars, self._report)
        self.kafka = KafkaServer(self.state, java, jars, port, controller_port, options)
        self.kafka.start()

    def _start_postgres(self) -> None:
        dsn = os.environ.get("CAREWIRE_POSTGRES_DSN")
        if dsn:
            require_postgres(dsn)
            return
        port = self.ports.choose("postgres", USUAL_POSTGRES_PORT)
        self.postgres = PostgresServer(self.state, find_place(self.state), port, durable=self._durable)
        self.postgres.start()

    def down(self) -> None:
        """Stop Kafka, then Postgres, and give ports and folder back. Harmless when nothing runs.

        Each step is taken even if one before it fails.
        """
        with ExitStack() as steps:
            steps.callback(self.state.release)
            steps.callback(self.ports.release)
            for server in (self.postgres, self.kafka):
                if server is not None:
                    steps.callback(server.stop)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
