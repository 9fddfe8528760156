"""`Idempotency-Key` on every POST (IETF draft-ietf-httpapi-idempotency-key-header-07).

A POST under a key is done once: the same call again, by the same API key, is answered as the first time. The answer
is kept in the transaction of what the call did, so neither is there without the other. A call that was refused has
done nothing; its key is free for another attempt.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carewire_orchestrator.adapters.store.idempotency import Answer, Call, IdempotentAnswers, OtherRequest
from carewire_orchestrator.adapters.store.joining import JoinedDatabase
from carewire_runtime.auth import ApiKeys, Principal
from carewire_runtime.errors import CarewireError, DatabaseError
from carewire_runtime.http.problem import Problem
from carewire_runtime.postgres.pool import Connection

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"

_KEY: Final = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,255})"?')
"""Visible characters, bare or as the string of the draft, which stands in quotes and needs no escapes then."""
_KEPT_HEADERS: Final = frozenset({"content-type", "etag", "location"})
_RETRY_AFTER_S: Final = 1


class _NotKept(Exception):
    """The call was refused: what it did within the transaction, which is nothing to speak of, is taken back."""


class Idempotency:
    """ASGI middleware. `committed` is called after each commit: whatever was to be published is there by then."""

    def __init__(
        self, app: ASGIApp, db: JoinedDatabase, answers: IdempotentAnswers, committed: Callable[[], None]
    ) -> None:
        self._app = app
        self._db = db
        self._answers = answers
        self._committed = committed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        given = request.headers.getlist(HEADER)
        principal = await _principal(request) if given else None
        if principal is None:
            # Nothing was asked of us, or nobody knows by whom, which the route will say.
            await self._app(scope, receive, send)
            return
        answer = await self._answer(request, given, principal)
        await _send(answer, send)

    async def _answer(self, request: Request, given: list[str], principal: Principal) -> Answer:
        try:
            key = _read_key(given)
            body = await request.body()
            call = self._answers.call(principal.id, key, _said(request, body))
            return await self._answer_once(call, request.scope, body, request.receive)
        except Problem as problem:
            return _of(problem)
        except OtherRequest:
            return _of(Problem(422, "Key used before", "this key came with another request; use a new key for it"))
        except CarewireError as error:
            if not error.retriable:
                raise
            return _of(Problem(503, "Not available", "try again", retry_after_s=2))

    async def _answer_once(self, call: Call, scope: Scope, body: bytes, receive: Receive) -> Answer:
        recorder = _Recorder(body, receive)
        try:
            async with self._db.transaction() as connection:
                before = await self._before(connection, call)
                if before is not None:
                    return before
                with self._db.joining(connection):
                    await self._app(scope, recorder.receive, recorder.send)
                recorder.raise_if_refused()
                await self._answers.keep(connection, call, recorder.answer(_KEPT_HEADERS))
        except _NotKept:
            return recorder.answer()
        self._committed()
        return recorder.answer()

    async def _before(self, connection: Connection, call: Call) -> Answer | None:
        if not await self._answers.claim(connection, call):
            detail = "a call with this key is being served; repeat it later to hear what came of it"
            raise Problem(409, "In progress", detail, retry_after_s=_RETRY_AFTER_S, code="call_in_progress")
        before = await self._answers.find(connection, call)
        if before is None:
            return None
        return Answer(before.status, (*before.headers, (REPLAYED, "true")), before.body)


class _Recorder:
    """Hands a request's body to the app, and writes down what it answers."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self.status: int = HTTPStatus.INTERNAL_SERVER_ERROR
        self._headers: list[tuple[str, str]] = []
        self._answer = bytearray()

    async def receive(self) -> Message:
        """Return the whole body, and then what becomes of the connection."""
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            self._answer += message.get("body", b"")

    def raise_if_refused(self) -> None:
        """Raise _NotKept for an error of the caller's or of ours."""
        if self.status >= HTTPStatus.BAD_REQUEST:
            raise _NotKept

    def answer(self, kept: frozenset[str] | None = None) -> Answer:
        """What was answered, with all its headers or those of a set."""
        headers = tuple((name, value) for name, value in self._headers if kept is None or name in kept)
        return Answer(self.status, headers, bytes(self._answer))


async def _principal(request: Request) -> Principal | None:
    """Who calls. None where that cannot be told."""
    api_keys: ApiKeys = request.app.state.api_keys
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        return None
    try:
        return await api_keys.authenticate(credentials.strip())
    except DatabaseError:
        return None


def _read_key(given: list[str]) -> str:
    found = _KEY.fullmatch(given[0]) if len(given) == 1 else None
    if found is None:
        errors = [{"field": "Idempotency-Key", "message": "send it once, with 1 to 255 visible ASCII characters"}]
        raise Problem(400, "Invalid key", "the header Idempotency-Key is no key", errors=errors)
    return found[1]


def _said(request: Request, body: bytes) -> bytes:
    """All of a request that makes it another one."""
    parts = (request.method, request.url.path, request.url.query, request.headers.get("content-type", ""))
    return "\n".join(parts).encode() + b"\n" + body


def _of(problem: Problem) -> Answer:
    response = problem.response()
    return Answer(response.status_code, tuple(response.headers.items()), bytes(response.body))


async def _send(answer: Answer, send: Send) -> None:
    headers = [(name, value) for name, value in answer.headers if name != "content-length"]
    headers.append(("content-length", str(len(answer.body))))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
