import copy
import pickle

import pytest

from carewire_runtime.phi import Phi

SECRET = "canary-7f3a"


def test_no_way_of_showing_it_shows_the_value() -> None:
    phi = Phi(SECRET)
    shown = [repr(phi), str(phi), f"{phi}", f"{phi:>40}", f"{phi!r}", f"{[phi]} { ({'k': phi}) }"]
    assert not [text for text in shown if SECRET in text]


def test_it_is_revealed_by_name() -> None:
    assert Phi(SECRET).reveal() == SECRET


def test_two_are_equal_when_their_values_are() -> None:
    assert Phi(SECRET) == Phi(SECRET)
    assert Phi(SECRET) != Phi("other")
    assert Phi(SECRET) != SECRET
    assert len({Phi(SECRET), Phi(SECRET)}) == 1


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_refuses_to_leave_the_process(way: object) -> None:
    with pytest.raises(TypeError, match="not to be pickled"):
        way(Phi(SECRET))  # type: ignore[operator]
