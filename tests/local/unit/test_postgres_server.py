"""How the database is prepared and run: made whole or not at all, private, silent about what it holds."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carewire_local import postgres_server
from carewire_local.errors import ServerFailed
from carewire_local.postgres_place import Place
from carewire_local.postgres_server import PostgresServer
from carewire_local.processes import Identity
from carewire_local.spawner import Command, User
from carewire_local.state import StateFolder


class Tools:
    """Stands in for initdb and the single-user server; `initdb` makes the folder that it is told."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.texts: list[str] = []
        self.passwords: list[str] = []
        self.fails_at: str | None = None

    def __call__(self, command: Command, failure: str, text: str = "") -> None:
        self.commands.append(command)
        self.texts.append(text)
        program, words = Path(command.argv[0]).name, list(command.argv)
        if program == "initdb":
            Path(words[words.index("-D") + 1]).mkdir()
            (file,) = (word.partition("=")[2] for word in words if word.startswith("--pwfile="))
            self.passwords.append(Path(file).read_text())
        if program == self.fails_at:
            raise ServerFailed(failure)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    stand_in = Tools()
    monkeypatch.setattr(postgres_server, "run_to_its_end", stand_in)
    return stand_in


def server(folder: Path, *, durable: bool = True, user: User | None = None) -> PostgresServer:
    place = Place(Path("/programs"), folder / "postgres", user)
    return PostgresServer(StateFolder(folder), place, 5432, durable=durable)


def settings(command: Command) -> dict[str, str]:
    words = list(command.argv)
    return dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "-c")


def test_the_address_has_the_password_that_the_state_folder_keeps(tmp_path: Path) -> None:
    password = StateFolder(tmp_path).secret("postgres_password")
    assert server(tmp_path).dsn == f"postgresql://carewire:{password}@127.0.0.1:5432/carewire"
    assert server(tmp_path).dsn == server(tmp_path).dsn


def test_it_listens_on_loopback_alone_and_its_socket_is_private(tmp_path: Path) -> None:
    found = settings(server(tmp_path).command())
    assert found["listen_addresses"] == "127.0.0.1"
    assert found["port"] == "5432"
    assert found["unix_socket_permissions"] == "0700"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_min_error_statement", "panic"),
        ("log_error_verbosity", "terse"),
        ("log_parameter_max_length_on_error", "0"),
    ],
)
def test_its_log_holds_no_statement_no_row_and_no_parameter(tmp_path: Path, name: str, value: str) -> None:
    assert settings(server(tmp_path).command())[name] == value


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_a_throw_away_database_does_without_the_disk(tmp_path: Path, durable: bool, fsync: str) -> None:
    assert settings(server(tmp_path, durable=durable).command())["fsync"] == fsync


def test_a_path_too_long_for_a_socket_leaves_the_socket_out(tmp_path: Path) -> None:
    short = PostgresServer(StateFolder(tmp_path), Place(Path("/p"), Path("/s"), None), 5432)
    long = PostgresServer(StateFolder(tmp_path), Place(Path("/p"), Path("/") / ("s" * 90), None), 5432)
    assert settings(short.command())["unix_socket_directories"] == "/s/socket"
    assert settings(long.command())["unix_socket_directories"] == ""


def test_at_its_owner_s_death_it_ends_its_own_children_too(tmp_path: Path) -> None:
    command = server(tmp_path).command()
    assert command.death_signal is signal.SIGQUIT
    assert PostgresServer.ordered_stop is signal.SIGINT


@pytest.mark.parametrize("name", ["PGDATA", "PGPORT", "PGPASSWORD", "LC_ALL", "LC_MESSAGES"])
def test_the_user_s_own_settings_do_not_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "theirs")
    env = server(tmp_path).command().env
    assert env.get(name, "none") != "theirs"
    assert env["LC_ALL"] == "C"


def test_it_runs_as_the_user_of_its_place(tmp_path: Path) -> None:
    nobody = User("nobody", 65534, 65534)
    assert server(tmp_path, user=nobody).command().user == nobody
    assert server(tmp_path).command().user is None


