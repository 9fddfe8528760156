"""The reckoning of care flows whose orchestrators were struck: what is stored of them, and what is told of them."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

import asyncpg

from carewire_testing import eventually
from carewire_testing_e2e.care_flow_campaign import CareFlowCampaign, Strike, strike_at_random
from carewire_testing_e2e.house import House
from carewire_testing_e2e.reckoning import statuses_of
from carewire_testing_e2e.told import Event, patients_told, story, told_of

_PER_SECOND: Final = 20
"""Care flows that a busy machine ends at least."""


async def stored(house: House, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Look into the orchestrator's tables."""
    settings = {"search_path": "orchestrator"}
    connection = await asyncpg.connect(house.platform.env["CAREWIRE_POSTGRES_DSN"], server_settings=settings)
    try:
        return [tuple(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()


async def wage(campaign: CareFlowCampaign, strikes: Sequence[Strike]) -> Any:
    """Start, strike and work side by side until every care flow has ended; answers the webhook."""
    ended = asyncio.Event()

    async def all_ended() -> bool:
        query = "SELECT status, count(*) FROM care_flow WHERE definition_id = $1 GROUP BY status"
        assert await stored(campaign.house, query, campaign.definition["id"]) == [("completed", campaign.total)]
        return True

    async with asyncio.TaskGroup() as group:
        working = group.create_task(campaign.work(ended.is_set))
        starting = group.create_task(campaign.start_all())
        counts = await strike_at_random(campaign, strikes)
        webhook = await starting
        await eventually(all_ended, _patience_s(campaign), pause=0.2)
        ended.set()
        await working
    assert len(counts) == len(strikes)
    return webhook


async def reckon(campaign: CareFlowCampaign, webhook: Any, expected: Sequence[str]) -> dict[str, list[Event]]:
    """See that each start key has one care flow, each identifier one patient, each care flow exactly its events.

    Answers the events by care flow. Raises AssertionError where anything is missing, left over or there twice.
    """
    house, total = campaign.house, campaign.total
    assert len(campaign.keys) == total

    async def even() -> bool:
        statuses = await statuses_of(house, webhook)
        del statuses["REJECTED"]  # that the webhook is open is seen by calls that are refused
        assert statuses == {"SUCCESS": len(campaign.accepted)}
        for table in ("outbox", "outbox_set_aside", "timer", "api_call"):
            assert await stored(house, f"SELECT count(*) FROM {table}") == [(0,)], f"something is left in {table}"  # noqa: S608
        return True

    await eventually(even, _patience_s(campaign), pause=0.2)
    query = "SELECT id, patient_id FROM care_flow WHERE definition_id = $1"
    patients = dict(await stored(house, query, campaign.definition["id"]))
    started = await stored(house, "SELECT care_flow_id FROM start WHERE care_flow_id = ANY ($1)", list(patients))
    assert Counter(started) == Counter((care_flow_id,) for care_flow_id in patients), "one start key, one care flow"
    assert len(patients) == total
    query = "SELECT care_flow_id FROM care_flow_change WHERE what = 'timer.fire' AND care_flow_id = ANY ($1)"
    fired = Counter(await stored(house, query, list(patients)))
    # Whose moment had come before it was started has no timer.
    assert set(fired.values()) <= {1}, "a timer has fired twice"
    await _reckon_patients(house, set(patients.values()), -(-total // 2))

    told = await told_of(house.platform, patients)
    assert told.keys() == patients.keys()
    for events in told.values():
        assert Counter(story(events)) == Counter(expected)
    return told


async def _reckon_patients(house: House, patients: Collection[str], count: int) -> None:
    """See that there is one for each identifier, and no other."""
    query = "SELECT patient_id FROM patient_identifier WHERE patient_id = ANY ($1)"
    assert Counter(await stored(house, query, list(patients))) == Counter((patient,) for patient in patients)
    assert len(patients) == count
    query = "SELECT id FROM patient WHERE id NOT IN (SELECT patient_id FROM care_flow)"
    assert await stored(house, query) == [], "somebody was made for nothing"
    assert {patient for (patient,) in await stored(house, "SELECT id FROM patient")} == await patients_told(
        house.platform
    )


def _patience_s(campaign: CareFlowCampaign) -> float:
    return 60.0 + campaign.total / _PER_SECOND
