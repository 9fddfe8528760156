"""Callers call until they have an answer; receivers answer as they are meant to, and write down what they get."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson
import pytest
from standardwebhooks import Webhook

from carewire_testing_chaos.extent import FULL
from carewire_testing_chaos.history import Behaviour, Entry, Heard, Kind, Received
from carewire_testing_chaos.load import Load
from carewire_testing_chaos.receivers import Receivers, listening

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ACCEPTED = b'{"status": "SCHEDULED", "request_id": "r"}'


class Door:
    """An ingress that gives no answer at first, then 503, then accepts; by the key of the call."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self.bodies: dict[str, set[bytes]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
                body, key = await reader.readexactly(int(fields["content-length"])), fields["idempotency-key"]
                self.calls[key] += 1
                self.bodies.setdefault(key, set()).add(body)
                if self.calls[key] == 1:
                    return
                status, said = (503, b"") if self.calls[key] == 2 else (202, ACCEPTED)
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n" % (status, len(said)) + said)
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def door() -> AsyncIterator[tuple[Door, str]]:
    made = Door()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def load(doors: list[str], noted: list[Entry], seed: int = 1) -> Load:
    webhook = {"url": "http://x/hooks/token", "test_url": "http://x/hooks/token/test"}
    return Load(seed, "p", "k", doors, [webhook], ("one", "other"), noted.append)


async def test_a_call_is_repeated_with_the_same_bytes_until_it_is_answered(
    door: tuple[Door, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carewire_testing_chaos.load._PAUSE_S", 0.0)
    noted: list[Entry] = []
    calls = load([door[1]], noted)
    await calls._make(calls._new(0, Kind.NEW))
    calls.close()
    assert [heard.status for heard in noted if isinstance(heard, Heard)] == [None, 503, 202]
    assert noted[-1].word == "SCHEDULED"  # type: ignore[union-attr]
    assert {key: len(bodies) for key, bodies in door[0].bodies.items()} == {"k-k0": 1}
    assert (calls.answered, calls.repeated) == (1, 2)


def drawn(seed: int, count: int) -> list[tuple[Kind, str, tuple[str, ...]]]:
    calls = load([], [], seed)
    return [(call.kind, call.key, call.patients) for call in (calls._draw() for _ in range(count))]


def test_a_seed_draws_the_same_calls_of_all_kinds() -> None:
    assert drawn(3, 400) == drawn(3, 400)
    assert {kind for kind, _, _ in drawn(3, 400)} == set(Kind)


def test_duplicates_say_what_another_call_said_and_reused_keys_say_something_else() -> None:
    calls = load([], [])
    bodies: dict[str, set[bytes]] = {}
    for call in (calls._draw() for _ in range(400)):
        if call.kind is Kind.DUPLICATE:
            assert call.body in bodies[call.key]
        elif call.kind is Kind.REUSED:
            assert call.body not in bodies[call.key]
        bodies.setdefault(call.key, set()).add(call.body)
        if call.kind is Kind.CONFLICT:
            assert call.patients == ("one", "other")
        elif call.kind is Kind.TEST:
            assert call.path == "/hooks/token/test"
        elif call.kind is Kind.FILTERED:
            assert orjson.loads(call.body)["wanted"] is False


def receivers(noted: list[Received]) -> Receivers:
    made = Receivers(noted.append, FULL.names())
    for name in made.behaviours:
        made.know(name, f"id of {name}", SECRET)
    return made


def test_fifty_listen_and_one_alone_never_answers() -> None:
    counts = Counter(FULL.names().values())
    assert counts.total() == 50
    assert counts[Behaviour.DEAD] == 1
    assert set(counts) == set(Behaviour)


@pytest.mark.parametrize(
    ("name", "answers"),
    [("healthy-0", {200}), ("slow-0", {200}), ("flapping-0", {200, 500}), ("gone-0", {410}), ("dead-0", {None})],
)
def test_each_answers_as_it_is_meant_to(name: str, answers: set[int | None]) -> None:
    made = receivers([])
    given = {made._answer(name, f"event-{second}", float(second))[0] for second in range(24)}
    assert given == answers


def test_who_flapped_is_well_in_the_end() -> None:
    made = receivers([])
    made.heal()
    assert {made._answer("flapping-0", "event", float(second)) for second in range(24)} == {(200, 0.0)}


def test_nobody_who_flaps_refuses_an_event_for_ever() -> None:
    made = receivers([])
    given = [made._answer("flapping-0", "event", 0.0)[0] for _ in range(5)]
    assert given == [500, 500, 500, 200, 200]
    assert made._answer("flapping-1", "event", 0.0) == (500, 0.0)


def signed(body: bytes) -> dict[str, str]:
    now = int(time.time())
    signature = Webhook(SECRET).sign("event", _at(now), body.decode())
    return {"webhook-id": "event", "webhook-timestamp": str(now), "webhook-signature": signature}


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize(("changed", "is_signed"), [({}, True), ({"webhook-id": "other"}, False)])
async def test_a_call_is_written_down_with_whether_its_signature_holds(
    changed: dict[str, str], is_signed: bool
) -> None:
    noted: list[Received] = []
    body, headers = b'{"a": 1}', {**signed(b'{"a": 1}'), **changed}
    async with listening(receivers(noted)) as made:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(made.base_url.rpartition(":")[2]))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST /healthy-0 HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)
        assert (await reader.readuntil(b"\r\n")).split()[1] == b"200"
        writer.close()
    (one,) = noted
    assert (one.subscriber_id, one.webhook_id, one.is_signed) == ("id of healthy-0", headers["webhook-id"], is_signed)
    assert (one.answered, one.attempt_second) == (200, int(headers["webhook-timestamp"]))
