"""Settings of the orchestrator."""

from pydantic import Field

from carewire_contracts.topics import Topics
from carewire_runtime.settings import ServiceSettings


class OrchestratorSettings(ServiceSettings):
    """What the orchestrator needs to know beyond what every service does."""

    http_port: int = Field(8081, ge=0, le=65535, description="port to listen on")

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
