"""Settings of the orchestrator."""

from pydantic import Field

from carewire_contracts.topics import Topics
from carewire_orchestrator.domain.announcing import EventPayloads
from carewire_runtime.settings import ServiceSettings


class OrchestratorSettings(ServiceSettings):
    """What the orchestrator needs to know beyond what every service does."""

    http_port: int = Field(8081, ge=0, le=65535, description="port to listen on")
    event_payloads: EventPayloads = Field(
        "full", description="what events carry: full, or ids, without any field that may hold personal data"
    )
    timers_per_second: float = Field(
        500.0, gt=0, description="timers of care flows that a process lets fire a second at most, as after an outage"
    )
    session_idle_minutes: int = Field(
        60, ge=1, le=10_080, description="minutes that a session lives without anything being done in it"
    )
    api_call_timeout_s: float = Field(
        30.0, gt=0, le=300, description="seconds that an API called by a care flow has for its whole answer"
    )
    api_call_concurrency: int = Field(
        32, ge=1, le=1_000, description="API calls of care flows that a process makes side by side"
    )
    allow_http_api_calls: bool = Field(False, description="let care flows call http:// URLs, for development")
    allow_private_api_calls: bool = Field(
        False, description="let care flows call private addresses, for development or an API of one's own network"
    )
    deleted_patient_days: int = Field(
        30, ge=0, le=36_500, description="days for which a deleted patient can be restored, before they are erased"
    )
    audit_days: int = Field(365, ge=1, le=36_500, description="days that audit records are kept")

    @property
    def topics(self) -> Topics:
        """The deployment's topics."""
        return Topics(self.topic_prefix, self.partitions)

    @property
    def group(self) -> str:
        """The consumer group of `ingress.requests`."""
        return f"{self.topic_prefix}orchestrator"
