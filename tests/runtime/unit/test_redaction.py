"""What carries health data does not show it: a repr may end up in a traceback."""

import pytest

from carewire_runtime.kafka.records import Record
from carewire_runtime.phi import Phi
from carewire_runtime.postgres.outbox import OutboxRecord

CANARY = "CANARY-5e1d"


@pytest.mark.parametrize(
    "carrier",
    [
        Phi(CANARY),
        Record("topic", 0, 1, 2, b"key", CANARY.encode(), ()),
        OutboxRecord("topic", b"key", CANARY.encode(), []),
    ],
    ids=lambda carrier: type(carrier).__name__,
)
def test_its_repr_is_without_the_value(carrier: object) -> None:
    assert CANARY not in f"{carrier!r} {carrier}"
