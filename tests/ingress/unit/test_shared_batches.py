"""How records share batches: which go together, when a batch goes, and that each is told once how it ended."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import Topic
from carewire_ingress.adapters import shared_batches
from carewire_ingress.adapters.shared_batches import SharedBatches, Waiting
from carewire_runtime.errors import KafkaError, KafkaUnavailable, ProducerFatal
from carewire_runtime.kafka.producer import Appended
from carewire_testing.waiting import eventually
from carewire_testing_ingress.scripted_producer import ScriptedProducer

AT = 1_800_000_000_000
AWAY = KafkaUnavailable("away")


class Sending:
    """Batches of a topic over a scripted producer; `ended` tells how each record ended, in the order of the ends."""

    def __init__(self, *, partitions: int = 3, batch: int = 100) -> None:
        self.producer = ScriptedProducer(batch=batch)
        self.producer.runs = True
        self.ended: list[tuple[bytes, Appended | KafkaError | None]] = []
        self.batches = SharedBatches(self.producer, Topic("t", partitions, key="any"), self._settled, lambda: None)
        self._tickets = count()

    def _settled(self, records: Sequence[Waiting], outcome: Appended | KafkaError | None) -> None:
        self.ended += [(one.value, outcome) for one in records]

    def add(self, *values: bytes) -> list[Waiting]:
        waiting = [Waiting(value, value, [], lambda _: None, ticket=next(self._tickets)) for value in values]
        self.batches.add(waiting)
        return waiting

    @property
    def sent(self) -> list[list[bytes]]:
        """The values of each batch that was handed over."""
        return [[one.value or b"" for one in batch.records] for batch in self.producer.sent]

    @property
    def partitions(self) -> list[int]:
        return [batch.partition for batch in self.producer.sent]


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_records_of_one_turn_share_a_batch_in_their_order() -> None:
    sending = Sending()
    sending.add(b"1", b"2")
    sending.add(b"3")
    assert sending.sent == []
    await turns()
    assert sending.sent == [[b"1", b"2", b"3"]]


async def test_what_comes_while_a_batch_is_under_way_makes_the_next_one() -> None:
    sending = Sending()
    sending.add(b"1")
    await turns()
    sending.add(b"2")
    await turns()
    sending.add(b"3")
    await turns()
    assert sending.sent == [[b"1"]]
    sending.producer.sent[0].acknowledge(AT)
    await turns()
    assert sending.sent == [[b"1"], [b"2", b"3"]]


async def test_batches_take_turns_among_the_partitions() -> None:
    sending = Sending()
    for number in range(7):
        sending.add(b"%d" % number)
        await turns()
        sending.producer.sent[-1].acknowledge(AT)
    assert sending.partitions == [0, 1, 2, 0, 1, 2, 0]


async def test_more_than_one_batch_holds_goes_to_more_partitions_at_once() -> None:
    sending = Sending(batch=2)
    sending.add(b"1", b"2", b"3", b"4", b"5")
    await turns()
    assert sending.sent == [[b"1", b"2"], [b"3", b"4"], [b"5"]]
    assert sending.partitions == [0, 1, 2]


async def test_more_than_all_partitions_take_waits_for_the_first_to_be_free() -> None:
    sending = Sending(partitions=2, batch=1)
    sending.add(b"1", b"2", b"3")
    await turns()
    assert sending.sent == [[b"1"], [b"2"]]
    for batch in sending.producer.sent[1::-1]:
        batch.acknowledge(AT)
    await turns()
    assert sending.sent[2:] == [[b"3"]]
    assert sending.partitions[2] == 1


async def test_a_batch_that_takes_long_holds_nobody_up_and_keeps_its_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_batches, "_HOLDS_UP_S", 0.01)
    sending = Sending(partitions=2)
    sending.add(b"stuck")
    await turns()
    sending.add(b"next")
    await eventually(lambda: len(sending.sent) == 2)
    for number in range(3):
        sending.producer.sent[-1].acknowledge(AT)
        sending.add(b"%d" % number)
        await turns()
    assert sending.partitions == [0, 1, 1, 1, 1]
    sending.producer.sent[0].acknowledge(AT)
    assert sending.ended[-1][0] == b"stuck"


async def test_all_records_of_a_batch_end_as_it_does() -> None:
    sending = Sending(batch=2)
    sending.add(b"1", b"2", b"3")
    await turns()
    fatal = ProducerFatal("out of sequence")
    sending.producer.sent[0].settle(fatal)
    sending.producer.sent[1].acknowledge(AT)
    assert sending.ended == [(b"1", fatal), (b"2", fatal), (b"3", Appended("t", 1, 1, AT))]


async def test_where_nothing_is_taken_over_all_that_were_handed_are_told_and_the_next_ones_go() -> None:
    sending = Sending(partitions=1)
    sending.producer.refusals.append(AWAY)
    sending.add(b"1", b"2")
    await turns()
    assert sending.ended == [(b"1", AWAY), (b"2", AWAY)]
    sending.add(b"3")
    await turns()
    assert sending.sent == [[b"3"]]


async def test_a_fault_that_nobody_foresaw_leaves_no_caller_waiting_and_the_next_ones_go() -> None:
    sending = Sending(partitions=1)
    sending.producer.refusals.append(RuntimeError("of the driver"))
    sending.add(b"1")
    handing = sending.batches._handing
    assert handing is not None
    with pytest.raises(RuntimeError):
        await handing
    [(_, outcome)] = sending.ended
    assert isinstance(outcome, KafkaUnavailable)
    sending.add(b"2")
    await turns()
    assert sending.sent == [[b"2"]]


async def test_a_record_whose_caller_gave_up_before_it_went_is_never_sent() -> None:
    sending = Sending()
    sending.add(b"0")
    await turns()
    one, two, three = sending.add(b"1", b"2", b"3")
    one.is_over = three.is_over = True
    sending.producer.sent[0].acknowledge(AT)
    await turns()
    assert sending.sent == [[b"0"], [b"2"]]
    assert sending.ended[1:] == [(b"1", None), (b"3", None)]
    two.is_over = True
    sending.producer.sent[1].acknowledge(AT)
    assert [value for value, _ in sending.ended] == [b"0", b"1", b"3", b"2"], "told although the caller has gone"


async def test_where_all_gave_up_no_batch_goes() -> None:
    sending = Sending()
    [only] = sending.add(b"1")
    only.is_over = True
    await turns()
    assert sending.sent == []
    assert sending.ended == [(b"1", None)]


async def test_closing_settles_what_was_not_handed_over_and_leaves_the_rest_to_the_producer() -> None:
    sending = Sending()
    sending.add(b"under way")
    await turns()
    sending.add(b"gathered")
    await sending.batches.close()
    [(value, outcome)] = sending.ended
    assert value == b"gathered"
    assert isinstance(outcome, KafkaUnavailable)
    await sending.producer.stop()
    assert [value for value, _ in sending.ended] == [b"gathered", b"under way"]
    await turns()
    assert sending.sent == [[b"under way"]]


class _Blocked(ScriptedProducer):
    """Waits for its partition, as a producer does whose last batch has not left."""

    async def hand_over(self, *_: object, **__: object) -> int:
        await asyncio.Event().wait()
        return 0


@pytest.mark.parametrize("begun", [False, True], ids=["before it began", "in the middle"])
async def test_closing_breaks_a_hand_over_off_and_settles_its_records(*, begun: bool) -> None:
    sending = Sending()
    sending.batches._producer = _Blocked()
    sending.add(b"1", b"2")
    if begun:
        await turns()
    await sending.batches.close()
    assert [value for value, _ in sending.ended] == [b"1", b"2"]
    assert all(isinstance(outcome, KafkaUnavailable) for _, outcome in sending.ended)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.sampled_from(["acknowledge", "fail"]), st.integers(0, 5)),
        st.tuples(st.just("refuse"), st.just(0)),
        st.tuples(st.just("turn"), st.integers(1, 4)),
    ),
    max_size=30,
)


@given(steps=_STEPS, partitions=st.integers(1, 3), batch=st.integers(1, 4))
async def test_whatever_happens_each_record_ends_once_and_no_partition_has_two_batches(
    steps: list[tuple[str, int]], partitions: int, batch: int
) -> None:
    sending = Sending(partitions=partitions, batch=batch)
    added: list[bytes] = []
    for step, number in steps:
        under_way = [each for each in sending.producer.sent if not each.is_settled]
        if step == "add":
            values = [b"%d" % (len(added) + more) for more in range(number)]
            added += values
            sending.add(*values)
        elif step == "refuse":
            sending.producer.refusals.append(AWAY)
        elif step == "turn":
            await turns(number)
        elif under_way:
            chosen = under_way[number % len(under_way)]
            chosen.acknowledge(AT) if step == "acknowledge" else chosen.settle(AWAY)
        open_batches = [each.partition for each in sending.producer.sent if not each.is_settled]
        assert len(open_batches) == len(set(open_batches))
    await sending.batches.close()
    await sending.producer.stop()
    assert sorted(value for value, _ in sending.ended) == sorted(added)
