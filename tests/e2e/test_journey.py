"""From an incoming webhook to a signed delivery, as third parties, care teams and subscribers see it."""

import asyncio
import json
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from carewire_local.examples import HIP_SURGERY, MOOD_SCREENING, Example, new_answers, new_order
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, SYSTEM, House, ok
from carewire_testing_e2e.outcomes import logged_in_full


async def opened(house: House, example: Example) -> Any:
    await house.publish(example.definition)
    return await house.open_webhook(example.webhook | {"name": f"{example.name} {secrets.token_hex(4)}"})


async def call(house: House, webhook: Any, payload: Any, **headers: str) -> httpx.Response:
    return await house.ingress.post(webhook["url"], json=payload, headers=headers)


async def delivered(receiver: Receiver, path: str, care_flow_id: str) -> Received:
    def found() -> list[Received]:
        return [one for one in receiver.at(path) if orjson.loads(one.body)["pathway"]["id"] == care_flow_id]

    return (await eventually(found, SETTLED_WITHIN_S))[0]


async def test_an_order_of_an_ehr_becomes_a_patient_a_care_flow_and_a_signed_delivery(
    house: House, receiver: Receiver
) -> None:
    webhook = await opened(house, HIP_SURGERY)
    endpoint = await house.subscribe(receiver.url("/crm"), "pathway.completed")
    order = new_order()

    answer = await call(house, webhook, order)
    assert (answer.status_code, answer.json()["status"]) == (202, "SCHEDULED")

    request = await logged_in_full(house, answer.json()["request_id"], "SUCCESS")
    care_flow = await house.care_flow(request["care_flow_id"])
    assert (care_flow["status"], care_flow["patient_id"]) == ("active", request["patient_id"])

    done = await house.submit(request["care_flow_id"], {"pain_today": 3, "wound_dry": True})
    assert done["care_flow_status"] == "completed"

    received = await delivered(receiver, "/crm", request["care_flow_id"])
    received.verify(endpoint["secret"])
    event = orjson.loads(received.body)
    assert event["event_type"] == "pathway.completed"
    assert event["pathway"]["patient_identifiers"] == [order["subject"]["identifier"]]


async def test_answers_that_worry_lead_to_a_call_back_before_the_end(house: House) -> None:
    webhook = await opened(house, HIP_SURGERY)
    request = await house.request((await call(house, webhook, new_order())).json()["request_id"])
    done = await house.submit(request["care_flow_id"], {"pain_today": 9, "wound_dry": True})
    assert done["care_flow_status"] == "active"
    activities = (await house.care_flow(request["care_flow_id"]))["activities"]
    waiting = [a for a in activities if a["status"] == "active" and a["kind"] == "checklist"]
    assert [activity["title"] for activity in waiting] == ["Call the patient"]
    done = await ok(house.orchestrator.post(f"/v1/activities/{waiting[0]['id']}/complete"))
    assert done["care_flow_status"] == "completed"


async def test_an_ineligible_patient_s_care_flow_is_stopped_and_subscribers_are_told(
    house: House, receiver: Receiver
) -> None:
    webhook = await opened(house, HIP_SURGERY)
    await house.subscribe(receiver.url("/stopped"), "pathway.stopped", "pathway.completed")
    minor = new_order()
    minor["extension"][0]["valueInteger"] = 11
    request = await house.request((await call(house, webhook, minor)).json()["request_id"])
    assert (await house.care_flow(request["care_flow_id"]))["status"] == "stopped"
    event = orjson.loads((await delivered(receiver, "/stopped", request["care_flow_id"])).body)
    assert event["event_type"] == "pathway.stopped"
    assert event["reason"] == "The patient is a minor: paediatrics follows up"


async def test_a_form_tool_s_answers_find_the_patient_that_the_ehr_brought(house: House) -> None:
    order = new_order()
    first = await house.request((await call(house, await opened(house, HIP_SURGERY), order)).json()["request_id"])
    answers = new_answers(order["subject"]["identifier"]["value"])
    second = await house.request((await call(house, await opened(house, MOOD_SCREENING), answers)).json()["request_id"])
    assert second["patient_id"] == first["patient_id"]
    assert second["care_flow_id"] != first["care_flow_id"]


async def test_one_trace_leads_from_the_accepted_call_through_kafka_to_the_delivered_one(
    house: House, receiver: Receiver, spans: Path
) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    await house.subscribe(receiver.url("/traced"), "pathway.completed")
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"

    answer = await call(house, webhook, payload_of(secrets.token_hex(4)), traceparent=traceparent)
    request = await house.request(answer.json()["request_id"])
    received = await delivered(receiver, "/traced", request["care_flow_id"])

    assert received.headers["traceparent"].split("-")[1] == trace_id
    services = {"ingress", "orchestrator", "dispatcher"}

    def seen() -> set[str]:
        lines = [json.loads(line) for line in spans.read_text().splitlines()]
        return {
            service
            for line in lines
            if line["trace_id"] == trace_id
            for service in services
            if service in line["service"]
        }

    await eventually(lambda: seen() == services, SETTLED_WITHIN_S)


