"""An immutable release of a care-flow definition, laid out so that a running care flow finds its way quickly."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from carewire_contracts.definition import (
    CareFlowDefinition,
    Form,
    FormAction,
    Question,
    Stakeholder,
    Step,
    Track,
    Transition,
    Trigger,
)
from carewire_orchestrator.domain.supported import RunnableAction, runnable

OriginKey = tuple[str, str]
"""A track and the step that transitions leave; the start of the track is the empty step."""

TRACK_START = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A published definition with its number; the rest are indexes over it. Made by `Release.of`."""

    release_id: str
    version: int
    definition: CareFlowDefinition
    tracks: dict[str, Track] = field(repr=False)
    steps: dict[str, Step] = field(repr=False)
    actions: dict[str, RunnableAction] = field(repr=False)
    action_forms: dict[str, Form] = field(repr=False)
    stakeholders: dict[str, Stakeholder] = field(repr=False)
    transitions: dict[OriginKey, tuple[Transition, ...]] = field(repr=False)
    triggers: dict[tuple[str, str | None], tuple[Trigger, ...]] = field(repr=False)
    data_point_keys: dict[str, tuple[str, str]] = field(repr=False)

    @classmethod
    def of(cls, release_id: str, version: int, definition: CareFlowDefinition) -> Self:
        """Lay out a definition that `validate` found publishable."""
        steps = [step for _, step in definition.steps()]
        return cls(
            release_id=release_id,
            version=version,
            definition=definition,
            tracks={track.id: track for track in definition.tracks},
            steps={step.id: step for step in steps},
            actions={action.id: runnable(action) for step in steps for action in step.actions},
            action_forms=_forms_of_actions(definition),
            stakeholders={stakeholder.id: stakeholder for stakeholder in definition.stakeholders},
            transitions=_by_origin(definition.tracks),
            triggers=_by_occasion(definition.triggers),
            data_point_keys=_data_point_keys(definition),
        )


def _by_origin(tracks: Iterable[Track]) -> dict[OriginKey, tuple[Transition, ...]]:
    found: dict[OriginKey, list[Transition]] = defaultdict(list)
    for track in tracks:
        for transition in track.transitions:
            step = transition.origin.node_id if transition.origin.type == "step" else TRACK_START
            found[track.id, step or TRACK_START].append(transition)
    return {origin: tuple(transitions) for origin, transitions in found.items()}


def _by_occasion(triggers: Iterable[Trigger]) -> dict[tuple[str, str | None], tuple[Trigger, ...]]:
    found: dict[tuple[str, str | None], list[Trigger]] = defaultdict(list)
    for trigger in triggers:
        settings = trigger.settings
        node = {"track_completed": settings.track_id, "step_completed": settings.step_id}.get(settings.type)
        found[settings.type, node].append(trigger)
    return {occasion: tuple(triggers) for occasion, triggers in found.items()}


def _forms_of_actions(definition: CareFlowDefinition) -> dict[str, Form]:
    forms = {form.id: form for form in definition.forms}
    actions = (action for _, step in definition.steps() for action in step.actions)
    return {action.id: forms[action.form_definition_id] for action in actions if isinstance(action, FormAction)}


def _data_point_keys(definition: CareFlowDefinition) -> dict[str, tuple[str, str]]:
    """Qualified key and category of each data point (reference, section 5.7)."""
    keys = {point.id: (point.key, "pathway") for point in definition.data_points}
    return keys | {
        question.id: (_key(form, question), "form") for form in definition.forms for question in form.questions
    }


def _key(form: Form, question: Question) -> str:
    return f"{form.key}.{question.key}"
