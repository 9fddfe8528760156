"""The archive for quick starts: made once for each Java and jars, and never a reason not to start."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from carewire_local import quick_start
from carewire_local.cache import taking_turns
from carewire_local.errors import ServerFailed
from carewire_local.quick_start import quick_start_options
from carewire_local.state import StateFolder


class Machine:
    """A Java with its image of modules, two jars, and brokers that write an archive when they stop."""

    def __init__(self, folder: Path) -> None:
        self.java = folder / "jdk" / "bin" / "java"
        self.image = folder / "jdk" / "lib" / "modules"
        self.release = folder / "jdk" / "release"
        self.jars = [folder / "jars" / name for name in ("kafka.jar", "clients.jar")]
        for file in (self.java, self.image, self.release, *self.jars):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file.name)
        self.release.write_text('JAVA_VERSION="25.0.2"\n')
        self.events: list[str] = []
        self.told: list[str] = []
        self.folders: list[Path] = []
        self.fails = False
        self.keeps_archives = True

    def options(self) -> list[str]:
        return quick_start_options(self.java, self.jars, self.told.append)

    def archives(self) -> list[str]:
        return sorted(path.name for path in self.jars[0].parent.glob("*.aot*"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)

    class Broker:
        def __init__(
            self, state: StateFolder, _java: Path, _jars: Sequence[Path], *_ports: int | Sequence[str]
        ) -> None:
            made.folders.append(state.path)
            options = _ports[2] if len(_ports) == 3 else ()
            assert not isinstance(options, int)
            self._output = next((word.partition("=")[2] for word in options if "AOTCacheOutput" in word), None)

        def prepare(self) -> None:
            made.events.append("prepare")

        def start(self) -> None:
            made.events.append("start")
            if made.fails:
                raise ServerFailed("did not serve")

        def stop(self, deadline_s: float) -> None:
            made.events.append(f"stop within {deadline_s:g} s")
            if self._output and made.keeps_archives:
                Path(self._output).write_text("classes")

    monkeypatch.setattr(quick_start, "KafkaServer", Broker)
    return made


def test_the_first_time_a_short_run_records_the_archive_and_says_so(machine: Machine) -> None:
    options = machine.options()
    assert machine.told == ["preparing Kafka for quick starts (once, about 15 s)"]
    assert machine.events == ["prepare", "start", "stop within 120 s"]
    (name,) = machine.archives()
    assert options == [
        f"-XX:AOTCache={machine.jars[0].parent / name}",
        "-XX:+VerifySharedSpaces",
        "-Xlog:disable",
    ]


def test_later_times_use_it_and_say_nothing(machine: Machine) -> None:
    first = machine.options()
    machine.told.clear()
    machine.events.clear()
    assert machine.options() == first
    assert machine.told == machine.events == []


def test_the_run_that_records_uses_a_throw_away_folder(machine: Machine) -> None:
    machine.options()
    assert machine.folders
    assert not any(folder.exists() for folder in machine.folders)
    assert not any(folder.is_relative_to(machine.jars[0].parent) for folder in machine.folders)


@pytest.mark.parametrize("changed", ["image", "jar"])
def test_another_java_or_other_jars_get_an_archive_of_their_own(machine: Machine, changed: str) -> None:
    first = machine.options()
    file = machine.image if changed == "image" else machine.jars[1]
    os.utime(file, (1, 1))
    assert machine.options() != first
    assert len(machine.archives()) == 2


def test_a_broker_that_does_not_start_leaves_a_mark_so_that_it_is_not_tried_each_time(machine: Machine) -> None:
    machine.fails = True
    assert machine.options() == []
    assert machine.told[-1] == "Kafka could not be prepared for quick starts; it starts without"
    machine.events.clear()
    assert machine.options() == []
    assert machine.events == []
    assert not any(folder.exists() for folder in machine.folders)


def test_a_java_that_writes_no_archive_is_not_asked_again(machine: Machine) -> None:
    machine.keeps_archives = False
    assert machine.options() == []
    machine.events.clear()
    assert machine.options() == []
    assert machine.events == []


def test_no_half_written_archive_is_ever_used(machine: Machine) -> None:
    machine.options()
    assert [name for name in machine.archives() if not name.endswith(".aot")] == []


@pytest.mark.parametrize("release", ['JAVA_VERSION="21.0.4"\n', 'JAVA_VERSION="17"\n', ""])
def test_an_older_java_starts_without(machine: Machine, release: str) -> None:
    machine.release.write_text(release)
    assert machine.options() == []
    assert machine.events == []


def test_a_java_without_a_release_file_starts_without(machine: Machine) -> None:
    machine.release.unlink()
    assert machine.options() == []


def test_who_waited_for_its_turn_uses_what_the_other_made(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = machine.options()
    archive = Path(first[0].partition("=")[2])
    content = archive.read_text()
    archive.unlink()
    machine.events.clear()
    turns = taking_turns

    def other_was_quicker(folder: Path) -> object:
        archive.write_text(content)
        return turns(folder)

    monkeypatch.setattr(quick_start, "taking_turns", other_was_quicker)
    assert machine.options() == first
    assert machine.events == []
