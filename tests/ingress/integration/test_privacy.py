"""Nothing that a sender says leaves by a log, a span, a metric, a record's key or header, or an error."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from carewire_contracts.topics import Topics
from carewire_ingress.settings import IngressSettings
from carewire_runtime.telemetry.logs import configure_logs
from carewire_runtime.telemetry.tracing import configure_tracing, shutdown_tracing
from carewire_testing_ingress.running import records_of, running
from carewire_testing_ingress.samples import DEFINITION_ID, MRN, PATHS, PAYLOAD

CANARY = "CANARY-5e1d"


@pytest.fixture
def logs() -> Iterator[io.BytesIO]:
    stream = io.BytesIO()
    configure_logs("ingress", "DEBUG", stream)
    yield stream
    configure_logs("carewire")


@pytest.fixture
def spans(settings: IngressSettings, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "spans.jsonl"
    configure_tracing(
        "ingress", settings.model_copy(update={"trace_sample_ratio": 1.0, "trace_export": f"file:{file}"})
    )
    yield file
    shutdown_tracing()


@pytest.fixture
async def heard(settings: IngressSettings) -> AsyncIterator[list[str]]:
    """Everything that was answered to a sender of canaries."""
    answers: list[str] = []
    async with running(settings) as ingress:
        webhook = await ingress.create(
            name="Surgeries", definition_id=DEFINITION_ID, mapping=PATHS, start_key={"header": "X-Delivery"}
        )
        await ingress.enable(webhook)
        await ingress.called(webhook, PAYLOAD, 202)
        identified = PAYLOAD | {"patient_identifier": {"system": MRN, "value": CANARY}}
        headers = {
            "idempotency-key": CANARY,
            "webhook-id": CANARY,
            "x-delivery": CANARY,
            "traceparent": f"00-{'1' * 32}-{'2' * 16}-00-{CANARY}",
            "user-agent": CANARY,
        }
        wrong = {CANARY: {CANARY: CANARY}, "surgery": {"date": CANARY}, "pain": {CANARY: 1}}
        unknown = {"patient_identifier": {"system": f"https://{CANARY}.example", "value": CANARY}}
        for payload in (identified, wrong, wrong | unknown, b'{"' + CANARY.encode(), CANARY):
            for is_test in (False, True):
                answer = await ingress.call(webhook, payload, test=is_test, headers=headers)
                answers.append(answer.text)
        path = urlsplit(webhook["url"]).path
        urls = (f"/hooks/{CANARY}", f"{path}/{CANARY}", f"{path}?q={CANARY}", f"/v1/{CANARY}")
        answers += [(await ingress.anyone.post(url, json=wrong)).text for url in urls]
        answers.append((await ingress.admin.post("/v1/incoming-webhooks", json={"name": [CANARY]})).text)
        await ingress.logged((await ingress.call(webhook, identified)).json()["request_id"], "SCHEDULED")
        answers.append((await ingress.anyone.get("/metrics")).text)
        token = path.removeprefix("/hooks/")
        answers.append(token)
        yield answers


async def test_a_senders_words_stay_inside(
    settings: IngressSettings, logs: io.BytesIO, spans: Path, heard: list[str]
) -> None:
    token = heard.pop()
    shutdown_tracing()
    said = [*heard, logs.getvalue().decode(), await asyncio.to_thread(spans.read_text)]
    topics = Topics(settings.topic_prefix, settings.partitions)
    for topic in (topics.requests, topics.refused, topics.incoming_webhooks):
        for record in await records_of(settings, topic):
            said += [str(record.key), str(record.headers)]
    assert "call_answered" in "".join(said)
    assert "ingress.receive" in "".join(said)
    for text in said:
        assert CANARY not in text
        assert token not in text
