"""The calls of a campaign: of all kinds, drawn by lot, at a steady pace, each repeated until it has its answer."""

import asyncio
import hashlib
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from carewire_contracts.timestamps import format_timestamp
from carewire_runtime.clock import SystemClock
from carewire_testing_chaos.history import Called, Entry, Heard, Kind
from carewire_testing_e2e.house import SYSTEM
from carewire_testing_e2e.keep_alive import KeepAlive, Unanswered, post_of

_SHARES: Final = {
    Kind.NEW: 66,
    Kind.DUPLICATE: 12,
    Kind.REUSED: 3,
    Kind.CONFLICT: 2,
    Kind.REJECTED: 6,
    Kind.FILTERED: 6,
    Kind.TEST: 5,
}
_RECENT: Final = 50
"""A duplicate follows its original within so many calls."""
_SAME_PATIENT: Final = 3
"""So many calls are about a patient each."""
_PAUSE_S: Final = 0.3
"""Before a call is repeated."""
_WAIT: Final = timedelta(seconds=2)
"""The timer of each care flow."""


@dataclass
class Load:
    """All calls so far. The marks stand in every identifier and every key, so that they can be looked for.

    `doors` are the base URLs of ingress, `webhooks` those that are called.
    """

    seed: int
    patients_mark: str
    keys_mark: str
    doors: list[str]
    webhooks: list[Any]
    conflict: tuple[str, str]
    note: Callable[[Entry], None]
    made: int = 0
    answered: int = 0
    repeated: int = 0
    _lot: random.Random = field(init=False)
    _originals: "deque[_Call]" = field(default_factory=lambda: deque(maxlen=_RECENT))
    _idle: dict[str, list[KeepAlive]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lot = random.Random(self.seed)

    def close(self) -> None:
        """Hang up."""
        for line in (line for lines in self._idle.values() for line in lines):
            line._close()
        self._idle.clear()

    async def keep_on(self, rate: float, until: asyncio.Event) -> None:
        """Make so many calls a second until the event; return when all have their answers."""
        async with asyncio.TaskGroup() as calls:
            while not until.is_set():
                calls.create_task(self._make(self._draw()))
                await asyncio.sleep(self._lot.uniform(0.5, 1.5) / rate)

    def _draw(self) -> "_Call":
        kind = self._lot.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
        number, self.made = self.made, self.made + 1
        original = self._lot.choice(self._originals) if self._originals else None
        if kind is Kind.DUPLICATE and original is not None:
            return _Call(number, kind, original.key, original.patients, original.path, original.body)
        if kind is Kind.REUSED and original is not None:
            body = orjson.dumps({**orjson.loads(original.body), "again": number})
            return _Call(number, kind, original.key, original.patients, original.path, body)
        if kind in (Kind.DUPLICATE, Kind.REUSED):
            kind = Kind.NEW
        made = self._new(number, kind)
        if kind is Kind.NEW:
            self._originals.append(made)
        return made

    def _new(self, number: int, kind: Kind) -> "_Call":
        patients = self.conflict if kind is Kind.CONFLICT else (f"{self.patients_mark}-p{number // _SAME_PATIENT}",)
        payload: dict[str, Any] = {
            "patient_identifier": [{"system": SYSTEM, "value": value} for value in patients],
            "number": "none" if kind is Kind.REJECTED else number,
            "due": format_timestamp(SystemClock().now() + _WAIT),
            "wanted": kind is not Kind.FILTERED,
        }
        webhook = self._lot.choice(self.webhooks)
        path = urlsplit(webhook["test_url" if kind is Kind.TEST else "url"]).path
        return _Call(number, kind, f"{self.keys_mark}-k{number}", patients, path, orjson.dumps(payload))

    async def _make(self, call: "_Call") -> None:
        digest = hashlib.sha256(call.body).hexdigest()[:16]
        self.note(Called(call.number, call.kind, call.key, digest, call.patients))
        tries = 0
        while not await self._try(call, self.doors[(call.number + tries) % len(self.doors)]):
            tries += 1
            self.repeated += 1
            await asyncio.sleep(_PAUSE_S)
        self.answered += 1

    async def _try(self, call: "_Call", door: str) -> bool:
        """Call once, and write down what was told; say whether that is an answer."""
        idle, began = self._idle.setdefault(door, []), time.time()
        line = idle.pop() if idle else KeepAlive(door)
        try:
            told = await line.call(post_of(door + call.path, call.body, idempotency_key=call.key))
        except Unanswered:
            self.note(Heard(call.number, began, time.time(), None))
            return False
        idle.append(line)
        said = orjson.loads(told.body) if told.body else {}
        word = said.get("status") if told.status < 300 else None
        request_id = said.get("request_id")
        self.note(Heard(call.number, began, time.time(), told.status, _word(word), request_id))
        return told.status != 503


def _word(word: Any) -> str | None:
    return word if isinstance(word, str) else None


@dataclass(frozen=True, slots=True)
class _Call:
    number: int
    kind: Kind
    key: str
    patients: tuple[str, ...]
    path: str
    body: bytes
