"""Each environment variable with a wrong value is named, with what is wrong and without the value."""

import pytest

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.sealing import Keyring
from carewire_runtime.settings import ServiceSettings

WRONG = {
    "PARTITIONS": ["0", "-1", "1001", "canary", "1.5", ""],
    "TENANT_ID": [""],
    "HTTP_PORT": ["-1", "65536", "canary"],
    "LOG_LEVEL": ["canary", "info", "DEBUG,INFO", ""],
    "TRACE_SAMPLE_RATIO": ["-0.1", "1.1", "canary"],
    "TRACE_EXPORT": ["canary", "file:", "NONE", ""],
    "ENCRYPTION_KEYS": ["", "canary", "k:canary", "k:", ":", ",,"],
}
BORDERS = {
    "PARTITIONS": ["1", "1000"],
    "HTTP_PORT": ["0", "65535"],
    "LOG_LEVEL": ["DEBUG", "INFO", "WARNING", "ERROR"],
    "TRACE_SAMPLE_RATIO": ["0", "1", "0.5"],
    "TRACE_EXPORT": ["none", "otlp", "file:/tmp/a b.jsonl"],
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(f"CAREWIRE_{name.upper()}", raising=False)
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", Keyring.generate())


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CAREWIRE_{name}", value)
    with pytest.raises(ConfigurationError, match=f"CAREWIRE_{name}") as refused:
        ServiceSettings.load()
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BORDERS.items() for value in values])
def test_what_lies_on_the_border_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CAREWIRE_{name}", value)
    assert str(getattr(ServiceSettings.load(), name.lower())) in (value, f"{value}.0")


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {name: values[0] for name, values in WRONG.items() if name != "ENCRYPTION_KEYS"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"CAREWIRE_{name}", value)
    with pytest.raises(ConfigurationError) as refused:
        ServiceSettings.load()
    assert [name for name in wrong if f"CAREWIRE_{name}:" not in str(refused.value)] == []


def test_variables_of_others_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_NO_SUCH_SETTING", "x")
    monkeypatch.setenv("PARTITIONS", "canary")
    assert ServiceSettings.load().partitions == 12


def test_every_setting_is_described_and_secrets_are_kept_out_of_its_repr() -> None:
    fields = ServiceSettings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
    assert {name for name, field in fields.items() if field.repr is False} == {
        "postgres_dsn",
        "encryption_keys",
        "bootstrap_api_key",
    }
