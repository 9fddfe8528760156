"""A sender's secrets: sealed apart, kept where none are entered, gone with their scheme, and never shown."""

from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from carewire_ingress.adapters.sealed_secrets import missing_ones_told, opened, resealed
from carewire_ingress.adapters.webhook_forms import CreateWebhook, UpdateWebhook
from carewire_ingress.adapters.webhook_record import WebhookRecord, salt_context
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.senders.ip_ranges import IpRanges
from carewire_ingress.domain.senders.restricted import Restricted
from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME, SenderScheme
from carewire_ingress.domain.senders.sender_secrets import SecretsMissing, SenderSecrets
from carewire_runtime.errors import SealingError
from carewire_runtime.http.problem import Problem
from carewire_runtime.sealing import Keyring
from carewire_testing_ingress.door import sender_of
from carewire_testing_ingress.proofs import NEW, OLD, PROOFS

KEYRING = Keyring.parse(Keyring.generate())
ID = "0198c000-0000-7000-8000-000000000001"
CANARY = "canary-5Zq0"


def scheme(name: str = "github", *secrets: str, **more: Any) -> SenderScheme:
    given = {"scheme": name, **more} | ({"secrets": secrets} if secrets else {})
    return SENDER_SCHEME.validate_python(given)


def sealed(*secrets: str, name: str = "github") -> str:
    token = resealed(scheme(name, *secrets), None, None, ID, KEYRING)
    assert token is not None
    return token


def test_what_is_sealed_opens_as_it_was_entered_newest_first() -> None:
    token = sealed("new", "old")
    assert "new" not in token
    assert opened(token, ID, KEYRING) == SenderSecrets((b"new", b"old"))


def test_nothing_sealed_is_no_secret() -> None:
    assert opened(None, ID, KEYRING) == SenderSecrets()


def test_a_seal_opens_for_its_own_webhook_alone() -> None:
    with pytest.raises(SealingError):
        opened(sealed("new"), "0198c000-0000-7000-8000-000000000002", KEYRING)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        pytest.param(scheme("github"), (b"old",), id="none entered: the stored ones stay"),
        pytest.param(scheme("github", "new"), (b"new",), id="entered: they replace"),
        pytest.param(scheme("github", "new", "old"), (b"new", b"old"), id="both during a rotation"),
    ],
)
def test_an_update_keeps_or_replaces_secrets_as_a_whole(wanted: SenderScheme, kept: tuple[bytes, ...]) -> None:
    token = resealed(wanted, scheme("github"), sealed("old"), ID, KEYRING)
    assert opened(token, ID, KEYRING).secrets == kept


def test_a_change_of_anything_else_leaves_the_seal_as_it_is() -> None:
    same, token = scheme("github"), sealed("old")
    assert resealed(same, same, token, ID, KEYRING) is token


def test_without_a_sender_nothing_is_kept() -> None:
    assert resealed(None, scheme("github"), sealed("old"), ID, KEYRING) is None


def test_another_scheme_does_not_inherit_the_secrets() -> None:
    with pytest.raises(SecretsMissing):
        resealed(scheme("stripe"), scheme("github"), sealed("old"), ID, KEYRING)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        pytest.param(scheme("github"), "sender.secrets", id="no secret"),
        pytest.param(scheme("meta", "s"), "sender.verify_token", id="Meta without its token"),
    ],
)
def test_a_missing_secret_is_told_with_its_field(wanted: SenderScheme, field: str) -> None:
    with pytest.raises(Problem) as told, missing_ones_told():
        resealed(wanted, None, None, ID, KEYRING)
    assert told.value.status == 422
    assert [error["field"] for error in told.value.document["errors"]] == [field]


