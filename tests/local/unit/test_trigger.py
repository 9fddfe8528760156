"""`carewire trigger`: to which endpoint an example goes, and what is said of the answer."""

from pathlib import Path
from typing import Any

import pytest

from carewire_local import trigger, waiting
from carewire_local.errors import JourneyStalled, NoEndpoint, NoSuchEvent
from carewire_testing_local import FakeApi, HandTime, Opened

LISTENING = {"id": "ep-listen", "name": "carewire listen on here, process 7"}
BILLING = {"id": "ep-billing", "name": "Billing"}
RECORDS = {"id": "ep-records", "name": "Records"}
TYPE = "pathway.completed"


def ended(status: str, **attempt: Any) -> dict[str, Any]:
    """A delivery after its first attempt."""
    tried = {"status_code": None, "failure": None, "duration_ms": 12} | attempt
    return {"status": status, "attempt_log": [tried]}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    made = FakeApi()
    made.lists["/v1/endpoints"] = [BILLING, LISTENING]
    for endpoint in (BILLING, LISTENING, RECORDS):
        made.answers[f"GET /v1/endpoints/{endpoint['id']}"] = endpoint
        made.answers[f"POST /v1/endpoints/{endpoint['id']}/test"] = {"event_id": "ev1", "delivery_id": "dl1"}
    made.answers["GET /v1/deliveries/dl1"] = ended("delivered", status_code=204)
    monkeypatch.setattr(trigger, "dispatcher_of", lambda _: Opened(made))
    monkeypatch.setattr(waiting, "time", HandTime())
    return made


def sent_to(api: FakeApi) -> list[str]:
    return [asked.split("/")[3] for asked in api.asked if asked.endswith("/test")]


def test_whoever_listens_gets_it_and_the_answer_is_told(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trigger.run(tmp_path, TYPE) == 0
    assert sent_to(api) == ["ep-listen"]
    assert api.bodies["POST /v1/endpoints/ep-listen/test"] == {"event_type": TYPE}
    assert capsys.readouterr().out.splitlines() == [
        "pathway.completed goes to carewire listen on here, process 7 (ep-listen), webhook-id ev1",
        "delivered: the endpoint said 204 after 12 ms",
    ]


def test_an_endpoint_that_is_named_gets_it_although_somebody_listens(api: FakeApi, tmp_path: Path) -> None:
    trigger.run(tmp_path, TYPE, "ep-billing")
    assert sent_to(api) == ["ep-billing"]


def test_of_several_listeners_the_last_one_gets_it(api: FakeApi, tmp_path: Path) -> None:
    api.lists["/v1/endpoints"] = [{"id": "ep-billing", "name": LISTENING["name"]}, LISTENING]
    trigger.run(tmp_path, TYPE)
    assert sent_to(api) == ["ep-listen"]


def test_the_only_endpoint_gets_it(api: FakeApi, tmp_path: Path) -> None:
    api.lists["/v1/endpoints"] = [BILLING]
    trigger.run(tmp_path, TYPE)
    assert sent_to(api) == ["ep-billing"]


def test_between_several_one_has_to_be_chosen(api: FakeApi, tmp_path: Path) -> None:
    api.lists["/v1/endpoints"] = [BILLING, RECORDS]
    with pytest.raises(NoEndpoint, match=r"--endpoint ID.*ep-billing Billing; ep-records Records"):
        trigger.run(tmp_path, TYPE)
    assert sent_to(api) == []


def test_without_any_it_is_said_how_to_get_one(api: FakeApi, tmp_path: Path) -> None:
    api.lists["/v1/endpoints"] = []
    with pytest.raises(NoEndpoint, match="start `carewire listen` in another terminal"):
        trigger.run(tmp_path, TYPE)


@pytest.mark.parametrize(
    ("attempt", "said"), [({"status_code": 500}, "500"), ({"failure": "timeout"}, "timeout")], ids=["answer", "none"]
)
def test_an_event_that_is_not_accepted_is_a_failure_of_the_command(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str], attempt: dict[str, Any], said: str
) -> None:
    api.answers["GET /v1/deliveries/dl1"] = ended("retrying", **attempt)
    assert trigger.run(tmp_path, TYPE) == 1
    assert capsys.readouterr().out.endswith(f"retrying: the endpoint said {said} after 12 ms\n")


def test_the_first_attempt_is_waited_for(api: FakeApi, tmp_path: Path) -> None:
    answers = iter([{"status": "retrying", "attempt_log": []}] * 3)
    delivered = ended("delivered", status_code=200)
    api.answers["GET /v1/deliveries/dl1"] = lambda _: next(answers, delivered)
    assert trigger.run(tmp_path, TYPE) == 0


def test_an_attempt_that_does_not_come_is_named(api: FakeApi, tmp_path: Path) -> None:
    api.answers["GET /v1/deliveries/dl1"] = {"status": "retrying", "attempt_log": []}
    with pytest.raises(JourneyStalled, match="the first attempt"):
        trigger.run(tmp_path, TYPE)


def test_a_type_that_there_is_not_is_told_with_what_may_be_meant(api: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(NoSuchEvent, match=r"Did you mean form\.submitted"):
        trigger.run(tmp_path, "form.submited")
    assert api.asked == []


def test_a_type_like_no_other_is_told_with_the_whole_list(api: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(NoSuchEvent, match=r"no event type 'xyz'\. All of them: pathway\.started, "):
        trigger.run(tmp_path, "xyz")
