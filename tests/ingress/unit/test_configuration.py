from typing import Any

import pytest

from carewire_contracts.json_path import JsonPath
from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.rules import Rule
from carewire_ingress.domain.configuration import (
    Configuration,
    IdentifierSource,
    StartKeyConfiguration,
    compiled,
)
from carewire_ingress.domain.configuration_faults import faults
from carewire_ingress.domain.patient_profile import ProfileField
from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.senders.github import GitHub
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.stripe import Stripe
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.value_source import CompiledSource, ValueSource
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_testing_ingress.samples import MRN, PATHS, SYSTEMS, by_path, definition, release


def configuration(
    mapping: dict[str, str] | None = None,
    *identifiers: IdentifierSource,
    start_key: StartKeyConfiguration | None = None,
    **more: Any,
) -> Configuration:
    return Configuration(
        "A",
        "hip-surgery",
        by_path(PATHS if mapping is None else mapping),
        identifiers,
        start_key or StartKeyConfiguration(),
        **more,
    )


def fields(wanted: Configuration, *, enabled: bool = False) -> list[str]:
    return [fault.field for fault in faults(wanted, definition(release()), SYSTEMS, enabled=enabled)]


def test_a_sound_configuration_has_no_faults() -> None:
    sound = configuration(
        None,
        IdentifierSource("$.mrn", system=MRN),
        IdentifierSource("$.id.value", system_path="$.id.system"),
        start_key=StartKeyConfiguration(header="X-GitHub-Delivery"),
    )
    assert fields(sound, enabled=True) == []


def test_only_an_enabled_webhook_must_map_what_is_required() -> None:
    assert fields(configuration({})) == []
    assert fields(configuration({}), enabled=True) == [
        "mapping.surgery_date",
        "mapping.patient_name",
        "mapping.pain_score",
    ]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (configuration({"unheard_of": "$.a"}), "mapping.unheard_of"),
        (configuration({"pain_score": "a.b"}), "mapping.pain_score"),
        (configuration(None, IdentifierSource("$..", system=MRN)), "identifiers.0.value_path"),
        (configuration(None, IdentifierSource("$.a", system_path="a")), "identifiers.0.system_path"),
        (configuration(None, IdentifierSource("$.a")), "identifiers.0"),
        (configuration(None, IdentifierSource("$.a", MRN, "$.b")), "identifiers.0"),
        (configuration(None, IdentifierSource("$.a", "https://other.example")), "identifiers.0.system"),
        (configuration(None, *[IdentifierSource("$.a", MRN)] * 17), "identifiers"),
        (configuration(start_key=StartKeyConfiguration("X-Id", "$.id")), "start_key"),
        (configuration(start_key=StartKeyConfiguration(header="not a token")), "start_key.header"),
        (configuration(start_key=StartKeyConfiguration(path="id")), "start_key.path"),
    ],
)
def test_each_fault_names_its_field(wanted: Configuration, field: str) -> None:
    assert fields(wanted) == [field]


def test_without_a_live_release_the_definition_is_the_fault() -> None:
    for known in (None, definition(None)):
        (fault,) = faults(configuration(), known, SYSTEMS, enabled=True)
        assert fault.field == "definition_id"


def test_compiling_keeps_what_was_configured() -> None:
    webhook = compiled(
        configuration(
            {"a": "$.a"},
            IdentifierSource("$.v", system=MRN),
            IdentifierSource("$.v", system_path="$.s"),
            start_key=StartKeyConfiguration(header="X-Delivery"),
        ),
        webhook_id="w",
        enabled=True,
        token_sha256=b"t",
        salt=b"s",
    )
    assert webhook.mapping == {"a": CompiledSource(JsonPath("$.a"))}
    assert [identifier.system for identifier in webhook.identifiers] == [MRN, JsonPath("$.s")]
    assert webhook.start_key.header == "x-delivery"
    assert "salt" not in repr(webhook)


def compile_(wanted: Configuration, sender: Sender | None = None) -> IncomingWebhook:
    return compiled(wanted, webhook_id="w", enabled=True, token_sha256=b"t", salt=b"s", sender=sender)


def test_compiling_prepares_what_decides_about_calls() -> None:
    rule = Rule.model_validate({"all": [{"reference": "$.type", "operator": "is_equal_to", "operand": "planned"}]})
    webhook = compile_(
        configuration(
            profile={ProfileField.FIRST_NAME: ValueSource("$.given")},
            filter=rule,
            enrolment_guard=EnrolmentGuard.SKIP_WHEN_ACTIVE,
            redacted=("$.ssn", "$..secret"),
            rate_limit=RateLimit(5, 10),
        )
    )
    assert webhook.filter is not None
    assert webhook.filter.rule == rule
    assert [(field, source.text) for field, source, _ in webhook.profile] == [("first_name", "$.given")]
    assert [query.path.text for query in webhook.redacted] == ["$.ssn", "$..secret"]
    assert (webhook.enrolment_guard, webhook.rate_limit) == (EnrolmentGuard.SKIP_WHEN_ACTIVE, RateLimit(5, 10))


def test_what_staff_do_not_say_decides_nothing() -> None:
    webhook = compile_(configuration())
    assert (webhook.filter, webhook.rate_limit, webhook.sender) == (None, None, None)
    assert (webhook.profile, webhook.redacted) == ((), ())
    assert webhook.enrolment_guard is EnrolmentGuard.START_ANOTHER


GITHUB = GitHub((b"canary-secret",))
STRIPE = Stripe((b"canary-secret",))


@pytest.mark.parametrize(
    ("said", "sender", "source"),
    [
        pytest.param(StartKeyConfiguration(), None, StartKeySource(), id="nobody says"),
        pytest.param(StartKeyConfiguration(), GITHUB, StartKeySource(header="x-github-delivery"), id="the sender's"),
        pytest.param(StartKeyConfiguration(), STRIPE, STRIPE.delivery, id="the sender's path"),
        pytest.param(StartKeyConfiguration("X-Id"), GITHUB, StartKeySource(header="x-id"), id="a header of staff's"),
        pytest.param(
            StartKeyConfiguration(path="$.id"), GITHUB, StartKeySource(path=JsonPath("$.id")), id="a path of staff's"
        ),
    ],
)
def test_a_delivery_is_told_as_staff_say_else_as_its_sender_publishes(
    said: StartKeyConfiguration, sender: Sender | None, source: StartKeySource
) -> None:
    assert compile_(configuration(start_key=said), sender).start_key == source


def test_the_sender_and_its_secrets_are_in_no_repr() -> None:
    webhook = compile_(configuration(), GITHUB)
    assert webhook.sender is GITHUB
    assert "canary" not in repr(webhook)
    assert "GitHub" not in repr(webhook)
