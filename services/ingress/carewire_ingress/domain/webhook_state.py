"""Whether a webhook can start care flows just now, and what keeps it from doing so.

A definition may be published anew, with a data point that is required now or takes other values, or be withdrawn, at
any time after its webhooks were enabled. Nobody changes them then; they say so instead.
"""

from dataclasses import dataclass
from enum import StrEnum

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.definition import DataPointDefinition
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.mapping import unfit, unmapped


class WebhookState(StrEnum):
    """The four states. Calls are refused in all but `enabled`; tests are judged in each."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    MAPPING_INCOMPLETE = "mapping_incomplete"
    DEFINITION_NOT_LIVE = "definition_not_live"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, and the data points that keep it from working; they are told of a disabled webhook as well.

    `missing` are required ones without a mapping, and any whose constant or default the live release does not take.
    """

    state: WebhookState
    missing: tuple[DataPointDefinition, ...] = ()


def standing(configuration: Configuration, definition: CatalogueDefinition | None, *, enabled: bool) -> Standing:
    """How a webhook stands. That it is disabled goes before all else: somebody wants it so."""
    live = None if definition is None else definition.live
    fixed = {name: source.compiled() for name, source in configuration.mapping.items() if any(source.fixed_values())}
    missing = () if live is None else (*unmapped(configuration.mapping, live), *unfit(fixed, live))
    if not enabled:
        return Standing(WebhookState.DISABLED, missing)
    if live is None:
        return Standing(WebhookState.DEFINITION_NOT_LIVE)
    return Standing(WebhookState.MAPPING_INCOMPLETE if missing else WebhookState.ENABLED, missing)
