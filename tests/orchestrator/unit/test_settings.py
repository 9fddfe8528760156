"""The orchestrator's own settings, from the environment."""

import base64

import pytest

from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.errors import ConfigurationError


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", f"k1:{base64.b64encode(bytes(32)).decode()}")


def test_events_tell_everything_unless_they_are_to_tell_ids_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREWIRE_EVENT_PAYLOADS", raising=False)
    assert OrchestratorSettings.load().event_payloads == "full"
    monkeypatch.setenv("CAREWIRE_EVENT_PAYLOADS", "ids")
    assert OrchestratorSettings.load().event_payloads == "ids"


def test_another_word_is_refused_with_the_words_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt `ids` must not tell everything."""
    monkeypatch.setenv("CAREWIRE_EVENT_PAYLOADS", "id")
    with pytest.raises(ConfigurationError, match=r"CAREWIRE_EVENT_PAYLOADS: .*'full' or 'ids'"):
        OrchestratorSettings.load()
