"""`carewire demo` and `carewire run`: everything on this machine, and the journey of two webhooks through it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from carewire_ingress.adapters.request_forms import RequestDetails
from carewire_local.errors import JourneyFailed
from carewire_local.examples import HIP_SURGERY, MOOD_SCREENING, new_answers, new_order
from carewire_local.ingress_api import IngressApi
from carewire_local.management_api import ManagementApi, why
from carewire_local.platform import Platform
from carewire_local.progress import say
from carewire_local.sample import Apis, Sample, provide_sample
from carewire_local.sample_receiver import SampleReceiver, receiver_url
from carewire_local.timeline import Timeline
from carewire_local.waiting import until

_STEP_DEADLINE_S = 20.0
_FINAL = ("SUCCESS", "FAILED", "REJECTED")
_NEXT = "read the log files in .carewire/logs, or start afresh after `make clean`"


def run(folder: Path, *, stay: bool) -> int:
    """Start everything, play the journey; then stop in order, or with `stay` at Ctrl-C. Returns the exit code."""
    began = time.monotonic()
    say("Starting Kafka, Postgres and the three services on this machine ...")
    with Platform(folder, report=lambda text: say(f"  {text}")) as platform, _apis(platform) as apis:
        port = platform.stack.ports.choose("receiver")
        sample = provide_sample(apis, receiver_url(port))
        with SampleReceiver(port, sample.endpoint_secret) as receiver:
            _play(apis, sample, receiver)
            say(f"\nAll of this took {time.monotonic() - began:.1f} s, start of the servers included.")
            if stay:
                _show_where(platform, sample)
                threading.Event().wait()
    say("Stopped; nothing is left running. Next: `make run` keeps it up for you to try, README.md has the rest.")
    return 0


@contextmanager
def _apis(platform: Platform) -> Iterator[Apis]:
    def api(name: str) -> ManagementApi:
        return ManagementApi(platform.urls[name], platform.api_key)

    ingress_api = IngressApi(platform.urls["ingress"], platform.api_key)
    with ingress_api as ingress, api("orchestrator") as orchestrator, api("dispatcher") as dispatcher:
        yield Apis(ingress, orchestrator, dispatcher)


def _play(apis: Apis, sample: Sample, receiver: SampleReceiver) -> None:
    _third_party()
    order = new_order()
    mrn = order["subject"]["identifier"]["value"]
    _follow_up(apis, sample, receiver, order)
    _screen(apis, sample, receiver, mrn)
    _refuse(sample, order)


def _follow_up(apis: Apis, sample: Sample, receiver: SampleReceiver, order: Any) -> None:
    """An EHR orders a follow-up: a patient is created, answers a form, and a subscriber hears of the end."""
    timeline = Timeline("A hip surgery: an EHR sends a FHIR ServiceRequest, a CRM hears of the end")
    care_flow_id = _start(apis, sample.webhook_urls[HIP_SURGERY.name], order, timeline)
    _submit(apis, care_flow_id, {"pain_today": 3, "wound_dry": True}, timeline)
    _await_delivery(receiver, care_flow_id, timeline)
    again = _accepted(_call(sample.webhook_urls[HIP_SURGERY.name], order))
    outcome = _outcome(apis, again["request_id"])
    timeline.mark(
        "the same call again", f"{outcome.status}, the same care flow: {care_flow_id == outcome.care_flow_id}"
    )


def _screen(apis: Apis, sample: Sample, receiver: SampleReceiver, mrn: str) -> None:
    """A form tool sends answers of the same patient: found, not created again."""
    timeline = Timeline("A mood screening: Typeform sends the answers of the same patient, a nurse calls")
    care_flow_id = _start(apis, sample.webhook_urls[MOOD_SCREENING.name], new_answers(mrn), timeline)
    _submit(apis, care_flow_id, {"outcome": "appointment"}, timeline)
    _await_delivery(receiver, care_flow_id, timeline)


def _refuse(sample: Sample, order: Any) -> None:
    """A payload that does not fit is told everything that is wrong at once, and no value."""
    timeline = Timeline("A payload that does not fit: every reason at once, and no value")
    broken = {
        **order,
        "id": "broken",
        "occurrenceDateTime": "last Monday",
        "bodySite": [{"text": "both"}],
        "extension": [],
    }
    answer = _call(sample.webhook_urls[HIP_SURGERY.name], broken)
    timeline.mark(f"POST /hooks/...  {answer.status_code}", answer.json().get("title", ""))
    for reason in answer.json()["reasons"]:
        timeline.add(reason["code"], reason["message"])


def _start(apis: Apis, url: str, payload: Any, timeline: Timeline) -> str:
    answer = _call(url, payload)
    accepted = _accepted(answer)
    timeline.mark(f"POST /hooks/...  {answer.status_code}", f"{accepted['status']}  request {accepted['request_id']}")
    care_flow_id = _outcome(apis, accepted["request_id"]).care_flow_id
    # The orchestrator has it already: its outcome was told in the transaction that started it.
    care_flow = apis.orchestrator.get(f"/v1/care-flows/{care_flow_id}")
    timeline.mark("care flow started", f"{care_flow['title']}  {care_flow['id']}")
    timeline.add("patient", care_flow["patient_id"])
    return str(care_flow["id"])


def _accepted(answer: httpx.Response) -> Any:
    """What a call that was accepted is told. Raises JourneyFailed for another one."""
    if answer.status_code != httpx.codes.ACCEPTED:
        raise JourneyFailed(f"the call was answered {answer.status_code}: {why(answer)}. Next: {_NEXT}.")
    return answer.json()


def _outcome(apis: Apis, request_id: str) -> RequestDetails:
    """How a request ended: with a care flow. Raises JourneyFailed for one that ended without."""

    def ended() -> RequestDetails | None:
        details = apis.ingress.request(request_id)
        return details if details.status in _FINAL else None

    outcome = until(ended, _STEP_DEADLINE_S, "the request to end")
    if outcome.care_flow_id is None:
        done = outcome.statuses[-1].done
        raise JourneyFailed(f"request {request_id} ended {outcome.status} without a care flow. {done} Next: {_NEXT}.")
    return outcome


def _submit(apis: Apis, care_flow_id: str, answers: dict[str, Any], timeline: Timeline) -> None:
    form = until(lambda: _waiting_form(apis, care_flow_id), _STEP_DEADLINE_S, "a form to wait for its answers")
    timeline.mark("form waits", form["title"])
    done = apis.orchestrator.post(f"/v1/activities/{form['id']}/submit", {"answers": answers})
    timeline.mark("form submitted", f"care flow is {done['care_flow_status']}")


def _waiting_form(apis: Apis, care_flow_id: str) -> Any:
    activities = apis.orchestrator.all(f"/v1/care-flows/{care_flow_id}/activities", status="active")
    return next((activity for activity in activities if activity["kind"] == "form"), None)


def _await_delivery(receiver: SampleReceiver, care_flow_id: str, timeline: Timeline) -> None:
    told = receiver.next(
        lambda told: told.get("care_flow_id") == care_flow_id, _STEP_DEADLINE_S, "the delivery of pathway.completed"
    )
    timeline.mark(told["received"], f"delivered; signature verified by the package {told['verified_by']}")
    timeline.add("webhook-id", told["webhook_id"])


def _call(url: str, payload: Any) -> httpx.Response:
    return _third_party().post(url, json=payload)


@cache
def _third_party() -> httpx.Client:
    # Made before the first call, so that its making is not timed as a part of the journey.
    return httpx.Client(timeout=_STEP_DEADLINE_S, trust_env=False)


def _show_where(platform: Platform, sample: Sample) -> None:
    say("\nIt runs until Ctrl-C.")
    for name, url in platform.urls.items():
        say(f"  {name:<13} {url}/docs")
    say(f"  API key       {platform.api_key}   (Authorization: Bearer ...)")
    say(f"  webhook       {sample.webhook_urls[HIP_SURGERY.name]}")
    say(f"  Kafka         {platform.stack.kafka_bootstrap}")
    say(f"  logs          {platform.logs}")
    say("Try it:")
    say(f"  curl -d @examples/payloads/{HIP_SURGERY.payload_file} -H 'content-type: application/json' \\")
    say(f"       {sample.webhook_urls[HIP_SURGERY.name]}")
