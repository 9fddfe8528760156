"""What senders, patients and secrets say stays inside: nothing of it is in whatever leaves the house.

Each value of the play exists nowhere else. Afterwards all log files, spans, metrics, topics, tables and answers are
searched, whether they are named here or not, and each route that a service describes has to have had its turn.
"""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from carewire_local.examples import HIP_SURGERY, MOOD_SCREENING, new_answers, new_order
from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_runtime.ids import derived_id
from carewire_testing import eventually
from carewire_testing.nursery import Nursery
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_e2e.canaries import Canaries, Family, Place
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, SYSTEM, House, ok, visit
from carewire_testing_e2e.leaving import everywhere, records
from carewire_testing_e2e.own_house import own_house
from carewire_testing_e2e.probing import Conversation, Operation, operations, probe

SERVICES = ("ingress", "orchestrator", "dispatcher")
TOO_LARGE = 1024 * 1024
"""What the request body may be by default; the canary stands beyond it."""


@pytest.fixture(scope="module")
def platform(stack: Stack, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A house that says as much as it can: every log line, every span."""
    folder = tmp_path_factory.mktemp("telling")
    settings = {
        "CAREWIRE_LOG_LEVEL": "DEBUG",
        "CAREWIRE_TRACE_SAMPLE_RATIO": "1",
        "CAREWIRE_TRACE_EXPORT": f"file:{folder / 'spans.jsonl'}",
    }
    with own_house(stack, nursery, folder, **settings) as running:
        yield running


@dataclass
class Play:
    """One house, its canaries, and all that was said to those who brought them."""

    house: House
    receiver: Receiver
    canaries: Canaries
    heard: Conversation

    def secret(self, kind: str, value: str) -> None:
        """Look for a secret that the house made."""
        self.canaries.plant(Family.CREDENTIAL, kind, value)

    async def opened(self, webhook: Any) -> Any:
        """An open webhook, whose token is a secret."""
        opened = await self.house.open_webhook(webhook)
        self.secret(f"token of {webhook['definition_id']}", opened["url"].rpartition("/")[2])
        return opened

    async def accepted(self, webhook: Any, payload: Any, headers: dict[str, str]) -> Any:
        """The request of an accepted call, once it has ended."""
        answer = await self.house.ingress.post(webhook["url"], json=payload, headers=headers)
        assert answer.status_code == 202, answer.text
        return await self.house.request(answer.json()["request_id"])


@pytest.fixture
async def play(platform: Platform, receiver: Receiver) -> AsyncIterator[Play]:
    canaries, heard = Canaries(), Conversation()
    async with (
        visit(platform) as house,
        heard.listening("ingress", house.ingress),
        heard.listening("orchestrator", house.orchestrator),
        heard.listening("dispatcher", house.dispatcher),
    ):
        await house.register_identifier_system()
        yield Play(house, receiver, canaries, heard)


def talkative(canaries: Canaries) -> dict[str, str]:
    """Headers that a sender adds to its calls."""
    return {
        "idempotency-key": canaries(Family.SENDER, "idempotency key"),
        "webhook-id": canaries(Family.SENDER, "webhook id of the sender"),
        "user-agent": canaries(Family.SOFTWARE, "user agent"),
        "x-delivery": canaries(Family.SENDER, "delivery id of the sender"),
        "cookie": canaries(Family.SENDER, "cookie"),
        "tracestate": canaries(Family.SENDER, "trace state", "carewire={}".format),
        "baggage": canaries(Family.SENDER, "baggage", "patient={}".format),
        "content-type": canaries(Family.SENDER, "content type", "application/json; of={}".format),
    }


def order_of(canaries: Canaries) -> Any:
    """An EHR's order full of canaries, as the example's webhook maps it."""
    order = new_order()
    order["id"] = canaries(Family.PAYLOAD, "order id")
    order["subject"]["identifier"]["value"] = canaries(Family.PAYLOAD, "patient identifier", "MRN {}".format)
    order["subject"]["display"] = canaries(Family.PAYLOAD, "patient name", "Zoë {}".format)
    order[canaries(Family.PAYLOAD, "object key")] = {canaries(Family.PAYLOAD, "inner object key"): True}
    return order


def answers_of(canaries: Canaries, mrn: str) -> Any:
    """A form tool's answers; one of them becomes a baseline data point."""
    answers = new_answers(mrn)
    preferred = canaries(Family.PAYLOAD, "baseline value")
    next(one for one in answers["form_response"]["answers"] if "choice" in one)["choice"]["label"] = preferred
    return answers


def wrong_order(canaries: Canaries) -> Any:
    """An order with nothing right in it."""
    wrong = order_of_kind(canaries, "wrong")
    return {
        "occurrenceDateTime": wrong,
        "bodySite": [{"text": wrong}],
        "extension": {wrong: wrong},
        "subject": {"identifier": {"system": f"https://{wrong}.example", "value": wrong}},
    }


def order_of_kind(canaries: Canaries, kind: str) -> str:
    return canaries(Family.PAYLOAD, f"value of a {kind} payload")


async def subscribe(play: Play) -> list[Any]:
    """Three subscribers with secrets of their own: one that works, one that fails with words, one that is gone."""
    told = play.canaries(Family.RECEIVER, "error body"), play.canaries(Family.RECEIVER, "answered header")

    def failing(_: object) -> Reply:
        return Reply(500, {"x-why": told[1], "retry-after": told[1], "location": told[1]}, body=told[0].encode())

    endpoints = []
    for kind, script in (("working", None), ("failing", failing)):
        path = "/" + play.canaries(Family.ADDRESS, f"path of the {kind} endpoint")
        endpoints.append((kind, play.receiver.url(path, script)))
    gone = play.canaries(Family.ADDRESS, "path of the gone endpoint")
    endpoints.append(("gone", f"http://127.0.0.1:9/{gone}?of={gone}"))
    created = []
    for kind, url in endpoints:
        values = [play.canaries(Family.CREDENTIAL, f"custom header of {kind} {number}") for number in (1, 2)]
        headers = {"authorization": f"Bearer {values[0]}", "x-key": values[1]}
        answer = await play.house.subscribe(url, headers=headers)
        play.secret(f"secret of {kind}", answer["secret"].removeprefix("whsec_"))
        created.append(answer)
    return created


async def senders_call(play: Play) -> list[Any]:
    """The demo's way, and all the ways of going wrong that a sender has."""
    canaries, house = play.canaries, play.house
    for example in (HIP_SURGERY, MOOD_SCREENING):
        await house.publish(example.definition)
    hip = await play.opened(HIP_SURGERY.webhook)
    mood = await play.opened(MOOD_SCREENING.webhook)
    headers, order = talkative(canaries), order_of(canaries)
    first = await play.accepted(hip, order, headers)
    again = await play.accepted(hip, order, headers)
    reused = await play.accepted(hip, order | {"note": order_of_kind(canaries, "changed")}, headers)
    second = await play.accepted(mood, answers_of(canaries, order["subject"]["identifier"]["value"]), {})
    assert again["duplicate_of"] == first["id"]
    assert reused["failure_reason"] == "idempotency_key_reused"
    for key in (headers["idempotency-key"], order["id"]):
        for parts in ((hip["id"], key), (key, hip["id"])):
            canaries.plant(Family.SENDER, "start key that anyone can derive", derived_id(*parts))
            canaries.plant(Family.SENDER, "start key that anyone can digest", "".join(parts))
    await conflict(play)
    await refusals(play, hip)
    return [first, second]


async def conflict(play: Play) -> None:
    """Two patients in one call: an error of the domain, about identifiers."""
    definition = instant_definition()
    await play.house.publish(definition)
    webhook = await play.opened(webhook_of(definition, start_key={"header": "X-Delivery"}))
    values = [play.canaries(Family.PAYLOAD, f"identifier in conflict {number}") for number in (1, 2)]
    for value in values:
        key = {"x-delivery": play.canaries(Family.SENDER, f"delivery id with {value}")}
        assert (await play.accepted(webhook, payload_of(value), key))["status"] == "SUCCESS"
    both = {"patient_identifier": [{"system": SYSTEM, "value": value} for value in values]}
    assert (await play.accepted(webhook, both, {}))["failure_reason"] == "identity_conflict"


async def refusals(play: Play, webhook: Any) -> None:
    """Every refusal that a sender can get."""
    ingress, canaries = play.house.ingress, play.canaries
    wrong, headers = wrong_order(canaries), talkative_again(canaries)
    malformed = order_of_kind(canaries, "malformed").encode()
    unknown = canaries(Family.CREDENTIAL, "token that is none")
    query = canaries(Family.SENDER, "query of a call")
    json_type = {"content-type": "application/json"}
    for link in (webhook["url"], webhook["test_url"]):
        statuses = [
            (await ingress.post(link, json=wrong, headers=headers)).status_code,
            (await ingress.post(link, content=b'{"' + malformed, headers=json_type)).status_code,
            (await ingress.post(link, content=malformed, headers={"content-type": "text/plain"})).status_code,
            (await ingress.post(link, content=b"0" * TOO_LARGE + malformed, headers=json_type)).status_code,
            (await ingress.post(f"{link}/{unknown}", json=wrong)).status_code,
        ]
        assert statuses[2:] == [415, 413, 404], statuses
        await ingress.post(f"{link}?of={query}", json=wrong)
        await ingress.get(link, params={"of": query})
    for path in (f"/hooks/{unknown}", f"/hooks/{unknown}/test", f"/{unknown}", f"/v1/{unknown}"):
        assert (await ingress.post(path, json=wrong)).status_code == 404
    await ok(ingress.post(f"/v1/incoming-webhooks/{webhook['id']}/disable"))

    async def is_disabled() -> bool:
        return (await ingress.post(webhook["url"], json=wrong)).status_code == 409

    await eventually(is_disabled, SETTLED_WITHIN_S)


def talkative_again(canaries: Canaries) -> dict[str, str]:
    return {
        "idempotency-key": canaries(Family.SENDER, "idempotency key of a refused call"),
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01-{canaries(Family.SENDER, 'end of a trace header')}",
    }


async def the_care_team_works(play: Play, hip: Any, mood: Any) -> None:
    """Staff answer forms, tick, read, look and stop; each thing is first done wrongly."""
    care, canaries = play.house.orchestrator, play.canaries
    wrong, key = order_of_kind(canaries, "wrong answer"), canaries(Family.PAYLOAD, "key of an answer")
    done = set[str]()
    for care_flow_id in (hip["care_flow_id"], mood["care_flow_id"]):
        await ok(care.get(f"/v1/care-flows/{care_flow_id}/activities"))
        await ok(care.get(f"/v1/care-flows/{care_flow_id}/data-points"))
        while waiting := [one for one in await open_activities(play, care_flow_id) if one["id"] not in done]:
            activity = f"/v1/activities/{waiting[0]['id']}"
            done.add(waiting[0]["id"])
            await ok(care.get(activity))
            bad = {"pain_today": wrong, "outcome": wrong, "wound_dry": {key: wrong}, key: wrong}
            refused = [
                (await care.post(f"{activity}/submit", json={"answers": bad})).status_code,
                (await care.post(f"{activity}/submit", json={"answers": {key: wrong}})).status_code,
            ]
            assert set(refused) <= {409, 422}, refused
            await do(play, waiting[0])
    await ok(care.get("/v1/care-flows", params={"patient_id": hip["patient_id"]}))
    await ok(care.get(f"/v1/patients/{hip['patient_id']}"))
    await people_without_webhooks(play)
    await staff_look_after_a_care_flow(play)
    await patients_are_kept(play)


async def open_activities(play: Play, care_flow_id: str) -> list[Any]:
    details = await play.house.care_flow(care_flow_id)
    return [one for one in details["activities"] if one["status"] == "active"]


async def do(play: Play, activity: Any) -> None:
    """Do what an activity asks, with a canary where words can be said."""
    said = play.canaries(Family.PAYLOAD, f"answer to activity {activity['id']}")
    answers: dict[str, Any] = {"outcome": "appointment", "note": said}
    if activity["title"] != "Report of the call":
        answers = {"pain_today": 9, "wound_dry": True, "remark": said}
    action = {"form": "submit", "checklist": "complete", "message": "read"}[activity["kind"]]
    body = {"answers": answers} if action == "submit" else None
    await ok(play.house.orchestrator.post(f"/v1/activities/{activity['id']}/{action}", json=body))


async def people_without_webhooks(play: Play) -> None:
    """A care flow that staff start and stop themselves."""
    care, canaries = play.house.orchestrator, play.canaries
    identifier = {"system": SYSTEM, "value": canaries(Family.PAYLOAD, "identifier that staff type")}
    definition_id = MOOD_SCREENING.definition["id"]
    point = canaries(Family.PAYLOAD, "data point that does not exist")
    wrong = {"data_point_definition_id": point, "value": order_of_kind(canaries, "wrong start")}
    start = {"definition_id": definition_id, "patient_identifier": identifier, "create_patient": True}
    refused = await care.post("/v1/care-flows", json=start | {"data_points": [wrong]})
    assert refused.status_code == 422
    assert (await care.post("/v1/patients/by-identifier", json=identifier)).status_code == 404
    given = {"low_interest": 2, "low_mood": 1, "consent": "true", "preferred_time": order_of_kind(canaries, "start")}
    points = [{"data_point_definition_id": name, "value": value} for name, value in given.items()]
    started = await ok(care.post("/v1/care-flows", json=start | {"data_points": points}))
    await ok(care.post("/v1/patients/by-identifier", json=identifier))
    reason = canaries(Family.PAYLOAD, "reason of a stop")
    await ok(care.post(f"/v1/care-flows/{started['id']}/stop", json={"reason": reason}))
    assert (await care.post(f"/v1/care-flows/{started['id']}/stop", json={"reason": reason})).status_code == 409


def designed_for_hands() -> Any:
    """A care flow in which everything is to be done by hand, of a new id: wait, decide, try again, add a track."""
    checklist: Any = {"type": "checklist", "items": ["Do it"]}
    halved = {"name": "n", "data_point_definition_id": "number"}
    sum_of: Any = {
        "type": "calculation",
        "expression": "n / 2",
        "inputs": [halved],
        "output_data_point_definition_id": "half",
    }
    steps: Any = {"do": checklist, "halve": sum_of, "more": checklist, "never": checklist}
    nodes = {
        name: {"id": name, "key": name, "title": name, "actions": [{"id": f"act_{name}", "title": name, **action}]}
        for name, action in steps.items()
    }
    delay: Any = {"type": "delay", "delay": {"amount": 9, "unit": "day"}, "skippable": True}
    wait = {"id": "wait", "key": "wait", "title": "Wait", **delay}
    large = {"all": [{"reference": "number", "operator": "is_greater_than", "operand": 5}]}
    start = {"type": "track_start"}
    ways: Any = {
        "main": [
            (start, "step", "do", None),
            (start, "step", "halve", None),
            ({"type": "step", "node_id": "do"}, "timer", "wait", None),
        ],
        "extra": [(start, "step", "more", None)],
        "rare": [(start, "step", "never", large)],
    }
    tracks = [
        {
            "id": name,
            "key": name,
            "title": name,
            "steps": [nodes[node] for _, kind, node, _ in arrows if kind == "step"],
            "timers": [wait] if name == "main" else [],
            "transitions": [
                {"id": f"{name}{place}", "origin": origin, "destination": {"type": kind, "node_id": node}, "rule": rule}
                for place, (origin, kind, node, rule) in enumerate(arrows)
            ],
        }
        for name, arrows in ways.items()
    ]
    occasions = {"main": "pathway_started", "rare": "pathway_started", "extra": "ad_hoc"}
    point: Any = {"title": "N", "value_type": "number", "optional": True}
    return {
        "id": f"by-hand-{secrets.token_hex(4)}",
        "title": "By hand",
        "stakeholders": [{"id": "nurse", "label": "Nurse", "clinical_app_role": "Caregiver"}],
        "data_points": [
            {"id": "number", "key": "number", **point},
            {"id": "half", "key": "half", "category": "calculation", **point},
        ],
        "tracks": tracks,
        "triggers": [
            {"id": f"at_{name}", "target_id": name, "settings": {"type": kind}} for name, kind in occasions.items()
        ],
    }


async def staff_look_after_a_care_flow(play: Play) -> None:
    """Everything else that staff can do with a care flow that runs, up to its deletion."""
    care, canaries = play.house.orchestrator, play.canaries
    definition = designed_for_hands()
    await play.house.publish(definition)
    whom = {"patient_identifier": {"system": SYSTEM, "value": canaries(Family.PAYLOAD, "identifier by hand")}}
    start = {"definition_id": definition["id"], "create_patient": True, "enrolment_guard": "skip_when_active", **whom}
    started = await ok(care.post("/v1/care-flows", json=start))
    assert (await care.post("/v1/care-flows", json=start)).status_code == 409
    path = f"/v1/care-flows/{started['id']}"
    await ok(care.post(f"{path}/pause", json={"reason": canaries(Family.PAYLOAD, "reason of a pause")}))
    await ok(care.post(f"{path}/resume"))
    later = await ok(care.post(f"{path}/tracks/extra/schedule", json={"at": "2099-01-01T00:00:00Z"}))
    (scheduled,) = (one for track in later for one in track["scheduled"])
    await ok(care.post(f"{path}/scheduled-tracks/{scheduled['timer_id']}/cancel"))
    await ok(care.post(f"{path}/tracks/extra/add", json={}))
    await ok(care.post(f"{path}/tracks/extra/stop"))
    await activities_by_hand(play, started)
    for told in ("tracks", "timeline"):
        await ok(care.get(f"{path}/{told}"))
    assert (await care.delete(path)).status_code == 204


async def activities_by_hand(play: Play, care_flow: Any) -> None:
    """Do to activities what can be done to them, in a session of the nurse."""
    care, canaries = play.house.orchestrator, play.canaries

    async def to(node: str, verb: str, body: Any = None) -> None:
        query = {"care_flow_id": care_flow["id"], "limit": 100}
        listed = (await ok(care.get("/v1/activities", params=query)))["items"]
        found = next(one["id"] for one in listed if node in (one["action_id"], one["step_id"], one["track_id"]))
        await ok(care.post(f"/v1/activities/{found}/{verb}", json=body))

    await to("rare", "resume")
    await to("act_do", "reassign", {"stakeholder_definition_ids": ["nurse"]})
    body = {"care_flow_id": care_flow["id"], "stakeholder_definition_id": "nurse"}
    session = await ok(care.post("/v1/sessions", json=body))
    play.secret("token of a session", session["token"])
    await ok(care.post("/v1/sessions/open", json={"token": session["token"]}))
    await ok(care.get(f"/v1/sessions/{session['id']}"))
    value = {"data_point_definition_id": "number", "value": 8}
    wrong = value | {"value": order_of_kind(canaries, "wrong baseline")}
    baseline = f"/v1/care-flows/{care_flow['id']}/baseline"
    assert (await care.post(baseline, json={"data_points": [wrong]})).status_code == 422
    await ok(care.post(baseline, json={"data_points": [value]}))
    await to("act_halve", "retry")
    await to("act_do", "expire")
    await to("wait", "skip")


async def patients_are_kept(play: Play) -> None:
    """Patients are made, changed, found, merged, deleted and restored; each thing is first done wrongly."""
    care = play.house.orchestrator
    identifiers = [{"system": SYSTEM, "value": value} for value in identifiers_of_staff(play)]
    first = await ok(care.post("/v1/patients", json={"identifiers": identifiers[:1], "profile": profile_of(play)}))
    assert (await care.post("/v1/patients", json={"identifiers": identifiers[:1]})).status_code == 409
    wrong = {"profile": dict.fromkeys(first["profile"], order_of_kind(play.canaries, "wrong profile"))}
    assert (await care.post("/v1/patients", json=wrong)).status_code == 422
    upsert = {"identifiers": identifiers[1:2], "profile": {"patient_code": order_of_kind(play.canaries, "coded")}}
    second = (await ok(care.post("/v1/patients/upsert", json=upsert)))["patient"]
    assert (await care.post("/v1/patients/upsert", json={"identifiers": identifiers})).status_code == 409
    patient = f"/v1/patients/{first['id']}"
    await ok(care.patch(patient, json={"profile": {"address": {"city": order_of_kind(play.canaries, "moved")}}}))
    assert (await care.post(f"{patient}/identifiers", json=identifiers[1])).status_code == 409
    await ok(care.post(f"{patient}/identifiers", json=identifiers[2]))
    await ok(care.post(f"{patient}/identifiers/remove", json=identifiers[2]))
    await ok(care.put(f"{patient}/identifiers", json={"identifiers": identifiers[::2]}))
    sought = {name: first["profile"][name] for name in ("last_name", "birth_date")}
    assert len((await ok(care.post("/v1/patients/search", json=sought)))["items"]) == 1
    await ok(care.post(f"{patient}/merge", json={"patient_id": second["id"]}))
    await ok(care.delete(patient, params={"stop_care_flows": True}))
    assert (await care.get(patient)).status_code == 410
    await ok(care.post("/v1/patients/upsert", json={"identifiers": identifiers[:1]}))
    for path in ("", "/deleted"):
        await ok(care.get(f"/v1/patients{path}"))
    assert (await care.post(f"{patient}/restore")).status_code == 409
    await ok(care.post(f"{patient}/restore", json={"leave_taken_identifiers": True}))
    await ok(care.get("/v1/audit"))


def identifiers_of_staff(play: Play) -> list[str]:
    return [play.canaries(Family.PAYLOAD, f"identifier {number} that staff keep") for number in range(3)]


def profile_of(play: Play) -> dict[str, str]:
    """A profile with a canary wherever words can be said, and what a search takes."""
    worded = ("first_name", "last_name", "name", "national_registry_number")
    profile = {name: play.canaries(Family.PAYLOAD, f"{name} that staff type") for name in worded}
    email = play.canaries(Family.PAYLOAD, "e-mail address that staff type", "{}@example.org".format)
    return profile | {"email": email, "birth_date": "1961-07-04"}


async def staff_configure(play: Play, endpoints: list[Any]) -> None:
    """Every other thing that staff can do to the three services' settings."""
    house, hip = play.house, HIP_SURGERY.definition["id"]
    await ok(house.orchestrator.get("/v1/definitions"))
    await ok(house.orchestrator.get("/v1/identifier-systems"))
    for path in ("", "/live", "/diff", "/releases"):
        await ok(house.orchestrator.get(f"/v1/definitions/{hip}{path}"))
    await ok(house.orchestrator.post(f"/v1/definitions/{hip}/validate"))
    await definitions_travel(play, hip)
    await configure_webhooks(play)
    await configure_endpoints(play, endpoints)


async def definitions_travel(play: Play, definition_id: str) -> None:
    """A definition leaves as a file and comes back, is looked at from all sides, and goes; each call has a key."""
    care, path = play.house.orchestrator, f"/v1/definitions/{definition_id}"
    live = (await ok(care.get(f"{path}/live")))["release_id"]
    await ok(care.put(f"{path}/live", json={"release_id": live}))
    release = f"{path}/releases/{live}"
    for part in ("", "/graph", "/data-points"):
        assert (await care.get(release + part)).is_success
    await constants_are_concealed(play, f"{path}/constants")
    exported = await care.get(f"{release}/export")
    assert exported.is_success
    headers = {
        "content-type": "application/yaml",
        "idempotency-key": play.canaries(Family.SENDER, "idempotency key of staff"),
    }
    for _ in range(2):
        await ok(care.post("/v1/definitions/import", content=exported.content, headers=headers))
    wrong = f"documentation: {play.canaries(Family.SENDER, 'word in a file that is no definition')}\n"
    for content in (wrong, f"{wrong} - ", f"{{{wrong}"):
        answer = await care.post("/v1/definitions/import", content=content, headers=headers)
        assert answer.status_code == 422
    assert (await care.delete(path)).status_code == 204
    assert (await care.get("/v1/definition-schema")).is_success
    await ok(care.get("/v1/audit"))


async def constants_are_concealed(play: Play, path: str) -> None:
    """A value is set, wrongly at first, taken away, and set again for good."""
    care = play.house.orchestrator
    wrong = play.canaries(Family.CREDENTIAL, "impossible value of a constant", "{}\r\nx: y".format)
    assert (await care.put(f"{path}/KEY", json={"value": wrong})).status_code == 422
    await ok(care.put(f"{path}/KEY", json={"value": play.canaries(Family.CREDENTIAL, "first value of a constant")}))
    assert (await care.delete(f"{path}/KEY")).status_code == 204
    await ok(care.put(f"{path}/KEY", json={"value": play.canaries(Family.CREDENTIAL, "value of a constant")}))
    await ok(care.get(path))


async def configure_webhooks(play: Play) -> None:
    ingress = play.house.ingress
    await ok(ingress.get("/v1/requests"))
    listed = await ok(ingress.get("/v1/incoming-webhooks"))
    webhook = f"/v1/incoming-webhooks/{listed['items'][0]['id']}"
    await ok(ingress.get(webhook))
    await ok(ingress.patch(webhook, json={"name": "another name"}))
    rotated = await ok(ingress.post(f"{webhook}/rotate-token"))
    play.secret("rotated token", rotated["url"].rpartition("/")[2])
    await ok(ingress.post(f"{webhook}/end-rotation"))
    await try_mappings(play, webhook)
    await look_back(play)
    await ok(ingress.delete(webhook))


async def try_mappings(play: Play, webhook: str) -> None:
    """Dry runs, and suggestions from a test payload."""
    ingress = play.house.ingress
    configured = await ok(ingress.get(webhook))
    payload = payload_of(order_of_kind(play.canaries, "tried"))
    draft = {"name": "a draft", "definition_id": configured["definition_id"], "mapping": {}}
    await ok(ingress.post("/v1/incoming-webhooks/dry-run", json={"payload": payload, "configuration": draft}))
    await ok(ingress.post(f"{webhook}/dry-run", json={"payload": payload}))
    await eventually(lambda: answered(ingress.post(configured["test_url"], json=payload)))
    await eventually(lambda: answered(ingress.get(f"{webhook}/mapping-suggestions")))


async def look_back(play: Play) -> None:
    """What ended badly is sent again, one and many; the log is exported, and who looked is told."""
    ingress = play.house.ingress
    failed = (await ok(ingress.get("/v1/requests", params={"status": "FAILED"})))["items"]
    await ok(ingress.post(f"/v1/requests/{failed[0]['id']}/resubmit"))
    await ok(ingress.post("/v1/requests/resubmit", json={"ids": [one["id"] for one in failed]}))
    assert (await ingress.get("/v1/requests/export", params={"payload": True})).is_success
    await ok(ingress.get("/v1/audit"))


async def answered(pending: Any) -> bool:
    answer: httpx.Response = await pending
    return answer.is_success


async def configure_endpoints(play: Play, endpoints: list[Any]) -> None:
    dispatcher = play.house.dispatcher
    await ok(dispatcher.get("/v1/endpoints"))
    for kind, endpoint in zip(("working", "failing", "gone"), endpoints, strict=True):
        path = f"/v1/endpoints/{endpoint['id']}"
        await ok(dispatcher.get(path))
        rotated = await ok(dispatcher.post(f"{path}/rotate-secret"))
        play.secret(f"second secret of {kind}", rotated["secret"].removeprefix("whsec_"))
        changed = {"x-key": play.canaries(Family.CREDENTIAL, f"changed header of {kind}")}
        await ok(dispatcher.patch(path, json={"headers": changed}))
        for action in ("retire-secret", "disable", "enable"):
            await ok(dispatcher.post(f"{path}/{action}"))
        wrong = play.canaries(Family.CREDENTIAL, f"impossible header of {kind}", "{}\r\nx: y".format)
        assert (await dispatcher.patch(path, json={"headers": {"x-key": wrong}})).status_code == 422
        url = f"http://user:{play.canaries(Family.CREDENTIAL, f'password in the URL of {kind}')}@127.0.0.1:9/"
        await dispatcher.patch(path, json={"url": url})


async def deliveries_are_looked_at(play: Play, endpoints: list[Any]) -> None:
    """Wait until each subscriber was called, in vain or not, and look at the log of it."""
    for endpoint in endpoints:

        async def logged(endpoint_id: str = endpoint["id"]) -> bool:
            found = await play.house.deliveries(endpoint_id)
            return any(one["attempt_log"] and one["care_flow_id"] for one in found)

        await eventually(logged, SETTLED_WITHIN_S)
        await ok(play.house.dispatcher.get("/v1/deliveries", params={"endpoint_id": endpoint["id"]}))


async def deliveries_are_repaired(play: Play, endpoints: list[Any]) -> None:
    """Whatever operators do about what did not arrive; the failing subscriber goes on failing."""
    dispatcher, (_, failing, _) = play.house.dispatcher, endpoints
    event = {"event_type": "form.submitted", "note": play.canaries(Family.PAYLOAD, "event of a dry run")}
    await ok(dispatcher.post("/v1/endpoints/dry-run", json={"event": event}))
    path = f"/v1/endpoints/{failing['id']}"
    for action in ("pause", "resume"):
        await ok(dispatcher.post(f"{path}/{action}"))
    await ok(dispatcher.post(f"{path}/test", json={"event_type": "form.submitted"}))
    for looked_at in ("health", "attempts"):
        await ok(dispatcher.get(f"{path}/{looked_at}"))
    # That of the test tells of no care flow.
    of_care_flows = (one for one in await play.house.deliveries(failing["id"]) if one["care_flow_id"])
    delivery = next(one for one in of_care_flows if one["attempt_log"])
    one = f"/v1/deliveries/{delivery['id']}"
    await ok(dispatcher.get(f"{one}/attempts/{delivery['attempt_log'][0]['id']}"))
    await ok(dispatcher.delete(f"{one}/answers"))
    exported = await dispatcher.get("/v1/deliveries/export", params={"endpoint_id": failing["id"]})
    assert exported.is_success
    await ok(dispatcher.post(f"{one}/retry"))
    for many in (path, f"/v1/care-flows/{delivery['care_flow_id']}"):
        await done(dispatcher.post, f"{many}/retry-failed/preview", json={})
        await done(dispatcher.post, f"{many}/retry-failed", json={})
    wanted = {"from": delivery["event_at"], "which": "missing"}
    await done(dispatcher.post, f"{path}/replay/preview", json=wanted)

    async def cancelled() -> bool:
        repair = await done(dispatcher.post, f"{path}/replay", json=wanted)
        answer = await dispatcher.post(f"/v1/repairs/{repair['id']}/cancel")
        return answer.is_success

    await eventually(cancelled, SETTLED_WITHIN_S)
    for listed in (await ok(dispatcher.get("/v1/repairs")))["items"]:
        await ok(dispatcher.get(f"/v1/repairs/{listed['id']}"))
    for question in ("/v1/undelivered", "/v1/undelivered/by-endpoint", "/v1/audit"):
        await ok(dispatcher.get(question))


async def done(call: Any, path: str, **more: Any) -> Any:
    """The answer once it is a success: while the log of attempts lags, repairs are refused."""

    async def succeeded() -> Any:
        answer: httpx.Response = await call(path, **more)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    return await eventually(succeeded, SETTLED_WITHIN_S)


async def dead_records_are_sent_back(play: Play) -> None:
    dispatcher = play.house.dispatcher

    async def listed() -> Any:
        return (await ok(dispatcher.get("/v1/dead-records")))["items"]

    [dead, *_] = await eventually(listed, SETTLED_WITHIN_S)
    await ok(dispatcher.post(f"/v1/dead-records/{dead['id']}/redrive"))
    await ok(dispatcher.post("/v1/dead-records/redrive", json={"reason": dead["reason"]}))


async def records_are_poisoned(play: Play) -> None:
    """Bytes that nobody can read, where services read; they are set aside with a reason."""
    platform = play.house.platform
    prefix, bootstrap = platform.env["CAREWIRE_TOPIC_PREFIX"], platform.stack.kafka_bootstrap
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for kind, topic in (("ingress", "ingress.refused"), ("orchestrator", "ingress.requests")):
            poison = play.canaries(Family.PAYLOAD, f"poison for {kind}")
            await producer.send_and_wait(prefix + topic, b'{"' + poison.encode())
        await producer.send_and_wait(prefix + "carewire.events", b"no event")
    finally:
        await producer.stop()

    async def set_aside() -> bool:
        found = await records(bootstrap, prefix)
        return bool(found[f"{prefix}ingress.dead"] and found[f"{prefix}orchestrator.dead"])

    await eventually(set_aside, SETTLED_WITHIN_S)


async def every_route_is_abused(play: Play) -> list[Operation]:
    """Call all routes with canaries wherever something can be written."""
    anything = play.canaries(Family.SENDER, "anything sent to a management API")
    object_key = play.canaries(Family.SENDER, "object key sent to a management API")
    known = []
    for service in SERVICES:
        client: httpx.AsyncClient = getattr(play.house, service)
        for operation in await operations(service, client):
            known.append(operation)
            await probe(client, operation, anything, object_key)
            if operation.route in ("/livez", "/readyz", "/metrics"):
                await ok(client.get(operation.route))
    return known


def told_to_callers(play: Play) -> Iterator[Place]:
    """Every answer to a sender, and every answer that is an error, with its headers."""
    for service, answer in play.heard.answers:
        if answer.is_error or answer.request.url.path.startswith("/hooks/"):
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            what = f"answer {answer.status_code} of {service} to {answer.request.method}"
            yield Place(what, head.encode() + b"\n" + answer.content)


def told_to_subscribers(play: Play) -> Iterator[Place]:
    """The headers of every delivered call, without those that its endpoint's owner has asked for."""
    for received in play.receiver.received:
        kept = {name: value for name, value in received.headers.items() if name not in ("authorization", "x-key")}
        yield Place("headers of a delivered call", json.dumps(kept).encode())


async def last_trace(play: Play, spans: Path) -> None:
    """Send a last call through all services and wait for its spans: all before it are written by then."""
    await play.house.subscribe(play.receiver.url("/last"), "pathway.completed")
    definition = instant_definition()
    await play.house.publish(definition)
    webhook = await play.opened(webhook_of(definition))
    trace_id = secrets.token_hex(16)
    await play.accepted(webhook, {}, {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"})

    def all_told() -> bool:
        lines = [line for line in spans.read_text().splitlines() if trace_id in line]
        return all(any(service in json.loads(line)["service"] for line in lines) for service in SERVICES)

    await eventually(all_told, SETTLED_WITHIN_S, pause=0.2)


async def test_nothing_that_was_said_or_is_secret_is_in_what_leaves(play: Play, platform: Platform) -> None:
    spans = Path(platform.env["CAREWIRE_TRACE_EXPORT"].removeprefix("file:"))
    play.secret("first API key", platform.api_key)
    for number, key in enumerate(platform.env["CAREWIRE_ENCRYPTION_KEYS"].split(","), 1):
        play.secret(f"encryption key {number}", key.partition(":")[2])

    endpoints = await subscribe(play)
    hip, mood = await senders_call(play)
    await the_care_team_works(play, hip, mood)
    await deliveries_are_looked_at(play, endpoints)
    await deliveries_are_repaired(play, endpoints)
    await staff_configure(play, endpoints)
    await records_are_poisoned(play)
    await dead_records_are_sent_back(play)
    known = await every_route_is_abused(play)
    for endpoint in endpoints:
        await play.house.unsubscribe(endpoint)
    await last_trace(play, spans)

    places = [*await everywhere(platform, spans), *told_to_callers(play), *told_to_subscribers(play)]
    leaks = play.canaries.leaks(places)
    assert not leaks, "\n".join(f"{leak}: {around!r}" for leak, around in leaks.items())
    untouched = [str(operation) for operation in known if not play.heard.succeeded(operation)]
    assert untouched == [], "these routes never did what they are for: let the play above use them"

    values = next(place for place in places if place.name == "values of ingress.requests")
    assert play.canaries.found(values) >= {"patient identifier", "patient name", "object key", "order id"}
