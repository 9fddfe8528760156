"""The archive that makes Kafka start quickly."""

import shutil
from pathlib import Path

from carewire_local.cache import cache_folder
from carewire_local.jars import KAFKA_VERSION, locked_jars, provide, repository_url
from carewire_local.java import find_java
from carewire_local.kafka_server import KafkaServer
from carewire_local.ports import Ports
from carewire_local.progress import Report
from carewire_local.quick_start import quick_start_options
from carewire_local.state import StateFolder


def _jars(report: Report) -> list[Path]:
    return provide(locked_jars(), cache_folder() / f"kafka-{KAFKA_VERSION}", repository_url(), report)


def test_a_damaged_archive_costs_speed_and_nothing_else(stack_folder: Path, report: Report) -> None:
    jars = _jars(report)
    options = quick_start_options(find_java(), jars, report)
    archive = Path(options[0].partition("=")[2])
    state = StateFolder(stack_folder)
    state.hold()
    damaged = stack_folder / "damaged.aot"
    shutil.copy(archive, damaged)
    with damaged.open("r+b") as opened:
        opened.seek(archive.stat().st_size // 2)
        opened.write(b"\x00damaged" * 100_000)
    ports = Ports(state)
    server = KafkaServer(
        state,
        find_java(),
        jars,
        ports.choose("kafka"),
        ports.choose("kafka_controller"),
        [f"-XX:AOTCache={damaged}", *options[1:]],
    )
    try:
        server.start()
        assert server.alive
    finally:
        server.stop()
        ports.release()
        state.release()


def test_a_java_that_cannot_keep_an_archive_starts_without(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch()
    assert quick_start_options(java, [tmp_path / "kafka.jar"], lambda _: None) == []
