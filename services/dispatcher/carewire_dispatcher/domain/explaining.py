"""Why an endpoint would, or would not, be sent an event: the same decisions as in fan-out, told one by one."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Self

from carewire_contracts.record import record
from carewire_contracts.rules import ConditionOutcome
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import wants_definition, wants_type


@record()
class ConditionTold:
    """A condition of the filter: where it stands, and what came of it."""

    at: str
    outcome: ConditionOutcome


@record()
class Explanation:
    """What each choice of an endpoint says of an event. Without a filter no event is filtered out."""

    type_wanted: bool
    definition_wanted: bool
    passes_filter: bool
    conditions: tuple[ConditionTold, ...] = field(repr=False)

    @property
    def wanted(self) -> bool:
        """Whether the event would be sent."""
        return self.type_wanted and self.definition_wanted and self.passes_filter

    @classmethod
    def of(cls, endpoint: Endpoint, event_type: str, data: Mapping[str, Any], at: datetime) -> Self:
        """Look at everything, also at what no longer matters. Never raises."""
        wanted = wants_type(endpoint, event_type), wants_definition(endpoint, data)
        if endpoint.filter is None:
            return cls(*wanted, True, ())
        evaluation = endpoint.filter.judge(data, at)
        places = (place for place, _ in endpoint.filter.rule.walk())
        told = (ConditionTold(*each) for each in zip(places, evaluation.conditions, strict=True))
        return cls(*wanted, evaluation.satisfied, tuple(told))
