"""Settings of ingress."""

from pydantic import Field

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

    @property
    def public_url(self) -> str:
        """The base of webhook URLs."""
        return self.ingress_public_url or f"http://{self.http_host}:{self.http_port}"
