"""Fetching the distribution, without a network: what is tried again, what is final, what is kept."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from carewire_local import jars as jars_module
from carewire_local.errors import ChecksumMismatch, DistributionUnavailable
from carewire_local.jars import Jar, is_intact, provide
from carewire_local.progress import Counter, silent
from carewire_testing_local import HandTime

REPOSITORY = "https://repo.example/maven2/"
CONTENT = b"classes"
JAR = Jar("org/example/a/1/a-1.jar", hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """Answers one after another; the last one stays."""

    def __init__(self) -> None:
        self.answers: list[httpx.Response | type[httpx.TransportError]] = [httpx.Response(200, content=CONTENT)]
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("no route to the proxy")


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HandTime:
    clock = HandTime()
    monkeypatch.setattr(jars_module, "time", clock)
    return clock


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, time: HandTime) -> Repository:
    made = Repository()
    client: Callable[..., httpx.Client] = httpx.Client

    def with_answers(*, base_url: str, **_: object) -> httpx.Client:
        return client(base_url=base_url, transport=httpx.MockTransport(made))

    monkeypatch.setattr(httpx, "Client", with_answers)
    return made


def fetch(folder: Path, told: list[str] | None = None) -> list[Path]:
    return provide([JAR], folder, REPOSITORY, silent if told is None else told.append)


def test_a_jar_lies_under_its_own_name_when_it_is_whole(repository: Repository, tmp_path: Path) -> None:
    told: list[str] = []
    (file,) = fetch(tmp_path / "cache", told)
    assert file == tmp_path / "cache" / "a-1.jar"
    assert file.read_bytes() == CONTENT
    assert repository.asked == [REPOSITORY + JAR.path]
    assert told[0].startswith("fetching Kafka ")
    assert told[0].endswith(f" (1 jars) from {REPOSITORY}")


@pytest.mark.parametrize(
    "trouble",
    [
        [httpx.Response(503)],
        [httpx.Response(500), httpx.Response(502), httpx.Response(429)],
        [httpx.ConnectError],
        [httpx.ReadTimeout, httpx.RemoteProtocolError],
        [httpx.ProxyError],
    ],
    ids=["away", "three answers of trouble", "no connection", "cut off", "the proxy"],
)
def test_trouble_that_may_pass_is_waited_out(
    repository: Repository,
    tmp_path: Path,
    time: HandTime,
    trouble: list[httpx.Response | type[httpx.TransportError]],
) -> None:
    repository.answers = [*trouble, *repository.answers]
    fetch(tmp_path)
    assert time.sleeps == [0.5, 1.0, 2.0][: len(trouble)]


def test_after_four_attempts_it_is_told_with_the_ways_out(repository: Repository, tmp_path: Path) -> None:
    repository.answers = [httpx.ProxyError]
    with pytest.raises(DistributionUnavailable) as failed:
        fetch(tmp_path)
    assert len(repository.asked) == 4
    assert str(failed.value) == (
        f"could not fetch {REPOSITORY}{JAR.path}: ProxyError no route to the proxy. "
        "Check the network, choose another repository by CAREWIRE_MAVEN_REPOSITORY, "
        "or point to your own broker by CAREWIRE_KAFKA_BOOTSTRAP."
    )
    assert failed.value.retriable


@pytest.mark.parametrize("status", [401, 403, 404, 407])
def test_an_answer_that_will_not_change_is_not_asked_for_again(
    repository: Repository, tmp_path: Path, time: HandTime, status: int
) -> None:
    repository.answers = [httpx.Response(status)]
    with pytest.raises(DistributionUnavailable, match=f"the repository answered {status}"):
        fetch(tmp_path)
    assert len(repository.asked) == 1
    assert time.sleeps == []


def test_other_bytes_than_the_locked_ones_are_never_kept(repository: Repository, tmp_path: Path) -> None:
    repository.answers = [httpx.Response(200, content=b"something else")]
    with pytest.raises(ChecksumMismatch, match=r"is not the file that this release is locked to; nothing was kept"):
        fetch(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".jar"] == []
    assert not ChecksumMismatch.retriable


def test_the_next_run_goes_on_where_the_last_one_failed(repository: Repository, tmp_path: Path) -> None:
    other = Jar("org/example/b/1/b-1.jar", JAR.sha256)
    fetch(tmp_path)
    repository.asked.clear()
    provide([JAR, other], tmp_path, REPOSITORY, silent)
    assert repository.asked == [REPOSITORY + other.path]


def test_what_another_process_fetched_meanwhile_is_not_fetched_again(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = jars_module.__dict__["taking_turns"]

    def other_was_quicker(folder: Path) -> object:
        (folder / JAR.file_name).write_bytes(CONTENT)
        return turns(folder)

    monkeypatch.setattr(jars_module, "taking_turns", other_was_quicker)
    fetch(tmp_path)
    assert repository.asked == []


@pytest.mark.parametrize(("content", "intact"), [(CONTENT, True), (CONTENT[:-1], False), (b"", False), (None, False)])
def test_a_file_is_intact_with_exactly_the_locked_bytes(tmp_path: Path, content: bytes | None, intact: bool) -> None:
    file = tmp_path / "a-1.jar"
    if content is not None:
        file.write_bytes(content)
    assert is_intact(file, JAR) is intact


def test_progress_is_told_at_intervals_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = HandTime(), list[str]()
    monkeypatch.setattr("carewire_local.progress.time", clock)
    counter = Counter(told.append, "fetched", 5, interval=1.0)
    for passed in (0.2, 0.9, 0.1, 0.2, 0.1):
        clock.now += passed
        counter.advance(2_000_000)
    assert told == ["fetched 2 of 5 files, 4 MB", "fetched 5 of 5 files, 10 MB"]


def test_a_silent_report_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    silent("fetched")
    assert capsys.readouterr().out == ""
