"""Which records are left over from a worker's other life."""

from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.fork_collapse import ForkCollapse


def test_the_second_of_two_copies_is_recognised_and_the_next_hop_is_none() -> None:
    collapse = ForkCollapse()
    assert [collapse.is_copy("d", 0, hop) for hop in (0, 0, 1, 1, 2)] == [False, True, False, True, False]


def test_a_record_that_is_read_again_after_its_next_hop_came_by_is_a_copy() -> None:
    collapse = ForkCollapse()
    assert not collapse.is_copy("d", 0, 4)
    assert collapse.is_copy("d", 0, 3)
    assert not collapse.is_copy("d", 0, 5)


def test_a_newer_epoch_supersedes_an_older_one_that_is_still_on_its_way() -> None:
    collapse = ForkCollapse()
    assert not collapse.is_copy("d", 0, 9)
    assert not collapse.is_copy("d", 1, 0)
    assert collapse.is_copy("d", 0, 10)


def test_what_waited_while_a_newer_epoch_came_by_is_known_to_be_superseded() -> None:
    collapse = ForkCollapse()
    assert not collapse.is_superseded("d", 0)
    assert not collapse.is_copy("d", 0, 9)
    assert not collapse.is_superseded("d", 0)
    assert not collapse.is_copy("d", 1, 0)
    assert [collapse.is_superseded("d", epoch) for epoch in (0, 1, 2)] == [True, False, False]
    assert not collapse.is_superseded("e", 0)


def test_what_is_known_to_have_been_written_makes_copies_of_all_before_it_and_not_of_itself() -> None:
    collapse = ForkCollapse()
    collapse.expect("d", 0, 3)
    assert collapse.is_copy("d", 0, 2)
    assert not collapse.is_copy("d", 0, 3)
    assert collapse.is_copy("d", 0, 3)
    collapse.expect("d", 0, 2)
    assert collapse.is_copy("d", 0, 3)


def test_the_delivery_that_was_heard_of_longest_ago_is_forgotten_first() -> None:
    collapse = ForkCollapse(capacity=2)
    for delivery_id in ("a", "b"):
        collapse.is_copy(delivery_id, 0, 0)
    assert collapse.is_copy("a", 0, 0)
    collapse.is_copy("c", 0, 0)
    assert [collapse.is_copy(delivery_id, 0, 0) for delivery_id in ("c", "a", "b")] == [True, True, False]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 5)), max_size=40))
def test_each_delivery_only_ever_goes_forward(records: list[tuple[str, int, int]]) -> None:
    collapse, passed = ForkCollapse(), {"a": [(-1, 0)], "b": [(-1, 0)]}
    for delivery_id, epoch, hop in records:
        if not collapse.is_copy(delivery_id, epoch, hop):
            passed[delivery_id].append((epoch, hop))
    for places in passed.values():
        assert places == sorted(set(places))
