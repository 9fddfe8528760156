"""The settings of the local broker."""

from pathlib import Path

from carewire_local.kafka_properties import as_text, broker_properties

SETTINGS = broker_properties(Path("/data"), 9092, 9093)


def test_the_broker_keeps_the_rules_of_the_house() -> None:
    assert SETTINGS["log.message.timestamp.type"] == "LogAppendTime"
    assert SETTINGS["auto.create.topics.enable"] == "false"
    assert SETTINGS["offsets.retention.minutes"] == "10080"


def test_the_broker_listens_on_loopback_only() -> None:
    assert SETTINGS["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"


def test_heartbeats_come_at_least_three_times_a_session() -> None:
    assert int(SETTINGS["broker.heartbeat.interval.ms"]) * 3 <= int(SETTINGS["broker.session.timeout.ms"])


def test_a_backslash_in_a_path_survives_the_properties_format() -> None:
    assert as_text({"log.dirs": "a\\b"}) == "log.dirs=a\\\\b\n"
