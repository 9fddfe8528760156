"""A record as consumers see it: all that was fetched, and nothing of its value in a log."""

from types import SimpleNamespace

import pytest

from carewire_runtime.errors import KafkaUnavailable
from carewire_runtime.kafka.background import background_tasks, raise_if_deaf
from carewire_runtime.kafka.records import Record, record_of


def a_record(headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    return Record("t", 1, 2, 3, b"k", b"canary-value", headers)


def test_it_is_what_was_fetched() -> None:
    fetched = SimpleNamespace(
        topic="t", partition=1, offset=2, timestamp=3, key=b"k", value=b"canary-value", headers=[("h", b"1")]
    )
    assert record_of(fetched) == a_record((("h", b"1"),))


def test_of_equal_headers_the_first_counts() -> None:
    record = a_record((("h", b"1"), ("other", b"2"), ("h", b"3")))
    assert record.header("h") == b"1"
    assert record.header("H") is None
    assert a_record().header("h") is None


def test_its_value_is_not_shown() -> None:
    assert "canary" not in repr(a_record())


class Task:
    """A background task of a driver."""

    def __init__(self, *, ended: bool) -> None:
        self._ended = ended

    def done(self) -> bool:
        return self._ended


def a_consumer(*, fetching: bool, coordinating: bool | None) -> SimpleNamespace:
    """A driver whose tasks go on or not; without a group nothing coordinates."""
    coordinator = SimpleNamespace()
    if coordinating is not None:
        coordinator._coordination_task = Task(ended=not coordinating)
    return SimpleNamespace(_fetcher=SimpleNamespace(error_future=Task(ended=not fetching)), _coordinator=coordinator)


@pytest.mark.parametrize(
    ("fetching", "coordinating", "deaf"),
    [
        (True, True, False),
        (True, None, False),
        (False, True, True),
        (False, None, True),
        (True, False, True),
    ],
)
def test_a_consumer_is_deaf_once_one_of_its_tasks_has_ended(
    fetching: bool, coordinating: bool | None, deaf: bool
) -> None:
    consumer = a_consumer(fetching=fetching, coordinating=coordinating)
    assert len(background_tasks(consumer)) == (1 if coordinating is None else 2)
    if deaf:
        with pytest.raises(KafkaUnavailable, match="background work ended"):
            raise_if_deaf(consumer)
    else:
        raise_if_deaf(consumer)
