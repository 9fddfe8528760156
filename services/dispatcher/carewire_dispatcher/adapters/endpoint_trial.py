"""Trying an endpoint: what it would make of an event, and an example of an event sent to it."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.rules import Rule
from carewire_contracts.rules.operators import Operator as RuleOperator
from carewire_dispatcher.adapters.endpoint_api import Operator, Viewer, found
from carewire_dispatcher.adapters.endpoint_models import DefinitionIds, EventTypes, Filter
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.sample_events import SampleEvents
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.event_filter import EventFilter, filter_faults
from carewire_dispatcher.domain.explaining import ConditionTold, Explanation
from carewire_runtime.clock import Clock
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced


class Trial(BaseModel):
    """An event, and by what an endpoint would choose."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": {"event_type": "activity.created", "activity": {"object": {"type": "message"}}},
                    "filter": {
                        "all": [{"reference": "$.activity.object.type", "operator": "is_equal_to", "operand": "form"}]
                    },
                }
            ]
        },
    )

    event: dict[str, Any] = Field(description="a whole event, as receivers get it, with its `event_type`")
    event_types: EventTypes = None
    definition_ids: DefinitionIds = None
    filter: Filter = None

    def endpoint(self) -> Endpoint:
        """The endpoint that would choose so. Raises Problem 422."""
        return Endpoint(
            id="",
            url="",
            event_types=None if self.event_types is None else frozenset(self.event_types),
            definition_ids=None if self.definition_ids is None else frozenset(self.definition_ids),
            filter=None if self.filter is None else _compiled(self.filter),
        )


class ConditionView(BaseModel):
    """A condition of the filter, and what came of it. `empty` says that there was nothing to compare."""

    at: str
    id: str | None
    reference: str
    operator: RuleOperator
    operand: Any
    value: Any
    satisfied: bool
    empty: bool

    @classmethod
    def of(cls, told: ConditionTold) -> Self:
        """Show a condition."""
        return cls(at=told.at, **told.outcome._asdict())


class TrialVerdict(BaseModel):
    """Whether the event would be sent, and what each choice said."""

    wanted: bool
    event_type_wanted: bool
    definition_wanted: bool
    passes_filter: bool
    conditions: list[ConditionView]


class SampleWish(BaseModel):
    """Of which type an example is to be sent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"event_type": "pathway.completed"}]})

    event_type: str = Field(max_length=200, description="any type of the catalogue")


class SampleSent(BaseModel):
    """What is on its way: `event_id` is the `webhook-id`, `delivery_id` leads to what becomes of it."""

    event_id: str
    delivery_id: str


class EndpointTrials:
    """The routes."""

    def __init__(self, store: EndpointStore, samples: SampleEvents, clock: Clock) -> None:
        self._store = store
        self._samples = samples
        self._clock = clock

    def router(self) -> APIRouter:
        """The routes, under /v1/endpoints too."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"], dependencies=[Depends(traced)])
        router.add_api_route("/dry-run", self.dry_run, methods=["POST"], summary="Try a filter on an event")
        router.add_api_route(
            "/{endpoint_id}/test", self.test, methods=["POST"], status_code=202, summary="Send an example of an event"
        )
        return router

    async def dry_run(self, tried: Annotated[Trial, Body()], _: Viewer) -> TrialVerdict:
        """Say whether an event would be sent and why; nothing is sent or stored."""
        event_type = tried.event.get("event_type")
        if not isinstance(event_type, str):
            errors = [{"field": "event.event_type", "message": "an event says its type"}]
            raise Problem(422, "Invalid request", "there is no event to try", errors=errors)
        told = Explanation.of(tried.endpoint(), event_type, tried.event, self._clock.now())
        return TrialVerdict(
            wanted=told.wanted,
            event_type_wanted=told.type_wanted,
            definition_wanted=told.definition_wanted,
            passes_filter=told.passes_filter,
            conditions=[ConditionView.of(condition) for condition in told.conditions],
        )

    async def test(self, endpoint_id: UUID, wanted: Annotated[SampleWish, Body()], caller: Operator) -> SampleSent:
        """Send the example of a type, marked by the header `webhook-test`, whatever the endpoint subscribes to."""
        if wanted.event_type not in EVENT_CATALOGUE:
            errors = [{"field": "event_type", "message": "no event type; see the list of events"}]
            raise Problem(422, "Invalid request", "nothing was sent", errors=errors)
        stored = await found(self._store.get(str(endpoint_id)))
        if not stored.record.enabled or stored.record.paused:
            raise Problem(409, "Endpoint not open", "it is disabled or paused, so nothing is sent; enable or resume it")
        delivery = await self._samples.send(self._store.opened(stored), wanted.event_type, caller)
        return SampleSent(event_id=delivery.event_id, delivery_id=delivery.id)


def _compiled(rule: Rule) -> EventFilter:
    errors = [{"field": f"filter.{place}", "message": message} for place, message in filter_faults(rule)]
    if errors:
        raise Problem(422, "Invalid request", "the filter cannot be used", errors=errors)
    return EventFilter.of(rule)
