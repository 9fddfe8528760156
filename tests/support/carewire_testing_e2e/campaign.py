"""A campaign: very many calls of all kinds at full speed, and what each caller was told in the end.

Callers do what good senders do: whoever hears 503, or nothing, calls again with the same key and the same bytes.
"""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from carewire_testing_e2e.care_flows import payload_of
from carewire_testing_e2e.keep_alive import KeepAlive, Told, Unanswered, post_of

ALL_LOGGED: Final = {"CAREWIRE_REFUSED_PER_MINUTE": "1000000"}
"""Settings of a house that logs every refused call, however many there are, so that they can be reckoned."""

_CALLERS: Final = 64
_PAUSE_S: Final = 0.1
"""Before a call is repeated."""
_REPEATED_WITHIN: Final = 500
"""A duplicate follows its original within so many calls, so that many of them meet it while it is at work."""


class Kind(StrEnum):
    """What a call is."""

    NEW = "new"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    TEST = "test"


_SHARES: Final = {Kind.NEW: 75, Kind.DUPLICATE: 10, Kind.REFUSED: 10, Kind.TEST: 5}
_ANSWERED: Final = {Kind.NEW: 202, Kind.DUPLICATE: 202, Kind.REFUSED: 422, Kind.TEST: 200}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as often as it is repeated. `key` is its idempotency key."""

    kind: Kind
    key: str
    request: bytes = field(repr=False)


@dataclass(slots=True)
class Campaign:
    """What the callers were told: the answer of each call by its request id, and what they had to repeat."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    accepted: dict[str, str] = field(default_factory=dict)
    """The key of each accepted call by its request id."""
    refused: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    unanswered: int = 0
    """Calls that got no answer, and were repeated."""
    unavailable: int = 0
    """Calls that got 503, and were repeated."""
    unexpected: Counter[tuple[Kind, int]] = field(default_factory=Counter)

    @property
    def keys(self) -> set[str]:
        """The keys under which something was accepted."""
        return set(self.accepted.values())

    @property
    def answered(self) -> int:
        """How many calls have their answer."""
        return len(self.accepted) + len(self.refused) + len(self.tests) + self.unexpected.total()

    @property
    def undisturbed(self) -> bool:
        """Whether every call was answered at once, so that nothing can be in the log that nobody was told of."""
        return not self.unanswered and not self.unavailable

    def note(self, call: Call, told: Told) -> None:
        """Take down the last answer to a call."""
        if told.status != _ANSWERED[call.kind]:
            self.unexpected[call.kind, told.status] += 1
            return
        request_id = str(orjson.loads(told.body)["request_id"])
        if call.kind is Kind.TEST:
            self.tests.add(request_id)
        elif call.kind is Kind.REFUSED:
            self.refused.add(request_id)
        else:
            self.accepted[request_id] = call.key


def calls_of(webhook: Any, total: int, seed: int) -> Iterator[Call]:
    """The calls of a campaign: drawn by lot, in the same order for the same seed, with patients of its own."""
    lot, mark, originals = random.Random(seed), secrets.token_hex(4), list[Call]()
    kinds = lot.choices(list(_SHARES), weights=list(_SHARES.values()), k=total)
    for number, kind in enumerate(kinds):
        if kind is Kind.DUPLICATE and originals:
            original = lot.choice(originals[-_REPEATED_WITHIN:])
            yield Call(kind, original.key, original.request)
            continue
        # Every other call is about a patient whom another one has just been about.
        payload = (
            payload_of(f"{mark}-{number // 2}")
            if kind is not Kind.REFUSED
            else {"patient_identifier": {"system": "of nobody"}}
        )
        key, url = f"{mark}-{number}", webhook["test_url" if kind is Kind.TEST else "url"]
        call = Call(
            Kind.NEW if kind is Kind.DUPLICATE else kind, key, post_of(url, orjson.dumps(payload), idempotency_key=key)
        )
        if call.kind is Kind.NEW:
            originals.append(call)
        yield call


async def wage(campaign: Campaign, webhook: Any, calls: Iterator[Call]) -> None:
    """Make all calls, side by side, each until it has its answer."""

    async def one() -> None:
        async with KeepAlive(webhook["url"]) as line:
            for call in calls:
                campaign.note(call, await _answer(campaign, line, call))

    async with asyncio.TaskGroup() as group:
        for _ in range(_CALLERS):
            group.create_task(one())


async def _answer(campaign: Campaign, line: KeepAlive, call: Call) -> Told:
    while True:
        try:
            told = await line.call(call.request)
        except Unanswered:
            campaign.unanswered += 1
        else:
            if told.status != 503:
                return told
            campaign.unavailable += 1
        await asyncio.sleep(_PAUSE_S)
