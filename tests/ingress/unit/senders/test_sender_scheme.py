"""The configuration of a sender: what is taken, what is refused with which remedy, and that no secret comes back."""

import base64
import json
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME, SenderScheme, secrets_for
from carewire_ingress.domain.senders.sender_secrets import (
    MAX_SECRET_LENGTH,
    MAX_SECRETS,
    SecretsMissing,
    SenderSecrets,
    check_secret,
)
from carewire_testing_ingress.proofs import NEW, OLD, PROOFS, Proof

CANARY = "canary-4711"


def read(value: dict[str, Any]) -> SenderScheme:
    return SENDER_SCHEME.validate_python(value)


def problems(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Field and message of each problem."""
    with pytest.raises(ValidationError) as refused:
        SENDER_SCHEME.validate_json(json.dumps(value))
    return [(".".join(map(str, one["loc"][1:])), one["msg"]) for one in refused.value.errors(include_input=False)]


def entered(proof: Proof, *secrets: str) -> dict[str, Any]:
    return {**proof.scheme, "secrets": [proof.entered(secret) for secret in secrets]}


@pytest.mark.parametrize("name", PROOFS)
def test_a_scheme_is_shown_and_stored_without_its_secrets(name: str) -> None:
    proof = PROOFS[name]
    scheme = read(entered(proof, NEW, OLD))
    for shown in (SENDER_SCHEME.dump_json(scheme).decode(), repr(scheme), str(scheme)):
        assert "secrets" not in shown
        assert "verify_token" not in shown
        for secret in (NEW, OLD, "meatyhamhock"):
            assert proof.entered(secret) not in shown


@pytest.mark.parametrize("name", PROOFS)
def test_what_was_stored_and_what_was_sealed_make_the_sender_again(name: str) -> None:
    proof = PROOFS[name]
    scheme = read(entered(proof, NEW, OLD))
    stored = SENDER_SCHEME.validate_json(SENDER_SCHEME.dump_json(scheme))
    unsealed = SenderSecrets.decode(scheme.entered().encode())
    assert unsealed == scheme.entered()
    assert stored.sender(unsealed).verify(proof.sign(OLD)) == scheme.sender(scheme.entered()).verify(proof.sign(OLD))


def test_every_scheme_of_the_list_is_tried_here() -> None:
    union = get_args(get_args(SenderScheme)[0])
    known = {name for scheme in union for name in get_args(scheme.model_fields["scheme"].annotation)}
    assert known == {str(proof.scheme["scheme"]) for proof in PROOFS.values()} | {"ip_ranges"}


def test_address_ranges_need_no_secret() -> None:
    scheme = read({"scheme": "ip_ranges", "ranges": ["192.0.2.0/24"]})
    assert isinstance(scheme.sender(secrets_for(scheme, None, SenderSecrets())), Sender)
    assert json.loads(SENDER_SCHEME.dump_json(scheme)) == {"scheme": "ip_ranges", "ranges": ["192.0.2.0/24"]}


@pytest.mark.parametrize(
    ("changes", "field", "remedy"),
    [
        ({"secrets": [""]}, "secrets.0", "copy it from the sender"),
        ({"secrets": [NEW, f" {CANARY}"]}, "secrets.1", "copy it again from the sender"),
        ({"secrets": [f"{CANARY}\n"]}, "secrets.0", "copy it again from the sender"),
        ({"secrets": [f"{CANARY}\u200b"]}, "secrets.0", "copy it again from the sender"),
        ({"secrets": [CANARY * 100]}, "secrets.0", f"longer than {MAX_SECRET_LENGTH} characters"),
        ({"secrets": [NEW] * (MAX_SECRETS + 1)}, "secrets", f"at most {MAX_SECRETS} items"),
        ({"secrets": NEW}, "secrets", "valid array"),
        ({"secrets": [1]}, "secrets.0", "valid string"),
        ({"secret": CANARY}, "secret", "not permitted"),
        ({"scheme": "api_key", "header": f"{CANARY} x"}, "header", "write it like X-Signature"),
        ({"scheme": "api_key", "header": ""}, "header", "write it like X-Signature"),
        ({"scheme": "api_key", "prefix": "é"}, "prefix", "write it as the sender sends it"),
        ({"scheme": "api_key", "prefix": "a\n"}, "prefix", "write it as the sender sends it"),
        ({"scheme": "api_key", "prefix": "a" * 65}, "prefix", "at most 64 characters"),
        ({"scheme": "basic"}, "user", "required"),
        ({"scheme": "basic", "user": ""}, "user", "is not empty and has no colon"),
        ({"scheme": "basic", "user": f"{CANARY}:"}, "user", "is not empty and has no colon"),
        ({"scheme": "basic", "user": f"{CANARY}\x00"}, "user", "is not empty and has no colon"),
        ({"scheme": "meta", "verify_token": " "}, "verify_token", "copy it again from the sender"),
        ({"scheme": "hmac"}, "header", "required"),
        ({"scheme": "hmac", "header": "x", "algorithm": CANARY}, "algorithm", "'sha1', 'sha256' or 'sha512'"),
        ({"scheme": "hmac", "header": "x", "encoding": CANARY}, "encoding", "'hex', 'base64' or 'base64url'"),
        ({"scheme": "hmac", "header": "x", "template": CANARY}, "template", "{body} is missing"),
        ({"scheme": "hmac", "header": "x", "template": "{canary}{body}"}, "template", "there are {body}, {timestamp}"),
        ({"scheme": "hmac", "header": "x", "template": "{body}" + "a" * 512}, "template", "at most 512 characters"),
        ({"scheme": "hmac", "header": "x", "timestamp_unit": CANARY}, "timestamp_unit", "'seconds' or 'milliseconds'"),
        ({"scheme": "standard_webhooks", "secrets": [CANARY]}, "secrets.0", "not in base64"),
        ({"scheme": "standard_webhooks", "secrets": ["whsk_" + CANARY]}, "secrets.0", "ask the sender for the public"),
        ({"scheme": "sendgrid", "secrets": [CANARY]}, "secrets.0", "copy the verification key"),
        ({"scheme": "ip_ranges"}, "ranges", "required"),
        ({"scheme": "ip_ranges", "ranges": []}, "ranges", "at least 1 item"),
        ({"scheme": "ip_ranges", "ranges": ["10.0.0.0/8", CANARY]}, "ranges.1", "write it like 192.0.2.0/24"),
        ({"scheme": "ip_ranges", "ranges": ["10.0.0.0/8"], "secrets": [CANARY]}, "secrets", "not permitted"),
    ],
)
def test_a_problem_names_its_field_and_the_remedy_and_never_the_value(
    changes: dict[str, Any], field: str, remedy: str
) -> None:
    ((named, message),) = problems({"scheme": "github", **changes})
    assert named == field
    assert remedy in message
    assert CANARY not in message


@pytest.mark.parametrize(
    "changes",
    [{"template": "{timestamp}{body}"}, {"timestamp_header": "X-Time"}],
    ids=["signed and nowhere to be found", "found and not signed"],
)
def test_a_timestamp_counts_only_where_it_is_signed(changes: dict[str, Any]) -> None:
    ((_, message),) = problems({"scheme": "hmac", "header": "x", **changes})
    assert "give timestamp_header and {timestamp}, or neither" in message


def test_several_problems_are_told_at_once() -> None:
    assert [field for field, _ in problems({"scheme": "api_key", "header": " ", "prefix": "é", "secrets": [""]})] == [
        "secrets.0",
        "header",
        "prefix",
    ]


@pytest.mark.parametrize("value", [{}, {"scheme": "nobody"}, {"scheme": None}, []])
def test_a_scheme_that_is_not_on_the_list_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        SENDER_SCHEME.validate_python(value)


def der(key: Any) -> str:
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.mark.parametrize(
    "key",
    [der(generate_private_key(SECP384R1()).public_key()), der(Ed25519PrivateKey.generate().public_key())],
    ids=["another curve", "another kind"],
)
def test_another_kind_of_key_is_none_of_sendgrid(key: str) -> None:
    ((field, message),) = problems({"scheme": "sendgrid", "secrets": [key]})
    assert (field, "ECDSA key on P-256" in message) == ("secrets.0", True)


@pytest.mark.parametrize("secret", ["a", "It's a Secret to Everybody", "gehëim", "🔑", "x" * MAX_SECRET_LENGTH])
def test_a_secret_may_be_any_text_that_can_be_seen(secret: str) -> None:
    check_secret(secret)
    assert read({"scheme": "github", "secrets": [secret]}).entered() == SenderSecrets((secret.encode(),))


KEPT = SenderSecrets((b"kept",), b"kept token")
GITHUB = read({"scheme": "github"})
META = read({"scheme": "meta"})


@pytest.mark.parametrize(
    ("scheme", "stored", "expected"),
    [
        pytest.param({"scheme": "github", "secrets": ["new"]}, None, SenderSecrets((b"new",)), id="a new scheme"),
        pytest.param({"scheme": "github", "secrets": ["new"]}, META, SenderSecrets((b"new",)), id="another scheme"),
        pytest.param({"scheme": "github"}, GITHUB, KEPT, id="left out: the stored ones stay"),
        pytest.param({"scheme": "github", "secrets": []}, GITHUB, KEPT, id="none: the stored ones stay"),
        pytest.param(
            {"scheme": "github", "secrets": ["new", "kept"]},
            GITHUB,
            SenderSecrets((b"new", b"kept"), b"kept token"),
            id="a rotation",
        ),
        pytest.param(
            {"scheme": "meta", "secrets": ["new"]},
            META,
            SenderSecrets((b"new",), b"kept token"),
            id="one of Meta's two",
        ),
        pytest.param(
            {"scheme": "meta", "verify_token": "t"}, META, SenderSecrets((b"kept",), b"t"), id="the other of Meta's two"
        ),
    ],
)
def test_secrets_that_are_left_out_stay_as_long_as_the_scheme_does(
    scheme: dict[str, Any], stored: SenderScheme | None, expected: SenderSecrets
) -> None:
    assert secrets_for(read(scheme), stored, KEPT) == expected


@pytest.mark.parametrize(
    ("scheme", "stored", "field"),
    [
        pytest.param({"scheme": "github"}, None, "secrets", id="a new scheme"),
        pytest.param({"scheme": "github"}, META, "secrets", id="another scheme: its secrets are not carried over"),
        pytest.param({"scheme": "meta"}, None, "secrets", id="Meta without either"),
        pytest.param({"scheme": "meta", "secrets": ["new"]}, None, "verify_token", id="Meta without its token"),
        pytest.param({"scheme": "meta", "verify_token": "t"}, None, "secrets", id="Meta without its secret"),
    ],
)
def test_a_secret_that_neither_has_is_asked_for(
    scheme: dict[str, Any], stored: SenderScheme | None, field: str
) -> None:
    with pytest.raises(SecretsMissing, match="give ") as missing:
        secrets_for(read(scheme), stored, KEPT)
    assert missing.value.field == field


@given(st.lists(st.text(min_size=1), max_size=MAX_SECRETS), st.text())
def test_what_is_sealed_is_read_again(secrets: list[str], token: str) -> None:
    kept = SenderSecrets(tuple(secret.encode() for secret in secrets), token.encode())
    assert SenderSecrets.decode(kept.encode()) == kept


def test_secrets_show_in_no_representation() -> None:
    assert "kept" not in repr(KEPT)


def test_the_schema_of_the_api_says_that_secrets_are_write_only() -> None:
    for definition in SENDER_SCHEME.json_schema()["$defs"].values():
        for field in ("secrets", "verify_token"):
            if field in definition.get("properties", {}):
                assert definition["properties"][field]["writeOnly"] is True