@pytest.mark.parametrize("name", PROOFS)
def test_no_secret_stands_in_a_configuration_however_it_is_written(name: str) -> None:
    proof = PROOFS[name]
    secret = proof.entered(NEW)
    form = CreateWebhook.model_validate(
        {"name": "A", "definition_id": "d", "sender": {**proof.scheme, "secrets": [secret]}}
    )
    configuration = form.configuration()
    document = orjson.dumps(TypeAdapter(Configuration).dump_python(configuration, mode="json")).decode()
    record = WebhookRecord(ID, True, "00", "salt", configuration, "sealed").encode().decode()
    for text in (document, record, repr(configuration), repr(form)):
        assert secret not in text
        assert "meatyhamhock" not in text
    shown = {name: value for name, value in proof.scheme.items() if name != "verify_token"}
    assert TypeAdapter(Configuration).validate_json(document).sender == SENDER_SCHEME.validate_python(shown)


def record(*ranges: str, start_key: Any = None) -> WebhookRecord:
    configured: dict[str, Any] = {"name": "A", "definition_id": "d", "sender": {"scheme": "github"}}
    form = CreateWebhook.model_validate(configured | {"allowed_ips": ranges, "start_key": start_key or {}})
    salt = KEYRING.seal(b"salt", context=salt_context(ID))
    return WebhookRecord(ID, True, "00" * 32, salt, form.configuration(), sealed(NEW, OLD))


def test_a_record_makes_the_sender_with_its_secrets() -> None:
    webhook = WebhookRecord.decode(record().encode()).compiled(KEYRING)
    assert webhook.sender == sender_of({"scheme": "github"}, NEW, OLD)
    assert NEW not in repr(webhook)


def test_a_record_of_before_there_were_senders_has_none() -> None:
    data = orjson.loads(record().encode())
    del data["sender_secrets"]
    data["configuration"].pop("sender")
    data["configuration"].pop("allowed_ips")
    assert WebhookRecord.decode(orjson.dumps(data)).compiled(KEYRING).sender is None


def test_ranges_alone_and_ranges_beside_a_signature() -> None:
    both = record("192.0.2.0/24").compiled(KEYRING).sender
    assert isinstance(both, Restricted)
    without = orjson.loads(record("192.0.2.0/24").encode())
    without["configuration"]["sender"] = None
    alone = WebhookRecord.decode(orjson.dumps(without)).compiled(KEYRING).sender
    assert isinstance(alone, IpRanges)


def test_a_senders_delivery_id_is_the_start_key_unless_staff_name_another() -> None:
    assert record("192.0.2.0/24").compiled(KEYRING).start_key.header == "x-github-delivery"
    assert record(start_key={"header": "X-Own"}).compiled(KEYRING).start_key.header == "x-own"


def test_null_takes_a_sender_away_and_leaving_out_keeps_it() -> None:
    configuration = record("192.0.2.0/24").configuration
    assert UpdateWebhook.model_validate({"sender": None}).applied_to(configuration).sender is None
    assert UpdateWebhook.model_validate({"name": "B"}).applied_to(configuration).sender is configuration.sender
    assert UpdateWebhook.model_validate({"allowed_ips": []}).applied_to(configuration).allowed_ips == ()


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"allowed_ips": ["everywhere"]}, id="no range"),
        pytest.param({"allowed_ips": ["0.0.0.0/0"]}, id="everybody"),
        pytest.param({"allowed_ips": ["192.0.2.1"] * 501}, id="too many ranges"),
        pytest.param({"sender": {"scheme": CANARY}}, id="unknown scheme"),
        pytest.param({"sender": {"scheme": "github", "secrets": [f" {CANARY}"]}}, id="secret with white space"),
        pytest.param({"sender": {"scheme": "github", "secrets": [CANARY] * 5}}, id="too many secrets"),
        pytest.param({"sender": {"scheme": "standard_webhooks", "secrets": [CANARY]}}, id="no such key"),
        pytest.param({"sender": {"scheme": "github", "unheard": 1}}, id="unknown field"),
    ],
)
def test_what_no_sender_can_be_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        CreateWebhook.model_validate({"name": "A", "definition_id": "d"} | wanted)
