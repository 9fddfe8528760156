import asyncio
import weakref

from carewire_ingress.adapters.patience import Patience
from carewire_testing.waiting import eventually


class Held:
    """Something that is kept alive for as long as it is waited for."""

    is_over = False


class Waits:
    """Things that wait, by name; each is over when it is said so, or given up."""

    def __init__(self, seconds: float) -> None:
        self.over: set[str] = set()
        self.given_up: list[tuple[str, float]] = []
        self.patience = Patience[str](seconds, self.over.__contains__, self._give_up)

    def _give_up(self, name: str) -> None:
        self.over.add(name)
        self.given_up.append((name, asyncio.get_running_loop().time()))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.given_up]


async def test_what_is_not_over_in_time_is_given_up_once() -> None:
    waits = Waits(0.01)
    waits.patience.watch("a")
    await eventually(lambda: waits.names)
    await asyncio.sleep(0.02)
    assert waits.names == ["a"]


async def test_what_is_over_in_time_is_left_alone() -> None:
    waits = Waits(0.01)
    for name in ("first", "late", "last"):
        waits.patience.watch(name)
    waits.over |= {"first", "last"}
    await eventually(lambda: waits.names)
    assert waits.names == ["late"]


async def test_each_has_its_own_time() -> None:
    waits, loop = Waits(0.05), asyncio.get_running_loop()
    waits.patience.watch("first")
    await asyncio.sleep(0.03)
    began = loop.time()
    waits.patience.watch("second")
    await eventually(lambda: len(waits.names) == 2)
    assert waits.names == ["first", "second"]
    assert waits.given_up[1][1] - began >= 0.05


async def test_after_a_pause_it_watches_again() -> None:
    waits = Waits(0.01)
    for name in ("a", "b", "c"):
        waits.patience.watch(name)
        await eventually(lambda: waits.names[-1:] == [name])  # noqa: B023 (awaited at once)


async def test_what_is_over_is_let_go_of_as_soon_as_it_is_asked_for_and_nobody_began_earlier() -> None:
    patience = Patience[Held](60.0, lambda held: held.is_over, lambda _: None)
    first, second = Held(), Held()
    seen = weakref.WeakSet((first, second))
    patience.watch(first)
    patience.watch(second)
    second.is_over = True
    del second
    patience.forget()
    assert len(seen) == 2
    first.is_over = True
    del first
    patience.forget()
    assert len(seen) == 0
