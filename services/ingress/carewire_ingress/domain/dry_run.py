"""A dry run: what would become of a call under a configuration, by the very decision that calls get."""

from dataclasses import dataclass
from typing import Final

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.requests import Reason
from carewire_ingress.domain.admit import Admission, admit
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.identifiers import IdentifierSystems
from carewire_ingress.domain.mapping import plan_admission
from carewire_ingress.domain.payload import read_payload
from carewire_ingress.domain.start_key import source_of_start_key
from carewire_ingress.domain.webhook import IncomingWebhook

REQUEST_ITSELF: Final = "request"
"""The source of a start key where the sender gives none: each call stands for itself."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """The verdict, and where the start key comes from: a header, a path, or the request itself.

    Of a body that cannot be read, nobody can say where its start key comes from.
    """

    verdict: Admission
    start_key_source: str | None


def dry_run(
    webhook: IncomingWebhook, definition: CatalogueDefinition | None, systems: IdentifierSystems, call: Call
) -> DryRun:
    """Judge a call, which is a test: whether the webhook is enabled makes no difference."""
    plan = plan_admission(webhook, None if definition is None else definition.live)
    payload = read_payload(call.content_type, call.body)
    if isinstance(payload, Reason):
        return DryRun(admit(plan, systems, call), None)
    return DryRun(admit(plan, systems, call), source_of_start_key(webhook, call, payload) or REQUEST_ITSELF)
