"""Every data point of a release: what its designer declared, and what follows from forms, steps, tracks and patients.

Rules and timings refer to a data point by its `id`; its `key` is the qualified one of the reference (section 5.7).
Of the reference's categories these are the ones that a definition of ours can have: agents, decisions, extensions
and their kin do not exist here, and identifiers of patients belong to the tenant's identifier systems.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from carewire_contracts.definition import (
    CareFlowDefinition,
    DataPointDefinition,
    Form,
    PossibleValue,
    Question,
    Step,
    Track,
)
from carewire_contracts.record import record
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.system_dates import DateKind, system_date


class Category(StrEnum):
    """Where a value comes from, in the reference's words."""

    PATHWAY = "pathway"
    API_CALL = "api_call"
    CALCULATION = "calculation"
    FORM = "form"
    TRACK = "track"
    STEP = "step"
    PATIENT_PROFILE = "patient_profile"


@record()
class KnownDataPoint:
    """A data point, and `node_id`, the node that it comes from.

    A required one has a value from the start of the care flow on; any other may be empty. Rules, calculations and
    texts may name each. What is not `collected` is looked up when it is needed, as the patient's profile is: nothing
    can wait for it.
    """

    id: str
    key: str
    title: str
    category: Category
    value_type: ValueType
    node_id: str
    required: bool = False
    collected: bool = True
    personal_data: bool = False
    possible_values: tuple[PossibleValue, ...] = ()
    unit: str | None = None


_DATES: Final[tuple[tuple[DateKind, str], ...]] = (("ActivationDate", "began"), ("CompletionDate", "was completed"))

PROFILE: Final[Mapping[str, tuple[str, ValueType]]] = {
    "first_name": ("First name", ValueType.STRING),
    "last_name": ("Last name", ValueType.STRING),
    "name": ("Name", ValueType.STRING),
    "email": ("E-mail", ValueType.STRING),
    "sex": ("Sex", ValueType.STRING),
    "birth_date": ("Date of birth", ValueType.DATE),
    "phone": ("Phone", ValueType.TELEPHONE),
    "mobile_phone": ("Mobile phone", ValueType.TELEPHONE),
    "preferred_language": ("Preferred language", ValueType.STRING),
    "patient_code": ("Patient code", ValueType.STRING),
    "national_registry_number": ("National registry number", ValueType.STRING),
    "patient_timezone": ("Time zone", ValueType.STRING),
    "address.street": ("Street", ValueType.STRING),
    "address.city": ("City", ValueType.STRING),
    "address.zip": ("Postal code", ValueType.STRING),
    "address.state": ("State or province", ValueType.STRING),
    "address.country": ("Country", ValueType.STRING),
}
"""Fields of the patient's profile with their titles and types; `patient.` goes before each as its id."""

PATIENT: Final = "patient"


def data_points_of(definition: CareFlowDefinition) -> Iterator[KnownDataPoint]:
    """Every data point, by category, in the order of the document."""
    yield from map(_declared, definition.data_points)
    for form in definition.forms:
        for question in form.questions:
            if question.value_type is not None:
                yield _answer(form, question, question.value_type)
    for track in definition.tracks:
        yield from _dates(track, Category.TRACK)
        for step in track.steps:
            yield from _dates(step, Category.STEP)
    yield from _profile()


def data_points_by_id(definition: CareFlowDefinition) -> dict[str, KnownDataPoint]:
    """What rules, timings and texts may refer to, by the id that they use; of several with one id, the first."""
    found: dict[str, KnownDataPoint] = {}
    for point in data_points_of(definition):
        found.setdefault(point.id, point)
    return found


def never_collected(point_id: str) -> str:
    """Why nothing can wait for a data point that is not `collected`, and what to do instead."""
    return f"{point_id} is never collected, so nothing can wait for it; wait for a data point that is declared"


def _declared(point: DataPointDefinition) -> KnownDataPoint:
    return KnownDataPoint(
        id=point.id,
        key=point.key,
        title=point.title,
        category=Category(point.category),
        value_type=point.value_type,
        node_id=point.id,
        required=point.category == "pathway" and not point.optional,
        personal_data=point.personal_data,
        possible_values=point.possible_values,
        unit=point.unit,
    )


def _answer(form: Form, question: Question, value_type: ValueType) -> KnownDataPoint:
    return KnownDataPoint(
        id=question.id,
        key=f"{form.key}.{question.key}",
        title=question.title,
        category=Category.FORM,
        value_type=value_type,
        node_id=question.id,
        personal_data=True,
        possible_values=question.possible_values,
    )


def _dates(node: Track | Step, category: Category) -> Iterator[KnownDataPoint]:
    for kind, words in _DATES:
        name = system_date(node.key, kind)
        title = f"When {node.title} {words}"
        yield KnownDataPoint(name, name, title, category, ValueType.DATE, node.id)


def _profile() -> Iterator[KnownDataPoint]:
    for name, (title, value_type) in PROFILE.items():
        yield KnownDataPoint(
            id=f"{PATIENT}.{name}",
            key=f"{PATIENT}.{name}",
            title=title,
            category=Category.PATIENT_PROFILE,
            value_type=value_type,
            node_id=PATIENT,
            collected=False,
            personal_data=True,
        )
