"""The journey: two webhooks played through, each step printed with its time, every stall named."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from carewire_local import journey, waiting
from carewire_local.errors import JourneyFailed, JourneyStalled
from carewire_local.examples import HIP_SURGERY, MOOD_SCREENING
from carewire_local.sample import Sample
from carewire_testing_local import FakeIngress, HandTime, Opened, details

SECRET = "whsec_the-endpoint-s-secret"
WEBHOOKS = {HIP_SURGERY.name: "http://ingress/hooks/hip", MOOD_SCREENING.name: "http://ingress/hooks/mood"}
REASONS = [{"code": "wrong_type", "message": "Data point surgery_date: expected date, found string."}]


class World:
    """A platform in memory: a webhook starts a care flow, a submitted form completes it, a receiver hears of it."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}
        self.completed: list[str] = []
        self.submitted: list[dict[str, Any]] = []
        self.delivers = True
        self.refusal: httpx.Response | None = None
        self.ingress = FakeIngress()
        self._numbers = itertools.count(1)

    def call(self, request: httpx.Request) -> httpx.Response:
        """Answer a call to a webhook."""
        if self.refusal is not None:
            return self.refusal
        if b"last Monday" in request.content:
            return httpx.Response(422, json={"title": "Payload rejected", "reasons": REASONS})
        kind = request.url.path.rpartition("/")[2]
        key = kind + str(hash(request.content))
        care_flow_id = self.started.setdefault(key, f"cf-{kind}-{len(self.started) + 1}")
        self.ingress.requests.setdefault(care_flow_id, details("SUCCESS", care_flow_id))
        return httpx.Response(202, json={"request_id": care_flow_id, "status": "SCHEDULED"})

    def get(self, path: str, **_: str) -> Any:
        """Answer what a care flow is about."""
        care_flow_id = path.rpartition("/")[2]
        done = "completed" if care_flow_id in self.completed else "active"
        return {"id": care_flow_id, "title": "Follow-up", "patient_id": "pat-1", "status": done}

    def all(self, path: str, **_: str) -> list[Any]:
        """One form waits in each care flow."""
        message = {"id": "m1", "kind": "message", "title": "Welcome"}
        return [message, {"id": path.split("/")[3], "kind": "form", "title": "Pain check"}]

    def post(self, path: str, body: Any = None) -> Any:
        """Take the answers of a form."""
        self.submitted.append(body["answers"])
        self.completed.append(path.split("/")[3])
        return {"care_flow_status": "completed"}

    def next(self, wanted: Callable[[dict[str, Any]], bool], deadline_s: float, what: str) -> dict[str, Any]:
        """What the receiver heard of the care flows that are completed."""
        for care_flow_id in self.completed if self.delivers else ():
            told = {
                "care_flow_id": care_flow_id,
                "received": "pathway.completed",
                "verified_by": "standardwebhooks",
                "webhook_id": f"msg-{care_flow_id}",
            }
            if wanted(told):
                return told
        raise JourneyStalled(f"waited {deadline_s:g} s for {what}; the log files say more")


