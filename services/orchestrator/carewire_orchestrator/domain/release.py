"""An immutable release of a care-flow definition, laid out so that a running care flow finds its way quickly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from carewire_contracts.definition import (
    Action,
    CareFlowDefinition,
    DataPointDefinition,
    Form,
    FormAction,
    Question,
    Stakeholder,
    Step,
    Timer,
    Track,
    Transition,
    Trigger,
)
from carewire_contracts.rules import Evaluator, evaluator_of
from carewire_orchestrator.domain.profile_values import profile_fields
from carewire_orchestrator.domain.system_dates import asked_for

OriginKey = tuple[str, str]
"""A track and the step or timer that transitions leave; the start of the track is the empty one."""

TRACK_START = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A published definition with its number; the rest are indexes over it. Made by `Release.of`."""

    release_id: str
    version: int
    definition: CareFlowDefinition
    tracks: dict[str, Track] = field(repr=False)
    steps: dict[str, Step] = field(repr=False)
    timers: dict[str, Timer] = field(repr=False)
    actions: dict[str, Action] = field(repr=False)
    action_forms: dict[str, Form] = field(repr=False)
    stakeholders: dict[str, Stakeholder] = field(repr=False)
    transitions: dict[OriginKey, tuple[Transition, ...]] = field(repr=False)
    transitions_by_id: dict[str, Transition] = field(repr=False)
    evaluators: dict[str, Evaluator] = field(repr=False, compare=False)
    """The rules of transitions by the ids of these, prepared: what starts over and over goes by the same few."""
    triggers: dict[tuple[str, str | None], tuple[Trigger, ...]] = field(repr=False)
    triggers_by_id: dict[str, Trigger] = field(repr=False)
    data_points: dict[str, DataPointDefinition] = field(repr=False)
    data_point_keys: dict[str, tuple[str, str]] = field(repr=False)
    system_dates: frozenset[str] = field(repr=False)
    """System date data points that something in the definition refers to; the others are not kept."""
    profile_fields: frozenset[str] = field(repr=False)
    """Data points of the patient's profile that something refers to: where there are some, events need the profile."""

    @classmethod
    def of(cls, release_id: str, version: int, definition: CareFlowDefinition) -> Self:
        """Lay out a definition that `validate` found publishable."""
        steps = [step for _, step in definition.steps()]
        transitions = [transition for track in definition.tracks for transition in track.transitions]
        return cls(
            release_id=release_id,
            version=version,
            definition=definition,
            tracks={track.id: track for track in definition.tracks},
            steps={step.id: step for step in steps},
            timers={timer.id: timer for track in definition.tracks for timer in track.timers},
            actions={action.id: action for step in steps for action in step.actions},
            action_forms=_forms_of_actions(definition),
            stakeholders={stakeholder.id: stakeholder for stakeholder in definition.stakeholders},
            transitions=_by_origin(definition.tracks),
            transitions_by_id={transition.id: transition for transition in transitions},
            evaluators={one.id: evaluator_of(one.rule) for one in transitions if one.rule is not None},
            triggers=_by_occasion(definition.triggers),
            triggers_by_id={trigger.id: trigger for trigger in definition.triggers},
            data_points={point.id: point for point in definition.data_points},
            data_point_keys=_data_point_keys(definition),
            system_dates=asked_for(definition),
            profile_fields=profile_fields(definition),
        )


def _by_origin(tracks: Iterable[Track]) -> dict[OriginKey, tuple[Transition, ...]]:
    found: dict[OriginKey, list[Transition]] = defaultdict(list)
    for track in tracks:
        for transition in track.transitions:
            node_id = None if transition.origin.type == "track_start" else transition.origin.node_id
            found[track.id, node_id or TRACK_START].append(transition)
    return {origin: tuple(transitions) for origin, transitions in found.items()}


def _by_occasion(triggers: Iterable[Trigger]) -> dict[tuple[str, str | None], tuple[Trigger, ...]]:
    found: dict[tuple[str, str | None], list[Trigger]] = defaultdict(list)
    for trigger in triggers:
        named = _NAMED_BY_OCCASION.get(trigger.settings.type)
        node_id = None if named is None else getattr(trigger.settings, named)
        found[trigger.settings.type, node_id].append(trigger)
    return {occasion: tuple(triggers) for occasion, triggers in found.items()}


_NAMED_BY_OCCASION: Final[Mapping[str, str]] = {
    "track_completed": "track_id",
    "step_completed": "step_id",
    "data_point_collected": "data_point_definition_id",
}


def _forms_of_actions(definition: CareFlowDefinition) -> dict[str, Form]:
    forms = {form.id: form for form in definition.forms}
    actions = (action for _, step in definition.steps() for action in step.actions)
    return {action.id: forms[action.form_definition_id] for action in actions if isinstance(action, FormAction)}


def _data_point_keys(definition: CareFlowDefinition) -> dict[str, tuple[str, str]]:
    """Qualified key and category of each data point (reference, section 5.7)."""
    keys: dict[str, tuple[str, str]] = {point.id: (point.key, point.category) for point in definition.data_points}
    return keys | {
        question.id: (_key(form, question), "form") for form in definition.forms for question in form.questions
    }


def _key(form: Form, question: Question) -> str:
    return f"{form.key}.{question.key}"
