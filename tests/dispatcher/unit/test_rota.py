"""Whose records are taken next: fast before bulk, but not only, and everyone in turn."""

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import Lane
from carewire_dispatcher.domain.rota import BULK_SHARE, TURN, Rota


class Pile:
    """Records that become ripe at given moments, each not before the one in front of it was taken."""

    def __init__(self, lane: Lane, *ripe: int, name: str = "") -> None:
        self.lane: Lane = lane
        self.name = name or lane
        self.records = deque(ripe)
        self.is_stuck = False

    @property
    def is_empty(self) -> bool:
        return not self.records

    def ripe_at(self) -> int:
        return self.records[0]

    def is_ripe(self, now: int) -> bool:
        return bool(self.records) and not self.is_stuck and self.records[0] <= now


class Taking:
    """A rota over some piles, and what was taken of which."""

    def __init__(self, *piles: Pile) -> None:
        self.rota: Rota[Pile] = Rota()
        self.taken: list[str] = []
        for pile in piles:
            self.rota.offer(pile)

    def turn(self, now: int = 0, room: int = TURN, bulk_room: int = TURN) -> Counter[str]:
        before = len(self.taken)
        counted = self.rota.turn(now, self._take, room, bulk_room)
        assert counted == len(self.taken) - before
        return Counter(self.taken[before:])

    def _take(self, pile: Pile) -> None:
        pile.records.popleft()
        self.taken.append(pile.name)


def a_backlog(lane: Lane, name: str = "") -> Pile:
    return Pile(lane, *[0] * 1_000, name=name)


def test_while_fast_has_any_bulk_gets_a_fifth() -> None:
    taking = Taking(a_backlog("bulk"), a_backlog("fast"))
    for _ in range(5):
        assert taking.turn() == {"fast": TURN - BULK_SHARE, "bulk": BULK_SHARE}
    assert taking.taken[0] == "fast"


def test_what_one_lane_leaves_the_other_gets() -> None:
    assert Taking(a_backlog("bulk")).turn() == {"bulk": BULK_SHARE}
    assert Taking(a_backlog("fast")).turn() == {"fast": TURN}
    assert Taking(a_backlog("bulk"), Pile("fast", 0, 0)).turn() == {"fast": 2, "bulk": BULK_SHARE}
    assert Taking(a_backlog("fast"), Pile("bulk", 0, 0)).turn() == {"fast": TURN - 2, "bulk": 2}


def test_no_backlog_keeps_another_partition_of_its_lane_waiting() -> None:
    piles = [a_backlog("fast", f"backlog {number}") for number in range(30)]
    taking = Taking(*piles, Pile("fast", 0, name="lonely"))
    turns = [taking.turn() for _ in range(7)]  # 31 of them, a fifth of a turn for each
    assert sum(turn["lonely"] for turn in turns) == 1
    counts = sum(turns, Counter())
    assert all(counts[pile.name] >= 5 for pile in piles)


def test_what_is_not_ripe_sleeps_until_it_is() -> None:
    taking = Taking(Pile("fast", 500, 700), Pile("bulk", 300))
    assert taking.turn(299) == {}
    assert taking.rota.wakes_at() == 300
    assert taking.turn(300) == {"bulk": 1}
    assert taking.rota.wakes_at() == 500
    assert taking.turn(600) == {"fast": 1}
    assert taking.rota.wakes_at() == 700
    assert taking.turn(700) == {"fast": 1}
    assert taking.rota.wakes_at() is None


def test_what_is_stuck_is_taken_again_once_it_is_offered() -> None:
    pile = a_backlog("fast")
    taking = Taking(pile)
    pile.is_stuck = True
    assert taking.turn() == {}
    assert list(taking.rota.behind("fast")) == [pile]
    assert list(taking.rota.behind("bulk")) == []
    pile.is_stuck = False
    assert taking.turn() == {}
    taking.rota.offer(pile)
    assert taking.turn() == {"fast": TURN}


def test_offering_what_is_known_already_changes_nothing() -> None:
    pile = Pile("fast", 0, 100)
    taking = Taking(pile, pile)
    assert taking.turn(0) == {"fast": 1}
    taking.rota.offer(pile)
    assert taking.turn(50) == {}
    assert taking.turn(100) == {"fast": 1}


def test_no_more_is_taken_than_there_is_room_for_and_of_bulk_than_there_is_room_for_bulk() -> None:
    taking = Taking(a_backlog("fast"), a_backlog("bulk"))
    assert taking.turn(room=8) == {"fast": 7, "bulk": 1}
    assert taking.turn(room=7) == {"fast": 7}
    assert taking.turn(room=4) == {"fast": 4}
    assert taking.turn(room=0) == {}
    assert taking.turn(bulk_room=3) == {"fast": TURN - 3, "bulk": 3}
    assert Taking(a_backlog("bulk")).turn(bulk_room=0) == {}


piles = st.lists(
    st.tuples(st.sampled_from(["fast", "bulk"]), st.lists(st.integers(0, 50), max_size=60)), min_size=1, max_size=12
)


@given(piles, st.integers(1, TURN))
def test_everything_is_taken_once_in_the_order_of_its_pile_and_never_early(
    drawn: list[tuple[Lane, list[int]]], room: int
) -> None:
    made = [Pile(lane, *ripe, name=str(number)) for number, (lane, ripe) in enumerate(drawn)]
    left = {pile.name: list(pile.records) for pile in made}
    taking = Taking(*made)
    for now in range(52):
        while taken := taking.turn(now, room):
            for name, count in taken.items():
                assert max(left[name][:count]) <= now
                del left[name][:count]
    assert not any(left.values())
