"""The search for what nobody may find: identifiers, keys and tokens, in everything that leaves the house or stays."""

import asyncio
from collections.abc import Iterable

import httpx

from carewire_testing_chaos.history import Entry, Leaked, Searched
from carewire_testing_chaos.house import House
from carewire_testing_e2e.canaries import Canaries, Place
from carewire_testing_e2e.leaving import files, records, tables, topic


async def searched(house: House, canaries: Canaries) -> list[Entry]:
    """Search everywhere; say where, and what was found."""
    places = await _everywhere(house)
    leaks = await asyncio.to_thread(canaries.leaks, places)
    found: Iterable[Entry] = (Leaked(what, around) for what, around in leaks.items())
    return [*(Searched(place.name, len(place.content)) for place in places), *found]


async def _everywhere(house: House) -> list[Place]:
    folders = (house.state.logs, house.stack.state.logs, house.spans)
    held = await records(house.stack.kafka_bootstrap, "")
    return [
        *[place for folder in folders for place in files(folder)],
        *await _metrics(house),
        *[place for name, those in held.items() if not name.startswith("__") for place in topic(name, those)],
        *await tables(house.stack.postgres_dsn),
    ]


async def _metrics(house: House) -> list[Place]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answers = {name: await client.get(f"{url}/metrics") for name, url in house.urls.items()}
    return [Place(f"metrics of {name}", answer.content) for name, answer in answers.items()]
