"""What the routes of definitions answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from carewire_contracts.definition import CareFlowDefinition, PossibleValue
from carewire_contracts.values import ValueType
from carewire_orchestrator.adapters.store.definition_reading import DefinitionSummary
from carewire_orchestrator.adapters.store.definitions import ReleaseName
from carewire_orchestrator.domain.definition_data_points import Category, KnownDataPoint
from carewire_orchestrator.domain.definition_diff import DefinitionDiff, NodeName
from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode


class ReleaseView(BaseModel):
    """An immutable release."""

    release_id: str
    version: int
    published_at: datetime

    @classmethod
    def of(cls, release: ReleaseName) -> "ReleaseView":
        """Show a release."""
        return ReleaseView(release_id=release.release_id, version=release.version, published_at=release.published_at)


class ReleaseDocument(ReleaseView):
    """A release with what it says."""

    document: CareFlowDefinition


class DefinitionView(BaseModel):
    """A definition; `live` is null until it is published, `revision` is null while it has no draft."""

    id: str
    title: str
    updated_at: datetime
    revision: int | None
    live: ReleaseView | None

    @classmethod
    def of(cls, summary: DefinitionSummary) -> "DefinitionView":
        """Show a definition."""
        live = None if summary.live is None else ReleaseView.of(summary.live)
        return DefinitionView(
            id=summary.id, title=summary.title, updated_at=summary.updated_at, revision=summary.revision, live=live
        )


class DefinitionDocument(DefinitionView):
    """A definition with its draft; null where that was discarded."""

    draft: DraftDefinition | None


class ProblemView(BaseModel):
    """What is wrong with which node. An ERROR prevents publishing, a WARNING does not."""

    code: ProblemCode
    severity: Literal["ERROR", "WARNING"]
    node_id: str
    message: str


class Validation(BaseModel):
    """All that is wrong; without an ERROR the definition can be published."""

    publishable: bool
    problems: list[ProblemView]


def validation(problems: Sequence[DefinitionProblem]) -> dict[str, Any]:
    """The fields of a `Validation`."""
    found = [
        ProblemView(code=one.code, severity=one.severity, node_id=one.node_id, message=one.message) for one in problems
    ]
    return {"publishable": all(one.severity != "ERROR" for one in problems), "problems": found}


class PublishedRelease(ReleaseView):
    """A release that was made, with all that its designer should look at."""

    problems: list[ProblemView]


class SavedDraft(Validation):
    """A draft that was saved, with all that is wrong with it."""

    id: str
    revision: int


class ImportedDraft(Validation):
    """An imported draft; `revision` is null where it was only tried and nothing was saved."""

    id: str
    revision: int | None


class LiveChoice(BaseModel):
    """Which release new care flows are to get."""

    release_id: str = Field(min_length=1, max_length=128)


class NodeView(BaseModel):
    """A node of a definition: the definition itself, a data point, stakeholder, form, question, track, …."""

    kind: str
    id: str
    title: str | None

    @classmethod
    def of(cls, node: NodeName) -> "NodeView":
        """Show a node."""
        return NodeView(kind=node.kind, id=node.id, title=node.title)


class FieldChangeView(BaseModel):
    """A field by its path in its node, such as `rule.all.0.operand`; null stands for no value."""

    path: str
    before: Any
    after: Any


class NodeChangeView(NodeView):
    """A node with its fields that differ."""

    fields: list[FieldChangeView]


class Diff(BaseModel):
    """What has to be done to `before` to make it `after`. A node that moved has changed its `home`."""

    before: str
    after: str
    added: list[NodeView]
    removed: list[NodeView]
    changed: list[NodeChangeView]

    @classmethod
    def of(cls, before: str, after: str, found: DefinitionDiff) -> "Diff":
        """Show a difference."""
        changed = [
            NodeChangeView(
                **NodeView.of(change.node).model_dump(),
                fields=[FieldChangeView(path=one.path, before=one.before, after=one.after) for one in change.fields],
            )
            for change in found.changed
        ]
        return Diff(
            before=before,
            after=after,
            added=list(map(NodeView.of, found.added)),
            removed=list(map(NodeView.of, found.removed)),
            changed=changed,
        )


class DataPointView(BaseModel):
    """A data point, which rules name by its id; `key` is its qualified key, `node_id` its origin.

    Nothing can wait for one that is not `collected`.
    """

    id: str
    key: str
    title: str
    category: Category
    value_type: ValueType
    node_id: str
    required: bool
    collected: bool
    personal_data: bool
    possible_values: list[PossibleValue]
    unit: str | None

    @classmethod
    def of(cls, point: KnownDataPoint) -> "DataPointView":
        """Show a data point."""
        return DataPointView.model_validate(point, from_attributes=True)


class DataPointCatalogue(BaseModel):
    """Every data point of a release."""

    items: list[DataPointView]
