"""Settings of the dispatcher."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from carewire_runtime.settings import ServiceSettings


class DispatcherSettings(ServiceSettings):
    """What the dispatcher needs to know beside what every service does."""

    http_port: int = Field(8082, ge=0, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="worker processes; each uses a core, and a port of its own")
    time_scale: float = Field(1.0, gt=0, le=1000, description="divides retry offsets and tiers, for tests")
    allow_http_endpoints: bool = Field(False, description="allow endpoints without TLS, for development")
    allow_private_endpoints: bool = Field(False, description="allow private addresses, for development")
    verify_endpoints: bool = Field(
        False, description="send events only to receivers that echoed a challenge when they were enabled"
    )
    client_certificate: Path | None = Field(
        None, description="PEM file of the certificate, with its key, that is shown to receivers who ask for one"
    )
    audit_days: int = Field(365, ge=1, le=36_500, description="days that audit records are kept")
    attempt_log_days: int = Field(30, ge=2, description="days that deliveries and attempts stay in the log")
    answers_kept: Literal["failed", "all", "none"] = Field(
        "failed", description="of which attempts the log keeps the answer: those that failed, all, or none"
    )
    answer_body_bytes: int = Field(
        1024, ge=0, le=16_384, description="bytes of an answer's body that the log keeps, sealed; 0: none"
    )
