"""Every topic of Carewire: its name, its partition count, its key, its retention, who writes and who reads it.

All topics are stamped by the broker (`LogAppendTime`), so that a stepped clock of ours can neither make
the broker refuse a record nor keep one too long. A partition count never changes in place: keys would move
to other partitions and order would break. Growing is a new topic, a drain and a switch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Lane = Literal["fast", "bulk"]

LANES: Final[tuple[Lane, ...]] = ("fast", "bulk")
TIERS: Final = (2, 8, 32, 128, 512, 2048, 8192, 32768)
"""Seconds that a record waits in each retry topic: powers of four from 2 s, so that any wait of up to 24 h is
a short walk down the tiers (24 h = 86,400 s = 2 x 32,768 + 2 x 8,192 + 2 x 2,048 + ...)."""

FOREVER: Final = -1
_MIB: Final = 1024 * 1024
_DAY_MS: Final = int(timedelta(days=1).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic and all that its creation needs. `retention_ms` is FOREVER where nothing expires by age."""

    name: str
    partitions: int
    key: str
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = 7 * _DAY_MS
    segment_bytes: int = 64 * _MIB
    more: tuple[tuple[str, str], ...] = ()

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's own words."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "segment.bytes": str(self.segment_bytes),
            "message.timestamp.type": "LogAppendTime",
            **dict(self.more),
        }


# A table must stay short, or a replica's start reads history: compact as soon as a fifth of it is stale.
_TABLE: Final = (("min.cleanable.dirty.ratio", "0.2"), ("delete.retention.ms", str(_DAY_MS)))

