"""While no broker answers, a producer's driver asks for metadata at a pace, not as fast as it can."""

import asyncio

import pytest

from carewire_runtime.kafka import metadata_pacing
from carewire_runtime.kafka.metadata_pacing import pace_metadata


class Client:
    """A driver's client of which every metadata update ends at once."""

    def __init__(self, *, reachable: bool) -> None:
        self.reachable = reachable
        self.updates = 0

    async def _metadata_update(self, cluster: object, topics: object) -> bool:
        assert (cluster, topics) == ("cluster", "topics")
        self.updates += 1
        return self.reachable


@pytest.mark.parametrize("reachable", [True, False])
async def test_only_a_failed_update_pauses(reachable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    client = Client(reachable=reachable)
    pace_metadata(client)
    assert await client._metadata_update("cluster", "topics") is reachable
    assert client.updates == 1
    assert pauses == ([] if reachable else [metadata_pacing.PAUSE_S])


async def test_a_loop_that_asks_again_at_once_is_slowed_down() -> None:
    client = Client(reachable=False)
    pace_metadata(client)

    async def ask_for_ever() -> None:
        while True:
            await client._metadata_update("cluster", "topics")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask_for_ever(), 2.5 * metadata_pacing.PAUSE_S)
    assert client.updates <= 3
