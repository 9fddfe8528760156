"""Settings of ingress that bound what strangers may cost: ordinary by default, refused with their name where wrong."""

import pytest
from pydantic import ValidationError

from carewire_ingress.domain.senders.client_address import read_network
from carewire_ingress.settings import IngressSettings
from carewire_runtime.errors import ConfigurationError
from carewire_runtime.sealing import Keyring


def settings(**more: object) -> IngressSettings:
    return IngressSettings.model_validate({"encryption_keys": Keyring.generate(), **more})


def test_nobodys_word_on_addresses_is_believed_by_default() -> None:
    assert settings().proxy_networks == ()


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        (" 10.0.0.0/8 , fd00::/8,", ["10.0.0.0/8", "fd00::/8"]),
        ("192.0.2.1", ["192.0.2.1/32"]),
    ],
)
def test_trusted_proxies_are_ranges_by_commas(text: str, ranges: list[str]) -> None:
    assert settings(trusted_proxies=text).proxy_networks == tuple(map(read_network, ranges))


@pytest.mark.parametrize("text", ["everybody", "0.0.0.0/0", "10.0.0.0/8;fd00::/8", "10.0.0.0/40"])
def test_what_is_no_range_stops_the_start_and_names_the_variable(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", Keyring.generate())
    monkeypatch.setenv("CAREWIRE_TRUSTED_PROXIES", text)
    with pytest.raises(ConfigurationError, match="CAREWIRE_TRUSTED_PROXIES"):
        IngressSettings.load()


@pytest.mark.parametrize(
    "wrong",
    [
        {"refused_per_minute": 0},
        {"max_head_bytes": 1_000},
        {"head_read_seconds": 0},
        {"head_read_seconds": 61},
    ],
    ids=str,
)
def test_bounds_that_would_shut_everybody_out_or_nobody_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)
