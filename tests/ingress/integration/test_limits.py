"""What one caller may cost: calls a second, entries of the log a minute, bytes of a head, seconds of a connection."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import pytest_asyncio

from carewire_ingress.settings import IngressSettings
from carewire_runtime.telemetry import metrics
from carewire_testing.waiting import eventually
from carewire_testing_ingress.running import RunningIngress, running
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD

pytestmark = pytest.mark.asyncio(loop_scope="module")

PER_MINUTE = 5
PATIENCE_S = 20.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    strict = {
        "refused_per_minute": PER_MINUTE,
        "max_head_bytes": 4_096,
        "head_read_seconds": 0.5,
        "body_read_seconds": 0.5,
        "max_body_bytes": 10_000,
    }
    async with running(settings.model_copy(update=strict)) as replica:
        yield replica


async def create(ingress: RunningIngress, **more: Any) -> dict[str, Any]:
    """Create and enable a webhook, and wait until that has arrived without a call, which its rate would count.

    Once its last URL is known, all that was changed before is.
    """
    created = await ingress.create(**({"name": "A", "definition_id": DEFINITION_ID, "mapping": PATHS} | more))
    await ingress.enable(created)
    answer = await ingress.admin.post(
        f"/v1/incoming-webhooks/{created['id']}/rotate-token", json={"overlap_seconds": 0}
    )
    rotated: dict[str, Any] = answer.json()

    async def known() -> bool:
        return (await ingress.anyone.get(urlsplit(rotated["url"]).path)).status_code == 405

    await eventually(known)
    return rotated


async def kept(ingress: RunningIngress, webhook: dict[str, Any], status: str) -> int:
    page = await ingress.admin.get("/v1/requests", params={"webhook_id": webhook["id"], "status": status, "limit": 200})
    assert page.status_code == 200, page.text
    return len(page.json()["items"])


async def said(ingress: RunningIngress, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Send bytes and return all that comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ingress.anyone.base_url.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(PATIENCE_S):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def status(answer: bytes) -> int:
    return int(answer[9:12]) if answer else 0


async def test_a_webhook_above_its_rate_says_when_to_come_back_and_takes_calls_then(ingress: RunningIngress) -> None:
    webhook = await create(ingress, rate_limit={"per_second": 1, "burst": 3})
    await ingress.called(webhook, PAYLOAD, 202)
    answers = await asyncio.gather(*(ingress.call(webhook, PAYLOAD) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] in {"1", "2"}
    assert refused.headers["content-type"] == "application/problem+json"
    await asyncio.sleep(int(refused.headers["retry-after"]))
    assert (await ingress.call(webhook, PAYLOAD)).status_code == 202


async def test_one_webhooks_flood_takes_nothing_from_another(ingress: RunningIngress) -> None:
    flooded = await create(ingress, rate_limit={"per_second": 0.1, "burst": 1})
    quiet = await create(ingress, rate_limit={"per_second": 0.1, "burst": 2})
    await ingress.called(flooded, PAYLOAD, 202)
    assert (await ingress.call(flooded, PAYLOAD)).status_code == 429
    await ingress.called(quiet, PAYLOAD, 202)
    assert (await ingress.call(quiet, PAYLOAD)).status_code == 202


async def test_a_flood_of_refused_calls_costs_a_bounded_log_and_is_counted(ingress: RunningIngress) -> None:
    webhook = await create(ingress)
    await ingress.called(webhook, PAYLOAD, 202)
    before = metrics.REFUSED_NOT_LOGGED.value(status="REJECTED", reason="no_match")
    answers = await asyncio.gather(*(ingress.call(webhook, {"pain": number}) for number in range(60)))
    assert {answer.status_code for answer in answers} == {422}
    tests = await asyncio.gather(*(ingress.call(webhook, PAYLOAD, test=True) for _ in range(60)))
    assert {answer.status_code for answer in tests} == {200}
    counted = metrics.REFUSED_NOT_LOGGED.value(status="REJECTED", reason="no_match") - before
    logged = 60 - int(counted)
    assert logged <= PER_MINUTE + 2
    last = await ingress.call(webhook, PAYLOAD)
    await ingress.logged(last.json()["request_id"], "SCHEDULED")
    for status_word in ("REJECTED", "TEST"):
        assert 1 <= await kept(ingress, webhook, status_word) <= PER_MINUTE + 2
    shown = (await ingress.anyone.get("/metrics")).text
    assert 'carewire_refused_not_logged_total{reason="no_match",status="REJECTED"}' in shown


async def test_calls_to_addresses_that_nobody_has_are_counted_alone(ingress: RunningIngress) -> None:
    before = metrics.REQUESTS.value(status="unknown_webhook", reason="")
    for number in range(20):
        assert (await ingress.anyone.post(f"/hooks/guess-{number}", json=PAYLOAD)).status_code == 404
    assert metrics.REQUESTS.value(status="unknown_webhook", reason="") == before + 20


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"X: " + b"a" * 5_000 + b"\r\n", id="one long header"),
        pytest.param(b"X: a\r\n" * 300, id="many headers"),
        pytest.param(b"X: " + b"a" * 300_000, id="a header without an end"),
    ],
)
async def test_a_head_that_is_too_large_is_refused(ingress: RunningIngress, lines: bytes) -> None:
    answer = await said(ingress, b"POST /hooks/x HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n", b"a" * 10_000)
    assert status(answer) in {431, 0}


async def test_whoever_sends_nothing_or_drips_is_hung_up_on(ingress: RunningIngress) -> None:
    silent, stuck = await asyncio.gather(
        said(ingress), said(ingress, b"POST /hooks/x HTTP/1.1\r\n", b"X", b"-", b"A", pause_s=0.2)
    )
    assert silent == b""
    assert status(stuck) == 408


async def test_a_body_that_drips_is_cut(ingress: RunningIngress) -> None:
    webhook = await create(ingress)
    await ingress.called(webhook, PAYLOAD, 202)
    path = urlsplit(webhook["url"]).path.encode()
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" % path
    assert status(await said(ingress, head, b"{", b'"', b"a", pause_s=0.1)) == 408


async def test_a_compressed_body_is_never_inflated(ingress: RunningIngress) -> None:
    webhook = await create(ingress)
    await ingress.called(webhook, PAYLOAD, 202)
    bomb = gzip.compress(b"0" * 5_000_000)
    assert len(bomb) < 10_000
    for encoding in ("gzip", "deflate", "br", "gzip, gzip", "GZIP"):
        answer = await ingress.call(
            webhook, bomb, headers={"content-type": "application/json", "content-encoding": encoding}
        )
        assert answer.status_code == 415
    plain = {"content-type": "application/json", "content-encoding": "identity"}
    assert (await ingress.call(webhook, orjson.dumps(PAYLOAD), headers=plain)).status_code == 202


async def test_after_all_that_the_server_is_well(ingress: RunningIngress) -> None:
    assert (await ingress.anyone.get("/readyz")).status_code == 200
    webhook = await create(ingress)
    await ingress.called(webhook, PAYLOAD, 202)
