"""Looking names up: a name whose servers don't answer keeps no other name waiting."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carewire_dispatcher.adapters.delivery_client import resolver as resolver_module
from carewire_dispatcher.adapters.delivery_client.resolver import ADDRESSES_MAX, Resolver
from carewire_testing import eventually


class Names:
    """The system's lookup: some names answer at once, some when they are let, some not at all."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.answering = threading.Event()

    def __call__(self, host: str, _port: object, **_: object) -> list[Any]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.answering.wait(10)
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in self.addresses[host]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.answering.set()


def is_asked(names: Names, host: str) -> Callable[[], bool]:
    return lambda: host in names.asked


async def test_a_name_has_its_addresses_in_the_system_s_order_each_once(names: Names) -> None:
    names.addresses["a"] = ["192.0.2.2", "192.0.2.1", "192.0.2.2"]
    assert await Resolver().find("a") == ("192.0.2.2", "192.0.2.1")


async def test_no_more_addresses_are_tried_than_there_is_time_for(names: Names) -> None:
    names.addresses["a"] = [f"192.0.2.{number}" for number in range(20)]
    assert len(await Resolver().find("a")) == ADDRESSES_MAX


async def test_a_name_that_is_none_has_no_addresses(names: Names) -> None:
    assert await Resolver().find("nobody") == ()


async def test_an_answer_is_used_for_a_while(names: Names) -> None:
    names.addresses["a"] = ["192.0.2.1"]
    resolver = Resolver()
    for _ in range(3):
        assert await resolver.find("a") == ("192.0.2.1",)
    assert names.asked == ["a"]


async def test_and_not_for_longer(names: Names) -> None:
    names.addresses["a"] = ["192.0.2.1"]
    resolver = Resolver(kept_s=0)
    assert await resolver.find("a") == ("192.0.2.1",)
    names.addresses["a"] = ["192.0.2.9"]
    assert await resolver.find("a") == ("192.0.2.9",)


async def test_those_who_ask_for_one_name_at_a_time_share_one_lookup(names: Names) -> None:
    names.addresses["slow"] = ["192.0.2.1"]
    resolver = Resolver()
    asking = [asyncio.create_task(resolver.find("slow")) for _ in range(20)]
    await eventually(is_asked(names, "slow"))
    asking[0].cancel()
    names.answering.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert set(found[1:]) == {("192.0.2.1",)}, "who gives up leaves the lookup to the others"
    assert names.asked == ["slow"]


async def test_names_that_hang_keep_no_other_name_waiting(names: Names) -> None:
    names.addresses["a"] = ["192.0.2.1"]
    resolver = Resolver()
    hanging = [asyncio.create_task(resolver.find(f"slow-{number}")) for number in range(50)]
    await eventually(is_asked(names, "slow-49"))
    assert await asyncio.wait_for(resolver.find("a"), 2) == ("192.0.2.1",)
    names.answering.set()
    assert set(await asyncio.gather(*hanging)) == {()}


@pytest.fixture
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "LOOKUPS_MAX", 2)
    monkeypatch.setattr(resolver_module, "SLOW_LOOKUPS_MAX", 1)
    monkeypatch.setattr(resolver_module, "SLOW_S", 0.01)


@pytest.mark.usefixtures("few_places")
async def test_more_names_that_hang_than_there_are_places_keep_no_other_name_waiting(names: Names) -> None:
    names.addresses["a"] = ["192.0.2.1"]
    resolver = Resolver()
    hanging = [asyncio.create_task(resolver.find(f"slow-{number}")) for number in range(7)]
    assert await resolver.find("a") == ("192.0.2.1",), "places are left to others once their time is over"
    await eventually(is_asked(names, "slow-6"))
    assert not any(one.done() for one in hanging)
    names.answering.set()
    assert set(await asyncio.gather(*hanging)) == {()}


@pytest.mark.usefixtures("few_places")
async def test_names_that_were_slow_have_places_of_their_own_until_they_are_quick_again(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(kept_s=0)
    first = [asyncio.create_task(resolver.find(f"slow-{number}")) for number in range(3)]
    await eventually(lambda: len(resolver._slow) == 3)
    names.answering.set()
    await asyncio.gather(*first)

    monkeypatch.setattr(resolver_module, "SLOW_S", 60)
    names.answering.clear()
    names.asked.clear()
    again = [asyncio.create_task(resolver.find(f"slow-{number}")) for number in range(3)]
    await eventually(is_asked(names, "slow-0"))
    names.addresses["a"] = ["192.0.2.1"]
    assert await resolver.find("a") == ("192.0.2.1",)
    assert names.asked == ["slow-0", "a"], "one at a time"
    names.answering.set()
    await asyncio.gather(*again)
    assert resolver._slow == {}


@pytest.mark.usefixtures("few_places")
async def test_places_are_not_left_to_others_without_end(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "OVERDUE_MAX", 1)
    resolver = Resolver()
    hanging = [asyncio.create_task(resolver.find(f"slow-{number}")) for number in range(6)]
    await eventually(lambda: len(resolver._slow) == 3)
    assert sorted(names.asked) == ["slow-0", "slow-1", "slow-2"], "two places, and one that was left"
    names.answering.set()
    await asyncio.gather(*hanging)
    assert (len(names.asked), resolver._overdue) == (6, 0)


async def test_of_slow_names_not_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "SLOW_NAMES_MAX", 2)
    resolver = Resolver()
    for host in ("a", "b", "c"):
        resolver._remember_slow(host)
    assert list(resolver._slow) == ["b", "c"]
