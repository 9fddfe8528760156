"""The reckoning after a campaign: what callers were told, what the log says, and which care flows there are."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from carewire_runtime.ids import born_at
from carewire_testing import eventually
from carewire_testing_e2e.campaign import Campaign
from carewire_testing_e2e.house import House, ok

_PAGE: Final = 200
_NEVER_STARTED: Final = "FAILED"
"""The end of a record that was appended when its call had been given up: its caller heard 503, or nothing."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What it came to. `untold` are logged requests whose caller never heard their id, by status."""

    logged: Mapping[str, int]
    care_flows: int
    untold: Mapping[str, int]


async def reckon(house: House, webhook: Any, campaign: Campaign, *, within_s: float) -> Reckoning:
    """See that all came out even, as soon as everything has ended. Raises AssertionError if it did not."""
    assert not campaign.unexpected, f"answers that no such call should get: {dict(campaign.unexpected)}"
    told = campaign.answered

    async def ended() -> bool:
        statuses = await statuses_of(house, webhook)
        assert sum(statuses.values()) >= told, f"{statuses} of {told} calls are in the log"
        assert not statuses["SCHEDULED"] + statuses["PROCESSING"], f"not all have ended: {statuses}"
        return True

    await eventually(ended, within_s, pause=0.5)
    return await eventually(lambda: _compared(house, webhook, campaign), within_s, pause=1.0)


async def statuses_of(house: House, webhook: Any) -> Counter[str]:
    """How many requests of a webhook have which status: asked of the table, since it is asked for all the time."""
    query = "SELECT status, count(*) FROM ingress.request WHERE webhook_id = $1 GROUP BY status"
    return Counter(dict(await _rows(house, query, webhook["id"])))


async def _compared(house: House, webhook: Any, campaign: Campaign) -> Reckoning:
    told = campaign.accepted.keys() | campaign.refused | campaign.tests
    # Opening the webhook was seen by calling it. By ids, which our clock times: calls are received by the broker's.
    logged = await _log(house, webhook)
    log = {one["id"]: one for one in logged if one["id"] in told or born_at(one["id"]) > campaign.began}
    query = "SELECT id FROM orchestrator.care_flow WHERE definition_id = $1"
    care_flows = {row[0] for row in await _rows(house, query, webhook["definition_id"])}
    assert told <= log.keys(), f"{len(told - log.keys())} calls were answered, and are not in the log"
    assert _statuses(log, campaign.accepted) == _all_of(campaign.accepted, "SUCCESS")
    assert _statuses(log, campaign.refused) == _all_of(campaign.refused, "REJECTED")
    assert _statuses(log, campaign.tests) == _all_of(campaign.tests, "TEST")

    started = _care_flow_of_keys(log, campaign)
    assert len(started) == len(set(started.values())), "two keys share a care flow"
    assert care_flows == set(started.values()), f"{len(started)} keys were accepted, {len(care_flows)} care flows exist"
    _assert_first_calls(log, campaign)

    untold = {request_id: log[request_id] for request_id in log.keys() - told}
    assert not (untold and campaign.undisturbed), f"{len(untold)} requests in the log were never answered"
    _assert_harmless(untold.values(), care_flows)
    return Reckoning(Counter(one["status"] for one in log.values()), len(care_flows), _statuses(untold, untold))


def _care_flow_of_keys(log: Mapping[str, Any], campaign: Campaign) -> dict[str, str]:
    """The care flow of each key; all calls of a key must have the same."""
    started: dict[str, str] = {}
    for request_id, key in campaign.accepted.items():
        care_flow_id = log[request_id]["care_flow_id"]
        assert care_flow_id is not None
        assert started.setdefault(key, care_flow_id) == care_flow_id, "one key has two care flows"
    return started


def _assert_first_calls(log: Mapping[str, Any], campaign: Campaign) -> None:
    """Of all logged calls that share a care flow, one is the first, and the others name it."""
    firsts: dict[str, str] = {}
    for request in log.values():
        if request["care_flow_id"] is not None and request["duplicate_of"] is None:
            other = firsts.setdefault(request["care_flow_id"], request["id"])
            assert other == request["id"], "two requests have each started the same care flow"
    for request_id in campaign.accepted:
        request = log[request_id]
        assert request["duplicate_of"] in (None, firsts[request["care_flow_id"]])


def _assert_harmless(untold: Iterable[Any], care_flows: set[str]) -> None:
    """What nobody was told of is refused, or belongs to a care flow that a repeat was told of, or never started."""
    for request in untold:
        if request["status"] == "SUCCESS":
            assert request["care_flow_id"] in care_flows
        else:
            assert request["status"] in ("REJECTED", "TEST", _NEVER_STARTED)
            assert request["care_flow_id"] is None


def _statuses(log: Mapping[str, Any], request_ids: Iterable[str]) -> Counter[str]:
    return Counter(log[request_id]["status"] for request_id in request_ids)


def _all_of(request_ids: Iterable[str], status: str) -> Counter[str]:
    return Counter({status: count} if (count := len(list(request_ids))) else {})


async def _log(house: House, webhook: Any) -> list[Any]:
    """All of a webhook's log, page by page, as staff read it."""
    found: list[Any] = []
    query = {"webhook_id": webhook["id"], "limit": str(_PAGE)}
    while True:
        page = await ok(house.ingress.get("/v1/requests", params=query))
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def _rows(house: House, query: str, *values: Any) -> list[Any]:
    connection = await asyncpg.connect(house.platform.env["CAREWIRE_POSTGRES_DSN"])
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()
