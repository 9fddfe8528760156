import pytest

from carewire_ingress.domain.configuration import (
    Configuration,
    IdentifierSource,
    StartKeyConfiguration,
    compiled,
)
from carewire_ingress.domain.configuration_faults import faults
from carewire_ingress.domain.json_path import JsonPath
from carewire_ingress.domain.value_source import CompiledSource
from carewire_testing_ingress.samples import MRN, PATHS, SYSTEMS, by_path, definition, release


def configuration(
    mapping: dict[str, str] | None = None,
    *identifiers: IdentifierSource,
    start_key: StartKeyConfiguration | None = None,
) -> Configuration:
    return Configuration(
        "A",
        "hip-surgery",
        by_path(PATHS if mapping is None else mapping),
        identifiers,
        start_key or StartKeyConfiguration(),
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
