"""The care-flow definition document: what a care team designs and publishes.

pathway > track > step > action, joined by transitions and started by triggers. The words are those of the
reference (section 5.7); rules stand inline where the reference points to them by id, so that a definition
reads from top to bottom. The document can say more than today's engine runs: what that cannot run yet is refused
when the definition is published.
"""

from carewire_contracts.definition.actions import (
    Action,
    ApiCallAction,
    CalculationAction,
    CalculationInput,
    ChecklistAction,
    ClinicalNoteAction,
    FormAction,
    Header,
    MessageAction,
    NarrativeTemplate,
    NoteContext,
    ResponseField,
    StopCareFlowAction,
)
from carewire_contracts.definition.care_flow import CareFlowDefinition, Stakeholder, definition_schema
from carewire_contracts.definition.data_points import (
    DataPointCategory,
    DataPointDefinition,
    DynamicVariable,
    PossibleValue,
    Range,
)
from carewire_contracts.definition.durations import Duration, Offset, Timing, Unit
from carewire_contracts.definition.forms import Form, Question, UserQuestionType
from carewire_contracts.definition.nodes import Labels, NodeId, Title
from carewire_contracts.definition.settings import (
    ApiCallRetrySettings,
    Constant,
    Reminders,
    Settings,
    StakeholderEmail,
)
from carewire_contracts.definition.timers import AwaitedDataPointTimer, DateTimer, DelayTimer, Timer
from carewire_contracts.definition.tracks import Destination, Origin, Step, Track, Transition
from carewire_contracts.definition.triggers import Trigger, TriggerSettings

__all__ = [
    "Action",
    "ApiCallAction",
    "ApiCallRetrySettings",
    "AwaitedDataPointTimer",
    "CalculationAction",
    "CalculationInput",
    "CareFlowDefinition",
    "ChecklistAction",
    "ClinicalNoteAction",
    "Constant",
    "DataPointCategory",
    "DataPointDefinition",
    "DateTimer",
    "DelayTimer",
    "Destination",
    "Duration",
    "DynamicVariable",
    "Form",
    "FormAction",
    "Header",
    "Labels",
    "MessageAction",
    "NarrativeTemplate",
    "NodeId",
    "NoteContext",
    "Offset",
    "Origin",
    "PossibleValue",
    "Question",
    "Range",
    "Reminders",
    "ResponseField",
    "Settings",
    "Stakeholder",
    "StakeholderEmail",
    "Step",
    "StopCareFlowAction",
    "Timer",
    "Timing",
    "Title",
    "Track",
    "Transition",
    "Trigger",
    "TriggerSettings",
    "Unit",
    "UserQuestionType",
    "definition_schema",
]