# A request carries its raw body (up to 2 MiB, 4/3 of that in base64) and the values that were mapped from it.
_BIG_RECORDS: Final = (("max.message.bytes", str(8 * _MIB)),)


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one deployment.

    `prefix` stands before each name, so that several deployments can share a cluster; `partitions` is the
    count of every partitioned topic (equal counts let one worker own the same partition number everywhere);
    `events_retention` is how long downstream teams can replay.
    """

    prefix: str = ""
    partitions: int = 12
    events_retention: timedelta = timedelta(days=30)

    def _log(
        self, name: str, key: str, retention_ms: int = 7 * _DAY_MS, more: tuple[tuple[str, str], ...] = ()
    ) -> Topic:
        return Topic(self.prefix + name, self.partitions, key, retention_ms=retention_ms, more=more)

    def _table(self, name: str, key: str) -> Topic:
        return Topic(self.prefix + name, 1, key, cleanup="compact", retention_ms=FOREVER, more=_TABLE)

    @property
    def _events_retention_ms(self) -> int:
        return int(self.events_retention.total_seconds() * 1000)

    @property
    def requests(self) -> Topic:
        """Accepted requests. Written by ingress; read by the orchestrator and the request log writer."""
        return self._log("ingress.requests", key="request id", more=_BIG_RECORDS)

    @property
    def refused(self) -> Topic:
        """REJECTED and TEST requests with their reasons. Written by ingress, read by the request log writer."""
        return self._log("ingress.refused", key="request id", more=_BIG_RECORDS)

    @property
    def webhooks(self) -> Topic:
        """Incoming-webhook configuration, secrets encrypted. Written by ingress, read by each ingress replica."""
        return self._table("ingress.webhooks", key="webhook id")

    @property
    def catalogue(self) -> Topic:
        """Live releases and registered identifier systems. Written by the orchestrator, read by ingress."""
        return self._table("orchestrator.catalogue", key="definition/ID or identifier-system/URI")

    @property
    def events(self) -> Topic:
        """The public domain events. Written by the orchestrator; read by the dispatcher and by anyone."""
        return self._log("carewire.events", key="patient id", retention_ms=self._events_retention_ms)

    @property
    def incoming_webhooks(self) -> Topic:
        """The public status events of requests. Written by the orchestrator and the request log writer."""
        return self._log("carewire.incoming-webhooks", key="request id", retention_ms=self._events_retention_ms)

    @property
    def endpoint_events(self) -> Topic:
        """The public events of endpoints that fail or recover. Written by the dispatcher; read by it and by anyone."""
        return self._log("carewire.endpoints", key="endpoint id", retention_ms=self._events_retention_ms)

    @property
    def endpoints(self) -> Topic:
        """Endpoint configuration, secrets encrypted. Written by the dispatcher; read by fan-out and workers."""
        return self._table("dispatcher.endpoints", key="endpoint id")

    @property
    def health(self) -> Topic:
        """Endpoints that are left alone for failing. Written by workers, read by whoever takes over from them."""
        return self._table("dispatcher.health", key="endpoint id")

    @property
    def repairs(self) -> Topic:
        """Repairs that supersede what is still on its way. Written by the dispatcher's repairs, read by its workers."""
        return self._table("dispatcher.repairs", key="repair id")

    def deliveries(self, lane: Lane) -> Topic:
        """Deliveries that are due. Written by fan-out and workers, read by the owner of the partition."""
        return self._wheel(f"dispatcher.{lane}.deliveries")

    def tier(self, lane: Lane, seconds: int) -> Topic:
        """Deliveries that wait at least `seconds`, one of TIERS. Written and read by workers."""
        if seconds not in TIERS:
            raise ValueError(f"there is no retry topic of {seconds} s; the tiers are {TIERS}")
        return self._wheel(f"dispatcher.{lane}.retry.{seconds}s")

    def _wheel(self, name: str) -> Topic:
        # Nothing expires by age: a delivery may be the last one of its endpoint. Workers purge what is done.
        return Topic(self.prefix + name, self.partitions, "endpoint id", retention_ms=FOREVER, segment_bytes=16 * _MIB)

    @property
    def attempts(self) -> Topic:
        """Each HTTP attempt and each end of a delivery. Written by workers, read by the attempt log writer."""
        return self._log("dispatcher.attempts", key="endpoint id")

    @property
    def ingress_dead(self) -> Topic:
        """Records that ingress could not process, each with a reason. Read by operators."""
        return self._log("ingress.dead", key="as the source", retention_ms=FOREVER, more=_BIG_RECORDS)

    @property
    def orchestrator_dead(self) -> Topic:
        """Records that the orchestrator could not process, each with a reason. Read by operators."""
        return self._log("orchestrator.dead", key="as the source", retention_ms=FOREVER, more=_BIG_RECORDS)

    @property
    def dispatcher_dead(self) -> Topic:
        """Records that the dispatcher could not process, each with a reason. Read by operators."""
        return self._log("dispatcher.dead", key="as the source", retention_ms=FOREVER)

    def ingress(self) -> tuple[Topic, ...]:
        """Topics that ingress needs: its own and those that it shares."""
        shared = (self.catalogue, self.incoming_webhooks)
        return (self.requests, self.refused, self.webhooks, self.ingress_dead, *shared)

    def orchestrator(self) -> tuple[Topic, ...]:
        """Topics that the orchestrator needs: its own and those that it shares."""
        return (self.requests, self.catalogue, self.events, self.incoming_webhooks, self.orchestrator_dead)

    def dispatcher(self) -> tuple[Topic, ...]:
        """Topics that the dispatcher needs: its own, the two lanes' wheels, and those that it shares."""
        shared = (self.events, self.incoming_webhooks, self.endpoint_events)
        return (self.endpoints, self.health, self.repairs, self.attempts, self.dispatcher_dead, *self._lanes(), *shared)

    def _lanes(self) -> Iterator[Topic]:
        for lane in LANES:
            yield self.deliveries(lane)
            for seconds in TIERS:
                yield self.tier(lane, seconds)

    def all(self) -> tuple[Topic, ...]:
        """Every topic, each once."""
        return tuple(dict.fromkeys((*self.ingress(), *self.orchestrator(), *self.dispatcher())))
