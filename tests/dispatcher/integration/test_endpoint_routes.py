"""What endpoints can do beyond address and types: keys, pause, trials, proofs of ownership, and the audit of it all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_api import EndpointApi
from carewire_dispatcher.adapters.endpoint_record import endpoint_decoder
from carewire_dispatcher.adapters.endpoint_trial import EndpointTrials
from carewire_dispatcher.adapters.ownership import Ownership
from carewire_dispatcher.adapters.sample_events import SampleEvents
from carewire_dispatcher.adapters.sender import Call as HttpCall
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import DisabledBecause, Endpoint
from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_dispatcher.domain.key_pairs import encode_public_key, public_key_pem
from carewire_dispatcher.domain.signature import encode_secret
from carewire_runtime.auth import Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.postgres.pool import Database
from carewire_testing_dispatcher.management import Call, calling, database, made_keys, published, published_values
from carewire_testing_dispatcher.stores import KEYRING, an_endpoint_store

TOPICS = Topics()
GOOD = {"name": "receiver", "url": "https://receiver.example/hook"}
UNKNOWN = "00000000-0000-7000-8000-000000000000"
DAY_S = 86_400


@dataclass
class Receiver:
    """Answers challenges as it is told to."""

    echoes: bool = True
    bare: bool = False
    result: Answer | Failure | None = None
    calls: list[HttpCall] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def send(self, call: HttpCall) -> Answer | Failure:
        self.calls.append(call)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.result is not None:
            return self.result
        challenge = orjson.loads(call.body)["challenge"]
        if self.bare:
            return Answer(200, body=challenge.encode() + b"\n")
        return Answer(200, body=orjson.dumps({"challenge": challenge if self.echoes else "another"}))

    async def stop(self) -> None: ...


@pytest.fixture(scope="module")
def keys(database_dsn: str) -> dict[Role, str]:
    return asyncio.run(made_keys(database_dsn))


@pytest.fixture
async def db(keys: dict[Role, str], database_dsn: str) -> AsyncIterator[Database]:
    async with database(database_dsn) as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def call(db: Database, keys: dict[Role, str], clock: FakeClock) -> AsyncIterator[Call]:
    """The API as it is by default."""
    store = an_endpoint_store(db, clock=clock)
    samples = SampleEvents(db, TOPICS, clock, lambda: None)
    routers = [EndpointApi(store, UrlPolicy(), clock).router(), EndpointTrials(store, samples, clock).router()]
    async with calling(db, keys, routers) as made:
        yield made


@pytest.fixture
async def strict(db: Database, keys: dict[Role, str], clock: FakeClock, receiver: Receiver) -> AsyncIterator[Call]:
    """The API of a deployment that has receivers prove whose they are."""
    store = an_endpoint_store(db, clock=clock)
    api = EndpointApi(store, UrlPolicy(), clock, Ownership(receiver, clock))
    async with calling(db, keys, [api.router()]) as made:
        yield made


async def create(call: Call, **fields: Any) -> dict[str, Any]:
    answer = await call("POST", "/v1/endpoints", json=GOOD | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def as_known(db: Database) -> Endpoint:
    """The endpoint as workers know it after the last change."""
    last = [one for one in await published(db) if one.topic == TOPICS.endpoints.name][-1]
    assert last.value is not None
    return endpoint_decoder(KEYRING)("", last.value)


def errors_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


async def deeds(call: Call) -> list[str]:
    return [record["action"] for record in (await call("GET", "/v1/audit")).json()["items"]][::-1]


# Keys


async def test_keys_of_the_schemes_that_are_asked_for_are_made_and_shown_by_their_public_half(
    call: Call, db: Database
) -> None:
    made = await create(call, signing=["rsa", "ed25519", "hmac"])
    known = await as_known(db)
    assert [encode_secret(one) for one in known.secrets] == [made["secret"]]
    assert made["ed25519_public_keys"] == [encode_public_key(one) for one in known.ed25519_keys]
    assert known.rsa_key is not None
    assert made["rsa_public_key"] == public_key_pem(known.rsa_key)


async def test_what_is_not_asked_for_does_not_sign_but_keeps_its_key_for_when_it_is(call: Call, db: Database) -> None:
    made = await create(call)
    path = f"/v1/endpoints/{made['id']}"
    assert (made["ed25519_public_keys"], made["rsa_public_key"]) == ([], None)
    first = (await call("PATCH", path, json={"signing": ["ed25519"]})).json()["ed25519_public_keys"]
    known = await as_known(db)
    assert (known.secrets, known.rsa_key, len(known.ed25519_keys)) == ((), None, 1)
    await call("PATCH", path, json={"signing": ["hmac"]})
    assert [encode_secret(one) for one in (await as_known(db)).secrets] == [made["secret"]]
    again = (await call("PATCH", path, json={"signing": ["ed25519", "hmac", "rsa"]})).json()
    assert again["ed25519_public_keys"] == first
    assert again["rsa_public_key"].startswith("-----BEGIN PUBLIC KEY-----")


async def test_an_old_secret_signs_for_a_day_and_ends_by_itself(call: Call, db: Database, clock: FakeClock) -> None:
    made = await create(call)
    path = f"/v1/endpoints/{made['id']}"
    rotated = (await call("POST", f"{path}/rotate-secret")).json()
    assert rotated["secrets"] == 2
    known, now = await as_known(db), int(clock.now().timestamp() * 1000)
    newer, older = known.secrets
    assert [encode_secret(newer), encode_secret(older)] == [rotated["secret"], made["secret"]]
    assert known.secrets_at(now + DAY_S * 1000 - 1) == (newer, older)
    assert known.secrets_at(now + DAY_S * 1000) == (newer,)
    clock.advance(DAY_S)
    shown = (await call("GET", path)).json()
    assert (shown["secrets"], shown["old_secret_until"]) == (1, None)


@pytest.mark.parametrize("scheme", ["hmac", "ed25519"])
async def test_an_overlap_can_be_chosen_and_ended_at_once(call: Call, db: Database, scheme: str) -> None:
    path = f"/v1/endpoints/{(await create(call, signing=['hmac', 'ed25519']))['id']}"

    async def signing(ahead_s: int) -> int:
        known, at = await as_known(db), FakeClock().now().timestamp()
        return len((known.secrets_at if scheme == "hmac" else known.ed25519_keys_at)(int((at + ahead_s) * 1000)))

    until = "old_secret_until" if scheme == "hmac" else "old_ed25519_key_until"
    wish = {"scheme": scheme, "overlap_s": 60}
    rotated = (await call("POST", f"{path}/rotate-secret", json=wish)).json()
    assert (rotated["secret"] is None) is (scheme == "ed25519")
    assert rotated[until] is not None
    assert [await signing(59), await signing(60)] == [2, 1]
    assert (await call("POST", f"{path}/retire-secret", json={"scheme": scheme})).json()[until] is None
    assert await signing(0) == 1
    await call("POST", f"{path}/rotate-secret", json=wish | {"overlap_s": 0})
    assert await signing(0) == 1


async def test_an_rsa_key_is_replaced_at_once(call: Call, db: Database) -> None:
    made = await create(call, signing=["rsa"])
    path = f"/v1/endpoints/{made['id']}"
    rotated = (await call("POST", f"{path}/rotate-secret", json={"scheme": "rsa"})).json()
    assert rotated["rsa_public_key"] != made["rsa_public_key"]
    retired = (await call("POST", f"{path}/retire-secret", json={"scheme": "rsa"})).json()
    assert retired["rsa_public_key"] == rotated["rsa_public_key"]


async def test_what_does_not_sign_is_not_rotated(call: Call) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    answer = await call("POST", f"{path}/rotate-secret", json={"scheme": "rsa"})
    assert (answer.status_code, list(errors_of(answer))) == (422, ["scheme"])


async def test_no_private_key_and_no_header_value_is_ever_shown_or_published_open(call: Call, db: Database) -> None:
    made = await create(call, signing=["hmac", "ed25519", "rsa"], headers={"X-Key": "canary"})
    path, known = f"/v1/endpoints/{made['id']}", await as_known(db)
    answers = [await call("GET", path), await call("GET", "/v1/endpoints"), await call("POST", f"{path}/disable")]
    assert known.rsa_key is not None
    private = (known.secrets[0], known.ed25519_keys[0], known.rsa_key)
    told = [answer.text for answer in answers] + [str(one.value) for one in await published(db)]
    for text in told:
        assert "canary" not in text
        assert not [one for one in private if encode_secret(one).removeprefix("whsec_") in text or one.hex() in text]
    assert answers[0].json()["header_names"] == ["X-Key"]


# On and off


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        (["pause"], (True, None, True)),
        (["pause", "pause", "resume"], (True, None, False)),
        (["disable"], (False, "operator", False)),
        (["pause", "disable", "enable"], (True, None, True)),
        (["resume", "enable"], (True, None, False)),
    ],
)
async def test_pause_and_switch_are_told_apart_and_may_be_repeated(
    call: Call, db: Database, verbs: list[str], expected: tuple[bool, str | None, bool]
) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    for verb in verbs:
        answer = await call("POST", f"{path}/{verb}", Role.OPERATOR)
        assert answer.status_code == 200
    shown, known = (await call("GET", path)).json(), await as_known(db)
    assert (shown["enabled"], shown["disabled_because"], shown["paused"]) == expected
    assert (known.enabled, known.disabled_because, known.paused) == expected


async def test_an_endpoint_that_was_given_up_says_why_and_is_enabled_as_any_other(call: Call, db: Database) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    async with db.transaction() as connection:
        await an_endpoint_store(db).disable_in(connection, path.rpartition("/")[2], DisabledBecause.FAILING)
    assert (await call("GET", path)).json()["disabled_because"] == "failing"
    assert (await as_known(db)).is_served
    assert (await call("POST", f"{path}/enable")).json()["disabled_because"] is None


async def test_what_was_held_goes_out_once_the_endpoint_is_open_again_and_not_before(call: Call, db: Database) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"

    async def resumptions() -> int:
        async with db.connection() as connection:
            return int(await connection.fetchval("select count(*) from repair where kind = 'resume'"))

    before = await resumptions()
    for verb, opened in [("pause", 0), ("disable", 0), ("enable", 0), ("resume", 1), ("resume", 1), ("enable", 1)]:
        await call("POST", f"{path}/{verb}")
        assert await resumptions() - before == opened, verb


# Audit


async def test_each_change_leaves_one_record_of_who_did_it_and_a_refused_one_leaves_none(call: Call) -> None:
    made = await create(call)
    path = f"/v1/endpoints/{made['id']}"
    assert (await call("PATCH", path, json={"name": ""})).status_code == 422
    assert (await call("DELETE", f"/v1/endpoints/{UNKNOWN}")).status_code == 404
    await call("PATCH", path, json={"name": "renamed"})
    for verb in ("disable", "enable", "pause", "resume"):
        await call("POST", f"{path}/{verb}", Role.OPERATOR)
    for verb in ("rotate-secret", "retire-secret"):
        await call("POST", f"{path}/{verb}")
    await call("POST", f"{path}/test", Role.OPERATOR, json={"event_type": "pathway.completed"})
    await call("GET", path, Role.VIEWER)
    await call("DELETE", path)
    verbs = "create update disable enable pause resume rotate_secret retire_secret test delete"
    assert await deeds(call) == [f"endpoint.{verb}" for verb in verbs.split()]
    records = (await call("GET", "/v1/audit", params={"subject_id": made["id"]})).json()["items"]
    assert len(records) == 10
    assert {record["principal_name"] for record in records} == {"admin", "operator"}
    assert "renamed" not in str(records)


async def test_of_an_endpoint_that_is_given_up_the_audit_names_the_judge(call: Call, db: Database) -> None:
    endpoint_id = (await create(call))["id"]
    async with db.transaction() as connection:
        await an_endpoint_store(db).disable_in(connection, endpoint_id, DisabledBecause.GONE)
    [last, _] = (await call("GET", "/v1/audit")).json()["items"]
    assert (last["action"], last["principal_name"]) == ("endpoint.disable", "judge of endpoints")


# Trying


FORMS = {"all": [{"reference": "$.activity.object.type", "operator": "is_equal_to", "operand": "form"}]}
EVENT = {"event_type": "activity.created", "activity": {"object": {"type": "message"}}}


async def test_a_dry_run_explains_its_verdict_and_leaves_nothing(call: Call, db: Database) -> None:
    tried = {"event": EVENT, "filter": FORMS, "event_types": ["activity.created"], "definition_ids": ["hip"]}
    answer = await call("POST", "/v1/endpoints/dry-run", Role.VIEWER, json=tried)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["wanted"], told["event_type_wanted"], told["definition_wanted"], told["passes_filter"]) == (
        False,
        True,
        False,
        False,
    )
    [condition] = told["conditions"]
    assert (condition["at"], condition["value"], condition["operand"]) == ("all[0]", "message", "form")
    assert await published(db) == []
    assert await deeds(call) == []


async def test_an_event_without_choices_is_wanted(call: Call) -> None:
    told = (await call("POST", "/v1/endpoints/dry-run", json={"event": EVENT})).json()
    assert (told["wanted"], told["conditions"]) == (True, [])


@pytest.mark.parametrize(
    ("body", "field_name"),
    [
        ({"event": {}}, "event.event_type"),
        ({"event": {"event_type": 7}}, "event.event_type"),
        ({"event": []}, "event"),
        ({}, "event"),
        (
            {"event": EVENT, "filter": {"all": [{"reference": "$.a[", "operator": "is_empty"}]}},
            "filter.all[0].reference",
        ),
        ({"event": EVENT, "event_types": ["canary"]}, "event_types"),
    ],
)
async def test_what_cannot_be_tried_is_refused_by_name(call: Call, body: dict[str, Any], field_name: str) -> None:
    answer = await call("POST", "/v1/endpoints/dry-run", json=body)
    assert (answer.status_code, set(errors_of(answer))) == (422, {field_name})
    assert "canary" not in answer.text


@pytest.mark.parametrize("event_type", sorted(EVENT_CATALOGUE))
async def test_an_example_of_every_type_goes_to_the_fast_lane_marked_as_a_test(
    call: Call, db: Database, event_type: str
) -> None:
    made = await create(call, event_types=["track.stopped"])
    answer = await call("POST", f"/v1/endpoints/{made['id']}/test", Role.OPERATOR, json={"event_type": event_type})
    assert answer.status_code == 202, answer.text
    [sent] = [one for one in await published(db) if one.topic == TOPICS.deliveries("fast").name]
    delivery = Delivery.of(sent.key, sent.value, sent.headers)
    assert (delivery.event_id, delivery.id) == (answer.json()["event_id"], answer.json()["delivery_id"])
    assert (delivery.endpoint_id, delivery.event_type, delivery.is_test) == (made["id"], event_type, True)
    assert delivery.body == EVENT_CATALOGUE[event_type].example


async def test_an_example_has_the_form_that_the_endpoint_chose(call: Call, db: Database) -> None:
    made = await create(call, content_mode="cloudevents")
    wish = {"event_type": "pathway.completed"}
    sent = (await call("POST", f"/v1/endpoints/{made['id']}/test", json=wish)).json()
    [value] = await published_values(db, TOPICS.deliveries("fast").name)
    assert (value["id"], value["type"]) == (sent["event_id"], "pathway.completed")


@pytest.mark.parametrize("verb", ["disable", "pause"])
async def test_an_endpoint_that_is_not_open_is_sent_no_example(call: Call, verb: str) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    await call("POST", f"{path}/{verb}")
    answer = await call("POST", f"{path}/test", json={"event_type": "pathway.completed"})
    assert (answer.status_code, answer.json()["title"]) == (409, "Endpoint not open")


async def test_an_example_of_no_type_or_for_nobody_is_refused(call: Call) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    unknown = await call("POST", f"{path}/test", json={"event_type": "canary"})
    assert (unknown.status_code, list(errors_of(unknown))) == (422, ["event_type"])
    assert "canary" not in unknown.text
    nobody = await call("POST", f"/v1/endpoints/{UNKNOWN}/test", json={"event_type": "pathway.completed"})
    assert nobody.status_code == 404
    assert (await call("POST", f"{path}/test", Role.VIEWER, json={})).status_code == 403


# Ownership


async def test_a_receiver_that_echoes_the_challenge_is_enabled(strict: Call, receiver: Receiver) -> None:
    made = await create(strict, headers={"X-Key": "mine"})
    assert made["enabled"]
    [asked] = receiver.calls
    assert asked.url == GOOD["url"]
    assert asked.headers["X-Key"] == "mine"
    assert asked.headers["webhook-signature"].startswith("v1,")
    body = orjson.loads(asked.body)
    assert (body["event_type"], body["endpoint_id"]) == ("endpoint.verification", made["id"])
    assert await deeds(strict) == ["endpoint.create", "endpoint.enable"]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Answer(200, body=b"{}"), "did not echo"),
        (Answer(200, body=b"not json"), "did not echo"),
        (Answer(404), "answered 404"),
        (Failure.TIMEOUT, "timeout"),
        (Failure.ADDRESS_REFUSED, "address_refused"),
    ],
)
async def test_one_that_does_not_is_stored_disabled_with_its_secret_and_told_why(
    strict: Call, receiver: Receiver, result: Answer | Failure, said: str
) -> None:
    receiver.result = result
    answer = await strict("POST", "/v1/endpoints", json=GOOD)
    assert (answer.status_code, answer.json()["title"]) == (422, "Endpoint not verified")
    assert said in errors_of(answer)["url"]
    stored = answer.json()["endpoint"]
    path = f"/v1/endpoints/{stored['id']}"
    assert stored["secret"].startswith("whsec_")
    again = await strict("POST", f"{path}/enable")
    assert again.status_code == 422
    assert "endpoint" not in again.json()
    assert (await strict("GET", path)).json()["enabled"] is False
    receiver.result = None
    assert (await strict("POST", f"{path}/enable")).json()["enabled"] is True


async def test_a_challenge_may_be_echoed_as_bare_text(strict: Call, receiver: Receiver) -> None:
    receiver.bare = True
    assert (await create(strict))["enabled"]


async def test_an_address_is_changed_only_once_its_receiver_echoed(strict: Call, receiver: Receiver) -> None:
    path = f"/v1/endpoints/{(await create(strict))['id']}"
    receiver.echoes = False
    moved = {"url": "https://other.example/hook", "headers": {"X-Key": "new"}}
    answer = await strict("PATCH", path, json=moved)
    assert (answer.status_code, answer.json()["title"]) == (422, "Endpoint not verified")
    assert (await strict("GET", path)).json()["url"] == GOOD["url"]
    receiver.echoes = True
    assert (await strict("PATCH", path, json=moved)).json()["url"] == moved["url"]
    assert (receiver.calls[-1].url, receiver.calls[-1].headers["X-Key"]) == (moved["url"], "new")


async def test_who_is_disabled_is_asked_when_enabled_and_other_changes_ask_nobody(
    strict: Call, receiver: Receiver
) -> None:
    made = await create(strict, enabled=False)
    path = f"/v1/endpoints/{made['id']}"
    await strict("PATCH", path, json={"url": "https://other.example/hook"})
    await strict("PATCH", path, json={"name": "renamed"})
    assert receiver.calls == []
    await strict("POST", f"{path}/enable")
    assert [call.url for call in receiver.calls] == ["https://other.example/hook"]


async def test_no_address_gets_in_unasked_while_another_one_is_asked(strict: Call, receiver: Receiver) -> None:
    path = f"/v1/endpoints/{(await create(strict, enabled=False))['id']}"
    receiver.meanwhile = lambda: strict("PATCH", path, json={"url": "https://other.example/hook"})
    answer = await strict("POST", f"{path}/enable")
    assert (answer.status_code, answer.json()["title"]) == (409, "Changed meanwhile")
    shown = (await strict("GET", path)).json()
    assert (shown["enabled"], shown["url"]) == (False, "https://other.example/hook")


async def test_without_the_setting_nobody_is_asked(call: Call, receiver: Receiver) -> None:
    assert (await create(call))["enabled"]
    assert receiver.calls == []