def test_a_new_cluster_is_made_aside_and_gets_its_name_when_it_is_whole(tmp_path: Path, tools: Tools) -> None:
    server(tmp_path).prepare()
    programs = [Path(command.argv[0]).name for command in tools.commands]
    assert programs == ["initdb", "postgres"]
    assert "--single" in tools.commands[1].argv
    assert tools.texts == ["", "CREATE DATABASE carewire\n"]
    assert sorted(path.name for path in (tmp_path / "postgres").iterdir()) == ["data", "socket"]


def test_segments_of_its_log_are_small_and_as_many_as_ever_fit_between_checkpoints(
    tmp_path: Path, tools: Tools
) -> None:
    server(tmp_path).prepare()
    assert "--wal-segsize=4" in tools.commands[0].argv
    # initdb would have made it smaller with the segments.
    assert settings(server(tmp_path).command())["max_wal_size"] == "1GB"


def test_the_password_goes_through_a_file_never_through_the_command_line(tmp_path: Path, tools: Tools) -> None:
    password = StateFolder(tmp_path).secret("postgres_password")
    server(tmp_path).prepare()
    assert tools.passwords == [password]
    assert not any(password in word for command in tools.commands for word in command.argv)
    assert not any("pwfile" in word and Path(word.partition("=")[2]).exists() for word in tools.commands[0].argv)


@pytest.mark.parametrize("program", ["initdb", "postgres"])
def test_a_failed_or_killed_attempt_leaves_no_half_of_a_cluster_and_is_made_anew(
    tmp_path: Path, tools: Tools, program: str
) -> None:
    tools.fails_at = program
    with pytest.raises(ServerFailed, match=f"{program} of Postgres failed"):
        server(tmp_path).prepare()
    assert not (tmp_path / "postgres" / "data").exists()
    tools.fails_at = None
    server(tmp_path).prepare()
    assert (tmp_path / "postgres" / "data").exists()


def test_data_that_is_there_is_left_alone(tmp_path: Path, tools: Tools) -> None:
    server(tmp_path).prepare()
    tools.commands.clear()
    server(tmp_path).prepare()
    assert tools.commands == []


def test_its_folders_are_its_own_alone(tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.append((Path(path).name, uid, gid)))
    server(tmp_path, user=User("postgres", 70, 71)).prepare()
    assert [(name, uid, gid) for name, uid, gid in given if name in ("postgres", "socket")] == [
        ("postgres", 70, 71),
        ("socket", 70, 71),
    ]
    for name in (".", "socket"):
        assert (tmp_path / "postgres" / name).stat().st_mode & 0o777 == 0o700


def test_locks_of_a_killed_server_are_removed_once_its_last_children_are_gone(
    tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    server(tmp_path).prepare()
    data, sockets = tmp_path / "postgres" / "data", tmp_path / "postgres" / "socket"
    for stale in (data / "postmaster.pid", sockets / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432.lock"):
        stale.touch()
    killed: list[Any] = []
    left = [Identity(123, 1.0)]
    monkeypatch.setattr(postgres_server, "working_in", lambda folder, _: left if folder == data else [])

    def kill(victims: list[Identity]) -> None:
        assert (data / "postmaster.pid").exists()
        killed.extend(victims)

    monkeypatch.setattr(postgres_server, "kill_and_wait", kill)
    server(tmp_path).prepare()
    assert killed == left
    assert not (data / "postmaster.pid").exists()
    assert list(sockets.iterdir()) == []


def test_without_a_lock_nobody_is_looked_for(tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nobody was killed, so nobody is left")

    monkeypatch.setattr(postgres_server, "working_in", refuse)
    server(tmp_path).prepare()


@pytest.mark.parametrize(("code", "serves"), [(0, True), (1, False), (2, False)])
def test_it_serves_when_its_own_probe_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, serves: bool
) -> None:
    def ran(argv: list[str], **_: object) -> "subprocess.CompletedProcess[bytes]":
        assert argv[0] == "/programs/pg_isready"
        assert argv[argv.index("-p") + 1] == "5432"
        return subprocess.CompletedProcess(argv, code)

    monkeypatch.setattr(subprocess, "run", ran)
    assert server(tmp_path).serves() is serves
