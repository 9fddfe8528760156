"""Which plan judges a call: the webhook of a token, joined with the live release of its definition.

Both come from compacted topics. The join is made at the first call after a change of either and kept until the
next, so a call costs two lookups however many webhooks there are.
"""

from dataclasses import dataclass
from typing import Protocol

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_ingress.domain.mapping import AdmissionPlan, plan_admission
from carewire_ingress.domain.webhook import IncomingWebhook


class Webhooks(Protocol):
    """Where a token leads."""

    def by_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        """The webhook of a token's SHA-256."""
        ...


class Definitions(Protocol):
    """What is live."""

    def definition(self, definition_id: str) -> CatalogueDefinition | None:
        """The catalogue's last word on a definition."""
        ...


@dataclass(frozen=True, slots=True)
class _Joined:
    webhook: IncomingWebhook
    definition: CatalogueDefinition | None
    plan: AdmissionPlan


class AdmissionPlans:
    """Finds the plan of a token."""

    def __init__(self, webhooks: Webhooks, definitions: Definitions) -> None:
        self._webhooks = webhooks
        self._definitions = definitions
        self._joined: dict[str, _Joined] = {}

    def of_token(self, token_sha256: bytes) -> AdmissionPlan | None:
        """The plan by which calls to this token are judged now; None where no webhook has it."""
        webhook = self._webhooks.by_token(token_sha256)
        if webhook is None:
            return None
        definition = self._definitions.definition(webhook.definition_id)
        joined = self._joined.get(webhook.id)
        # Tables replace their entries whole, so the same objects mean that nothing has changed.
        if joined is None or joined.webhook is not webhook or joined.definition is not definition:
            plan = plan_admission(webhook, definition.live if definition is not None else None)
            joined = self._joined[webhook.id] = _Joined(webhook, definition, plan)
        return joined.plan

    def forget(self, webhook_id: str) -> None:
        """Drop what was kept of a deleted webhook."""
        self._joined.pop(webhook_id, None)
