"""The document itself."""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field

from carewire_contracts.definition.data_points import DataPointDefinition
from carewire_contracts.definition.forms import Form
from carewire_contracts.definition.nodes import Labels, NodeId, Title
from carewire_contracts.definition.settings import Settings
from carewire_contracts.definition.tracks import Step, Track
from carewire_contracts.definition.triggers import Trigger
from carewire_contracts.wire import Message


class Stakeholder(Message):
    """Who does an activity: the patient, or somebody of the care team."""

    id: NodeId
    label: Title
    clinical_app_role: Literal["Patient", "Physician", "Caregiver"]


class CareFlowDefinition(Message):
    """A whole care flow as designed. Publishing makes an immutable release of it."""

    id: NodeId
    title: Title
    data_points: tuple[DataPointDefinition, ...] = ()
    stakeholders: tuple[Stakeholder, ...] = ()
    forms: tuple[Form, ...] = ()
    tracks: Annotated[tuple[Track, ...], Field(min_length=1)]
    triggers: Annotated[tuple[Trigger, ...], Field(min_length=1)]
    settings: Settings = Settings()
    labels: Labels = ()
    documentation: str | None = None

    def steps(self) -> Iterator[tuple[Track, Step]]:
        """Every step with its track."""
        for track in self.tracks:
            for step in track.steps:
                yield track, step


def definition_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document as designers write it, for their editors."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:carewire:document:care-flow-definition:v1",
        "title": "Care-flow definition",
    }
    return head | {name: part for name, part in _model_schema().items() if name not in head}


@cache
def _model_schema() -> dict[str, Any]:
    """Made once: it takes a fifth of a second."""
    return CareFlowDefinition.model_json_schema(mode="validation")
