"""Settings of a service, from the environment. One environment serves all services but for the port."""

from functools import cached_property
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.sealing import Keyring

_PREFIX = "CAREWIRE_"
_NO_KEYS = 'not set; make a key with `echo "k1:$(openssl rand -base64 32)"`, which all replicas share'


class ServiceSettings(BaseSettings):
    """What every service needs to know. Each variable is the field's name in capitals after `CAREWIRE_`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    kafka_bootstrap: str = Field("localhost:9092", description="Kafka brokers, host:port, by commas")
    postgres_dsn: str = Field("postgresql://localhost/carewire", repr=False, description="libpq URL")
    topic_prefix: str = Field("", description="stands before each topic's name")
    partitions: int = Field(12, ge=1, le=1000, description="partitions of each partitioned topic")
    tenant_id: str = Field("carewire", min_length=1, description="the tenant that payloads name")
    encryption_keys: str = Field(repr=False, description="id:base64 of 32 bytes, …; the first seals")
    http_host: str = Field("127.0.0.1", description="address to listen on")
    http_port: int = Field(8080, ge=0, le=65535, description="port to listen on")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level to log")
    trace_sample_ratio: float = Field(0.01, ge=0, le=1, description="share of new traces that are recorded")
    trace_export: str = Field(
        "none", pattern="^(none|otlp|file:.+)$", description="none, otlp (OTEL_* variables), or file:/path"
    )
    bootstrap_api_key: str | None = Field(None, repr=False, description="the first API key")

    @classmethod
    def load(cls, **said: Any) -> Self:
        """Read the environment; what is `said` goes before it.

        Raises ConfigurationError naming every wrong variable, never its value.
        """
        try:
            settings = cls(**said)  # every field may come from the environment
            settings.keyring  # noqa: B018 (a wrong key must stop the start, not the first request)
        except ValidationError as error:
            raise ConfigurationError("; ".join(_problems(error))) from None
        return settings

    @cached_property
    def keyring(self) -> Keyring:
        """The deployment's encryption keys."""
        try:
            return Keyring.parse(self.encryption_keys)
        except ConfigurationError as error:
            raise ConfigurationError(f"{_PREFIX}ENCRYPTION_KEYS: {error}") from None


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{_PREFIX}{'.'.join(str(part) for part in problem['loc']).upper()}: {_message(problem)}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _message(problem: ErrorDetails) -> str:
    """What is wrong; of the one variable without a default, how to come by a value."""
    is_missing_key = problem["type"] == "missing" and problem["loc"][-1] == "encryption_keys"
    return _NO_KEYS if is_missing_key else problem["msg"]
