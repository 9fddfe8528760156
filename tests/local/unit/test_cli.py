"""The command `carewire`: what each command says, what to do next, and what is said of every error."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from carewire_local import cli, errors
from carewire_local.errors import LocalError
from carewire_local.interrupts import Interrupts
from carewire_local.listen import Wish
from carewire_local.state import StateFolder


class Left(Exception):
    """The process would have ended here."""


@pytest.fixture(autouse=True)
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the signals of the test run alone, and end nothing."""

    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr(Interrupts, "install", lambda _: None)
    monkeypatch.setattr(cli, "leave", leave)


@pytest.fixture
def journeys(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, bool]]:
    played: list[tuple[Path, bool]] = []

    def run(folder: Path, *, stay: bool) -> int:
        played.append((folder, stay))
        return 0

    monkeypatch.setattr(cli, "import_module", lambda _: SimpleNamespace(run=run))
    return played


def failing_with(error: BaseException) -> Callable[[str], Any]:
    def run(_folder: Path, *, stay: bool) -> int:
        raise error

    return lambda _: SimpleNamespace(run=run)


class FakeStack:
    """Serves at once."""

    kafka_bootstrap = "127.0.0.1:9092"
    postgres_dsn = "postgresql://carewire:a b'c@127.0.0.1:5432/carewire"

    def __init__(self, folder: Path, *, report: Callable[[str], None]) -> None:
        self.state = SimpleNamespace(path=folder.absolute())
        self.report = report

    def __enter__(self) -> Self:
        self.report("fetching Kafka")
        return self

    def __exit__(self, *_: object) -> None:
        self.report("(down)")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C as soon as it is waited for."""

    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Event", Interrupted)
    monkeypatch.setattr(cli, "Stack", FakeStack)


@pytest.mark.parametrize(("command", "stays"), [("run", True), ("demo", False)])
def test_run_stays_up_and_demo_exits(journeys: list[tuple[Path, bool]], command: str, stays: bool) -> None:
    assert cli.main([command]) == 0
    assert journeys == [(Path(".carewire"), stays)]


def test_data_is_kept_where_the_user_says(journeys: list[tuple[Path, bool]], tmp_path: Path) -> None:
    cli.main(["demo", "--state", str(tmp_path)])
    assert journeys == [(tmp_path, False)]


@pytest.fixture
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the developer's commands were asked for."""
    asked: list[Any] = []

    def run(*wish: Any) -> int:
        asked.append(wish)
        return 3

    monkeypatch.setattr(cli, "import_module", lambda _: SimpleNamespace(run=run, Wish=Wish))
    return asked


@pytest.mark.parametrize(
    ("arguments", "wish"),
    [
        ([], Wish()),
        (["--forward-to", "http://localhost:3000/hooks"], Wish(forward_to="http://localhost:3000/hooks")),
        (["--events", "form.submitted, track.started,"], Wish(["form.submitted", "track.started"])),
        (["--port", "5000", "--via", "https://tunnel.example"], Wish(port=5_000, via="https://tunnel.example")),
    ],
    ids=["everything", "passed on", "some events", "through a tunnel"],
)
def test_listen_is_told_to_what_and_where(wishes: list[Any], arguments: list[str], wish: Wish) -> None:
    assert cli.main(["listen", *arguments]) == 3
    [(folder, asked)] = wishes
    assert folder == Path(".carewire")
    assert (list(asked.event_types), asked.forward_to, asked.port, asked.via) == (
        list(wish.event_types),
        wish.forward_to,
        wish.port,
        wish.via,
    )


def test_trigger_is_told_what_and_to_whom(wishes: list[Any], tmp_path: Path) -> None:
    assert cli.main(["trigger", "form.submitted", "--state", str(tmp_path)]) == 3
    cli.main(["trigger", "form.submitted", "--endpoint", "ep1"])
    assert wishes == [(tmp_path, "form.submitted", None), (Path(".carewire"), "form.submitted", "ep1")]


def test_up_prints_lines_for_the_shell_that_quote_what_a_shell_would_read(
    interrupted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Left):
        cli.main(["up", "--state", "data"])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "starting Kafka and Postgres ..."
    assert printed[1] == "fetching Kafka"
    assert printed[2].startswith("Kafka and Postgres serve, after ")
    assert printed[2].endswith(f"Data: {Path('data').absolute()}")
    assert "  export CAREWIRE_KAFKA_BOOTSTRAP=127.0.0.1:9092" in printed
    assert """  export CAREWIRE_POSTGRES_DSN='postgresql://carewire:a b'"'"'c@127.0.0.1:5432/carewire'""" in printed


def test_an_interrupt_takes_everything_down_first_and_then_says_so(
    interrupted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Left) as left:
        cli.main(["up"])
    assert left.value.args == (0,)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "(down)",
        "Stopped; nothing is left running. Start again at any time: the data is kept.",
    ]


def test_clean_removes_data_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = StateFolder(tmp_path / "data")
    state.hold()
    state.release()
    assert cli.main(["clean", "--state", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Removed the data in {tmp_path / 'data'}.",
        "Next: `carewire up` or `carewire run` starts afresh.",
    ]


def test_clean_without_data_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clean", "--state", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(f"Nothing to remove: there is no data in {tmp_path}.")


def test_clean_while_it_runs_is_refused_with_the_holder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = StateFolder(tmp_path)
    state.hold()
    assert cli.main(["clean", "--state", str(tmp_path)]) == 1
    assert f"is in use by process {os.getpid()} " in capsys.readouterr().err
    state.release()


ERRORS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, LocalError)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_is_one_message_on_stderr_and_exit_code_1(
    kind: type[LocalError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "import_module", failing_with(kind("what happened, and what to do about it")))
    assert cli.main(["demo"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "carewire: what happened, and what to do about it\n"
    assert captured.out == ""


def test_a_mistake_of_ours_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "import_module", failing_with(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["demo"])


@pytest.mark.parametrize(
    "arguments",
    [[], ["start"], ["up", "--port", "1"], ["trigger"]],
    ids=["none", "unknown", "unknown option", "without its event"],
)
def test_a_wrong_call_shows_how_it_is_used(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: carewire" in capsys.readouterr().err


def test_help_names_every_command_with_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    for line in (
        "up start Kafka and Postgres only",
        "run start everything with a sample care flow",
        "demo show one journey from webhook to signed delivery, then exit",
        "listen show events of what runs, or pass them on to a local URL",
        "trigger send an example event to the endpoint of `listen`, or to another",
        "clean remove the data of the local servers",
    ):
        assert line in printed