async def test_twenty_calls_side_by_side_with_one_key_start_one_care_flow(house: House) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    payload, key = payload_of(secrets.token_hex(4)), secrets.token_hex(8)

    answers = await asyncio.gather(*(call(house, webhook, payload, **{"idempotency-key": key}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    requests = await asyncio.gather(*(house.request(answer.json()["request_id"]) for answer in answers))

    assert {request["status"] for request in requests} == {"SUCCESS"}
    assert len({request["care_flow_id"] for request in requests}) == 1
    first = [request for request in requests if request["duplicate_of"] is None]
    assert len(first) == 1
    assert Counter(r["duplicate_of"] for r in requests if r is not first[0]) == {first[0]["id"]: 19}
    assert len(await house.care_flows_of(first[0]["patient_id"])) == 1


async def test_a_key_that_comes_again_with_another_body_fails_and_says_why(house: House) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    key = secrets.token_hex(8)

    async def ended() -> Any:
        answer = await call(house, webhook, payload_of(secrets.token_hex(4)), **{"idempotency-key": key})
        return await house.request(answer.json()["request_id"])

    # One after the other: two that are taken at once come by the partitions, and not by the moments of the calls.
    first, second = await ended(), await ended()
    assert first["status"] == "SUCCESS"
    assert (second["status"], second["failure_reason"]) == ("FAILED", "idempotency_key_reused")


async def test_thirty_calls_with_ten_new_identifiers_side_by_side_make_ten_patients(house: House) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    values = [secrets.token_hex(6) for _ in range(10)] * 3

    answers = await asyncio.gather(*(call(house, webhook, payload_of(value)) for value in values))
    requests = await asyncio.gather(*(house.request(answer.json()["request_id"]) for answer in answers))

    assert {request["status"] for request in requests} == {"SUCCESS"}
    assert len({request["care_flow_id"] for request in requests}) == 30
    patients = {(value, request["patient_id"]) for value, request in zip(values, requests, strict=True)}
    assert len(patients) == 10


async def test_a_call_without_an_identifier_starts_a_care_flow_for_an_anonymous_patient(house: House) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    requests = [await house.request((await call(house, webhook, {})).json()["request_id"]) for _ in range(2)]
    assert len({request["patient_id"] for request in requests}) == 2


async def test_identifiers_of_two_patients_in_one_call_are_never_merged(house: House) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    one, other = secrets.token_hex(6), secrets.token_hex(6)
    for value in (one, other):
        await house.request((await call(house, webhook, payload_of(value))).json()["request_id"])
    both = {"patient_identifier": [{"system": SYSTEM, "value": value} for value in (one, other)]}
    request = await house.request((await call(house, webhook, both)).json()["request_id"])
    assert (request["status"], request["failure_reason"]) == ("FAILED", "identity_conflict")


async def test_a_refusal_names_everything_that_is_wrong_at_once_and_no_value(house: House) -> None:
    webhook = await opened(house, HIP_SURGERY)
    canary = secrets.token_hex(8)
    broken = new_order() | {"occurrenceDateTime": canary, "bodySite": [{"text": canary}], "extension": []}
    broken["subject"]["identifier"]["system"] = f"https://{canary}.example"
    answer = await call(house, webhook, broken)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    reasons = answer.json()["reasons"]
    assert [(reason["code"], reason.get("data_point")) for reason in reasons] == [
        ("wrong_type", "surgery_date"),
        ("not_a_possible_value", "hip_side"),
        ("no_match", "age"),
        ("unknown_identifier_system", None),
    ]
    assert all(reason["path"] and reason["expected"] and reason["found"] for reason in reasons)
    assert canary not in answer.text


@pytest.mark.parametrize("link", ["url", "test_url"])
async def test_a_disabled_webhook_starts_nothing_but_can_be_tested(house: House, link: str) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    await ok(house.ingress.post(f"/v1/incoming-webhooks/{webhook['id']}/disable"))
    expected = {"url": 409, "test_url": 200}[link]

    async def answered() -> httpx.Response | None:
        answer = await house.ingress.post(webhook[link], json=payload_of(secrets.token_hex(4)))
        return answer if answer.status_code == expected else None

    answer = await eventually(answered, SETTLED_WITHIN_S)
    assert answer is not None
    request_id = answer.json()["request_id"]

    async def logged() -> str | None:
        found = await house.ingress.get(f"/v1/requests/{request_id}")
        return found.json()["status"] if found.is_success else None

    assert await eventually(logged, SETTLED_WITHIN_S) == {"url": "REJECTED", "test_url": "TEST"}[link]
