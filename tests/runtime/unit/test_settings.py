import base64

import pytest
from pydantic import ValidationError

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.sealing import Keyring
from carewire_runtime.settings import ServiceSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(ServiceSettings.model_fields):
        monkeypatch.delenv(f"CAREWIRE_{name.upper()}", raising=False)
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", Keyring.generate())


def test_encryption_keys_are_all_that_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ServiceSettings.load().kafka_bootstrap == "localhost:9092"
    monkeypatch.delenv("CAREWIRE_ENCRYPTION_KEYS")
    with pytest.raises(ConfigurationError, match=r"^CAREWIRE_ENCRYPTION_KEYS: not set; make a key with") as caught:
        ServiceSettings.load()
    assert 'echo "k1:$(openssl rand -base64 32)"' in str(caught.value)


def test_a_key_made_as_the_message_says_is_a_key() -> None:
    made = "k1:" + base64.b64encode(bytes(32)).decode() + "\n"
    assert Keyring.parse(made).fingerprint_key_id == "k1"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_KAFKA_BOOTSTRAP", "kafka-1:9092,kafka-2:9092")
    monkeypatch.setenv("CAREWIRE_PARTITIONS", "2")
    monkeypatch.setenv("CAREWIRE_TRACE_EXPORT", "file:/tmp/spans.jsonl")
    settings = ServiceSettings.load()
    assert settings.kafka_bootstrap == "kafka-1:9092,kafka-2:9092"
    assert settings.partitions == 2
    assert settings.trace_export == "file:/tmp/spans.jsonl"


def test_every_wrong_variable_is_named_and_no_value_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_PARTITIONS", "canary-1")
    monkeypatch.setenv("CAREWIRE_LOG_LEVEL", "canary-2")
    with pytest.raises(ConfigurationError, match=r"CAREWIRE_PARTITIONS.*CAREWIRE_LOG_LEVEL") as caught:
        ServiceSettings.load()
    assert "canary" not in str(caught.value)


def test_a_wrong_encryption_key_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", "canary")
    with pytest.raises(ConfigurationError, match="CAREWIRE_ENCRYPTION_KEYS: encryption key 1") as caught:
        ServiceSettings.load()
    assert "canary" not in str(caught.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_POSTGRES_DSN", "postgresql://u:canary@h/d")
    monkeypatch.setenv("CAREWIRE_BOOTSTRAP_API_KEY", "canary")
    assert "canary" not in repr(ServiceSettings.load())


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        ServiceSettings.load().partitions = 3  # type: ignore[misc]
