"""Answers that are kept under the idempotency keys of their calls."""

from dataclasses import dataclass, field
from typing import Final

import orjson

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.sealing import Keyring

_CONTEXT: Final = "idempotency"
_LOCK_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Call:
    """A call under a key: whose key it is, and what was asked, both as keyed fingerprints."""

    key: bytes
    request: bytes

    @property
    def lock(self) -> int:
        """The advisory lock of the key."""
        return int.from_bytes(self.key[:_LOCK_BYTES], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, with the headers that belong to it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


class OtherRequest(Exception):
    """The key was used for another request."""


class IdempotentAnswers:
    """The table of answers."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def call(self, principal_id: str, key: str, request: bytes) -> Call:
        """A call by the one who makes it, the key that they chose, and all that the request says."""
        owner = f"{_CONTEXT} of {principal_id}"
        return Call(
            key=self._keyring.fingerprint(key.encode(), context=owner),
            request=self._keyring.fingerprint(request, context=owner),
        )

    async def claim(self, connection: Connection, call: Call) -> bool:
        """Keep others from doing the call until this transaction has ended. False: somebody is at it."""
        return bool(await connection.fetchval(QUERIES.try_idempotency_lock, call.lock))

    async def find(self, connection: Connection, call: Call) -> Answer | None:
        """What was answered to the call before. Raises OtherRequest, SealBroken or UnknownKey."""
        row = await connection.fetchrow(QUERIES.idempotent_answer, call.key)
        if row is None:
            return None
        if row["request_fingerprint"] != call.request:
            raise OtherRequest
        kept = orjson.loads(self._keyring.open(row["sealed_answer"], context=_sealed_for(call)))
        headers = tuple((name, value) for name, value in kept["headers"])
        return Answer(row["status"], headers, kept["body"].encode("latin-1"))

    async def keep(self, connection: Connection, call: Call, answer: Answer) -> None:
        """Keep an answer, in the transaction that the connection is in."""
        # Bytes as text, one letter each: JSON takes no bytes.
        plain = orjson.dumps({"headers": answer.headers, "body": answer.body.decode("latin-1")})
        sealed = self._keyring.seal(plain, context=_sealed_for(call))
        await connection.execute(QUERIES.add_idempotent_answer, call.key, call.request, new_id(), answer.status, sealed)


def _sealed_for(call: Call) -> str:
    return f"{_CONTEXT} answer {call.key.hex()}"


async def delete_idempotent_answers(connection: Connection, before: str, limit: int) -> int:
    """Delete the oldest answers before an id, some at a time; returns how many."""
    return int((await connection.execute(QUERIES.delete_idempotent_answers, before, limit)).split()[-1])
