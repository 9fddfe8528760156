"""Settings of ingress."""

from pydantic import Field, field_validator

from carewire_ingress.domain.senders.client_address import Network, read_network
from carewire_runtime.settings import ServiceSettings


class IngressSettings(ServiceSettings):
    """What ingress needs to know beside what all services do."""

    http_port: int = Field(8080, ge=0, le=65535, description="port to listen on")
    ingress_public_url: str | None = Field(
        None, description="how third parties reach us, as in https://hooks.example.org; default: host and port"
    )
    max_body_bytes: int = Field(1_048_576, ge=1_024, le=2_097_152, description="cap of a webhook's body")
    body_read_seconds: float = Field(10.0, gt=0, le=60, description="time for a body to arrive")
    request_log_days: int = Field(90, ge=1, le=36_500, description="days that requests are kept in the log")
    audit_days: int = Field(365, ge=1, le=36_500, description="days that audit records are kept")
    max_calls: int = Field(2_000, ge=1, description="calls of webhooks that may be under way at once")

    trusted_proxies: str = Field(
        "", description="address ranges (CIDR), by commas, of proxies whose X-Forwarded-For is believed"
    )
    refused_per_minute: int = Field(
        600, ge=1, le=1_000_000, description="refused calls, and tests, of a webhook that the log keeps in a minute"
    )
    max_head_bytes: int = Field(32_768, ge=4_096, le=1_048_576, description="cap of a call's URL and headers")
    head_read_seconds: float = Field(10.0, gt=0, le=60, description="time for a call's URL and headers to arrive")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_ranges(cls, text: str) -> str:
        _networks(text)
        return text

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """The networks of our own proxies."""
        return _networks(self.trusted_proxies)

    @property
    def public_url(self) -> str:
        """The base of webhook URLs."""
        return self.ingress_public_url or f"http://{self.http_host}:{self.http_port}"


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(read_network(part.strip()) for part in text.split(",") if part.strip())
