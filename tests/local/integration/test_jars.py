"""Fetching the distribution, from a repository on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from carewire_local import jars as jars_module
from carewire_local.errors import ChecksumMismatch, DistributionUnavailable
from carewire_local.jars import Jar, provide

CONTENTS = {f"org/example/a{n}/1/a{n}-1.jar": b"bytes of %d" % n for n in range(12)}
JARS = [Jar(path, hashlib.sha256(content).hexdigest()) for path, content in CONTENTS.items()]


@dataclass
class Repository:
    """A Maven repository whose answers a test can spoil."""

    url: str
    contents: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)


@pytest.fixture
def repository() -> Iterator[Repository]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/maven2/")
            serving.asked.append(path)
            content = serving.contents.get(path, b"")
            status = serving.failures.pop() if serving.failures else 200 if content else 404
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: a client that has seen one failure hangs up on the other answers."""

    server = Server(("127.0.0.1", 0), Handler)
    serving = Repository(f"http://127.0.0.1:{server.server_port}/maven2/", dict(CONTENTS))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield serving
    server.shutdown()
    thread.join()
    server.server_close()


def _quiet(_: str) -> None:
    pass


def test_all_jars_are_fetched_and_checked_with_visible_progress(repository: Repository, tmp_path: Path) -> None:
    told = list[str]()
    files = provide(JARS, tmp_path, repository.url, told.append)
    assert [file.read_bytes() for file in files] == list(CONTENTS.values())
    assert repository.url in told[0]
    assert told[-1].startswith("fetched 12 of 12 files")


def test_what_is_in_the_cache_is_not_fetched_again(repository: Repository, tmp_path: Path) -> None:
    provide(JARS, tmp_path, repository.url, _quiet)
    repository.asked.clear()
    provide(JARS, tmp_path, repository.url, _quiet)
    assert repository.asked == []


@pytest.mark.parametrize("damage", [b"", b"bytes of something else"])
def test_a_damaged_file_in_the_cache_is_fetched_again(repository: Repository, tmp_path: Path, damage: bytes) -> None:
    files = provide(JARS, tmp_path, repository.url, _quiet)
    repository.asked.clear()
    files[3].write_bytes(damage)
    provide(JARS, tmp_path, repository.url, _quiet)
    assert repository.asked == [JARS[3].path]
    assert files[3].read_bytes() == CONTENTS[JARS[3].path]


def test_a_file_that_is_damaged_on_the_wire_is_refused_and_not_kept(repository: Repository, tmp_path: Path) -> None:
    repository.contents[JARS[5].path] = b"from somebody else"
    with pytest.raises(ChecksumMismatch, match=r"a5-1\.jar"):
        provide(JARS, tmp_path, repository.url, _quiet)
    assert not (tmp_path / JARS[5].file_name).exists()
    repository.contents.update(CONTENTS)
    assert len(provide(JARS, tmp_path, repository.url, _quiet)) == len(JARS)


def test_a_passing_failure_of_the_repository_is_tried_again(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars_module, "FIRST_PAUSE_S", 0.001)
    repository.failures = [503, 500]
    assert len(provide(JARS, tmp_path, repository.url, _quiet)) == len(JARS)


def test_a_missing_file_is_named_with_the_ways_out(repository: Repository, tmp_path: Path) -> None:
    del repository.contents[JARS[0].path]
    with pytest.raises(DistributionUnavailable, match=r"a0-1\.jar.*CAREWIRE_MAVEN_REPOSITORY"):
        provide(JARS, tmp_path, repository.url, _quiet)


def test_two_who_fetch_at_once_do_not_fetch_anything_twice(repository: Repository, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: provide(JARS, tmp_path, repository.url, _quiet), range(2)))
    assert both[0] == both[1]
    assert sorted(repository.asked) == sorted(CONTENTS)
