"""The settings of the local broker: one node in KRaft mode, quick to come back, cheap when idle."""

from collections.abc import Mapping
from pathlib import Path

SESSION_TIMEOUT_MS = 2_000  # a killed broker cannot register again before its old session has ended
HEARTBEAT_INTERVAL_MS = 660  # a third of it: each heartbeat costs CPU, also when nothing else happens
OFFSETS_RETENTION_MINUTES = 7 * 24 * 60


def broker_properties(data: Path, port: int, controller_port: int) -> dict[str, str]:
    """Return the settings of a broker that listens on loopback and keeps its data in `data`.

    The broker's documentation explains each: https://kafka.apache.org/documentation/#brokerconfigs
    """
    return {**_identity(data, port, controller_port), **_ONE_NODE, **_QUICK_RETURN, **_HOUSE_RULES, **_CHEAP_IDLE}


def _identity(data: Path, port: int, controller_port: int) -> dict[str, str]:
    return {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
    }


_ONE_NODE = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
}

_QUICK_RETURN = {
    "broker.session.timeout.ms": str(SESSION_TIMEOUT_MS),
    "broker.heartbeat.interval.ms": str(HEARTBEAT_INTERVAL_MS),
    "group.initial.rebalance.delay.ms": "0",
}

_HOUSE_RULES = {
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    "log.message.timestamp.type": "LogAppendTime",
    "log.cleaner.backoff.ms": "2000",  # compacted topics are read at every start: keep them short
    "offsets.retention.minutes": str(OFFSETS_RETENTION_MINUTES),
}

_CHEAP_IDLE = {
    "metadata.max.idle.interval.ms": "5000",  # how often an idle controller writes a no-op record
    "kafka.metrics.polling.interval.secs": "60",
    "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    "background.threads": "2",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "group.coordinator.threads": "1",
}


def as_text(properties: Mapping[str, str]) -> str:
    """Write the settings in the format of a Java properties file."""
    return "".join(f"{key}={_escape(value)}\n" for key, value in properties.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\")