class FakePlatform:
    """Up at once."""

    urls = {"ingress": "http://i", "orchestrator": "http://o", "dispatcher": "http://d"}  # noqa: RUF012
    api_key = "cw_admin_key"
    logs = Path("/state/logs")

    def __init__(self, _folder: Path, *, report: Callable[[str], None]) -> None:
        self.stack = SimpleNamespace(ports=SimpleNamespace(choose=lambda _: 5_000), kafka_bootstrap="127.0.0.1:9092")
        self._report = report

    def __enter__(self) -> "FakePlatform":  # noqa: PYI034 (nobody inherits)
        self._report("all services are ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._report("everything is down")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    client = httpx.Client(transport=httpx.MockTransport(made.call))
    monkeypatch.setattr(journey, "Platform", FakePlatform)
    monkeypatch.setattr(journey, "ManagementApi", lambda *_: Opened(made))
    monkeypatch.setattr(journey, "IngressApi", lambda *_: Opened(made.ingress))
    monkeypatch.setattr(journey, "provide_sample", lambda *_: Sample(WEBHOOKS, "ep1", SECRET))
    monkeypatch.setattr(journey, "SampleReceiver", lambda *_: Opened(made))
    monkeypatch.setattr(journey, "_third_party", lambda: client)
    monkeypatch.setattr(waiting, "time", HandTime())
    yield made
    client.close()


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def steps(lines: list[str]) -> list[str]:
    """The labels of what was printed with a time."""
    return [found[1].strip() for line in lines if (found := re.match(r" +\+\d+ ms  (.{22})", line))]


def test_a_demo_plays_both_care_flows_and_a_refusal_and_exits(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert journey.run(tmp_path, stay=False) == 0
    lines = printed(capsys)
    assert steps(lines) == [
        "POST /hooks/...  202",
        "care flow started",
        "form waits",
        "form submitted",
        "pathway.completed",
        "the same call again",
        "POST /hooks/...  202",
        "care flow started",
        "form waits",
        "form submitted",
        "pathway.completed",
        "POST /hooks/...  422",
    ]
    assert [line.strip() for line in lines if "everything is down" in line] == ["everything is down"]
    assert lines[-1].startswith("Stopped; nothing is left running. Next: `make run`")


def test_each_story_says_who_sends_and_who_hears(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journey.run(tmp_path, stay=False)
    titles = [line for line in printed(capsys) if line and not line.startswith(" ")]
    assert titles[1:4] == [
        "A hip surgery: an EHR sends a FHIR ServiceRequest, a CRM hears of the end",
        "A mood screening: Typeform sends the answers of the same patient, a nurse calls",
        "A payload that does not fit: every reason at once, and no value",
    ]


def test_the_same_call_again_ends_with_the_first_one_s_care_flow(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journey.run(tmp_path, stay=False)
    (line,) = (line for line in printed(capsys) if "the same call again" in line)
    assert line.endswith("SUCCESS, the same care flow: True")
    assert len(world.started) == 2


def test_every_reason_of_a_refusal_is_shown(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journey.run(tmp_path, stay=False)
    lines = printed(capsys)
    assert any(line.split() == ["wrong_type", *REASONS[0]["message"].split()] for line in lines)


def test_the_answers_are_those_of_the_forms(world: World, tmp_path: Path) -> None:
    journey.run(tmp_path, stay=False)
    assert world.submitted == [{"pain_today": 3, "wound_dry": True}, {"outcome": "appointment"}]


def test_no_secret_is_printed_by_a_demo(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journey.run(tmp_path, stay=False)
    text = "\n".join(printed(capsys))
    assert SECRET not in text
    assert FakePlatform.api_key not in text
    assert "/hooks/hip" not in text


class Interrupted:
    """Ctrl-C as soon as it is waited for."""

    def wait(self) -> None:
        raise KeyboardInterrupt


def test_run_stays_and_shows_where_everything_is_and_what_to_try(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.Event", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        journey.run(tmp_path, stay=True)
    lines = printed(capsys)
    text = "\n".join(lines)
    assert "It runs until Ctrl-C." in lines
    for url in FakePlatform.urls.values():
        assert f"{url}/docs" in text
    for shown in (FakePlatform.api_key, "http://ingress/hooks/hip", "127.0.0.1:9092", "/state/logs"):
        assert shown in text
    assert f"curl -d @examples/payloads/{HIP_SURGERY.payload_file}" in text
    assert lines[-1].strip() == "everything is down"


def test_a_delivery_that_does_not_come_is_named(world: World, tmp_path: Path) -> None:
    world.delivers = False
    with pytest.raises(JourneyStalled, match=r"waited 20 s for the delivery of pathway\.completed; the log files"):
        journey.run(tmp_path, stay=False)


def test_a_request_that_does_not_end_is_named(world: World, tmp_path: Path) -> None:
    world.ingress.requests["cf-hip-1"] = details("PROCESSING")
    with pytest.raises(JourneyStalled, match="waited 20 s for the request to end; the log files"):
        journey.run(tmp_path, stay=False)


def test_a_form_that_does_not_come_is_named(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "all", lambda *_, **__: [{"id": "m1", "kind": "message", "title": "Welcome"}])
    with pytest.raises(JourneyStalled, match="waited 20 s for a form to wait for its answers"):
        journey.run(tmp_path, stay=False)


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ("FAILED", "Failed: the identifiers belong to two patients."),
        ("REJECTED", "Not meant for this care flow by the webhook's filter, so nothing was started."),
    ],
)
def test_a_request_that_starts_no_care_flow_is_told_with_its_reason_and_what_to_do(
    world: World, tmp_path: Path, status: str, done: str
) -> None:
    world.ingress.requests["cf-hip-1"] = details(status, done=["Stored and queued for the orchestrator.", done])
    with pytest.raises(JourneyFailed) as failed:
        journey.run(tmp_path, stay=False)
    assert str(failed.value) == (
        f"request cf-hip-1 ended {status} without a care flow. {done} "
        "Next: read the log files in .carewire/logs, or start afresh after `make clean`."
    )


def test_a_call_that_is_not_accepted_is_told_with_its_reason_and_what_to_do(world: World, tmp_path: Path) -> None:
    problem = {"title": "Disabled", "detail": "enable the webhook"}
    world.refusal = httpx.Response(409, json=problem, headers={"content-type": "application/problem+json"})
    with pytest.raises(JourneyFailed, match=r"answered 409: Disabled - enable the webhook\. Next: read the log files"):
        journey.run(tmp_path, stay=False)
