"""The mapping of a payload to the baseline data points of one release, prepared once per change of either."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from carewire_contracts.catalogue import CatalogueRelease
from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.json_path import Find, Miss
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_contracts.values import Constraints, Mismatch, Transcriber, ValueType, from_wire, transcriber_of
from carewire_ingress.domain.value_source import CompiledSource
from carewire_ingress.domain.webhook import IncomingWebhook

Reader: TypeAlias = Callable[[object], DataPointValue | Reason | None]
"""Reads one data point of a payload. Never raises."""


@dataclass(frozen=True, slots=True)
class MappedDataPoint:
    """One data point, and where its value comes from.

    How its type is read and what the definition allows are looked up once, here, and not at each call. `read` gives
    the value as it travels, or why there is none; None where an optional data point has none (absent, null).
    """

    id: str
    key: str
    type_name: str
    required: bool
    path: str
    find: Find
    transcribe: Transcriber
    limits: tuple[tuple[ReasonCode, Callable[[Any], Mismatch | None]], ...]
    read: Reader = field(init=False, repr=False, compare=False)

    @classmethod
    def of(cls, definition: DataPointDefinition, source: CompiledSource) -> "MappedDataPoint":
        """Join a definition with the source of its value."""
        return cls(
            id=definition.id,
            key=definition.key,
            type_name=definition.value_type.value,
            required=not definition.optional,
            path=source.text,
            find=source.find,
            transcribe=transcriber_of(definition.value_type),
            limits=tuple(_limits(definition)),
        )

    def __post_init__(self) -> None:
        """Put the parts together."""
        object.__setattr__(self, "read", _reader(self))

    def unread(self, raw: object, mismatch: Mismatch) -> Reason | None:
        """Why what was found has not the type; None where nothing is there and nothing has to be."""
        return self._missed(raw) if isinstance(raw, Miss) else self.reason(ReasonCode.WRONG_TYPE, mismatch)

    def _missed(self, miss: Miss) -> Reason | None:
        if miss is Miss.NO_MATCH and not self.required:
            return None
        return self.reason(_CODES[miss], Mismatch(self.type_name, miss.value))

    def reason(self, code: ReasonCode, mismatch: Mismatch) -> Reason:
        """Why a value is refused."""
        return Reason(
            code,
            f"Data point {self.key} at {self.path}: {mismatch}.",
            data_point=self.key,
            path=self.path,
            expected=mismatch.expected,
            found=mismatch.found,
        )


def _reader(point: MappedDataPoint) -> Reader:
    """The way from a payload to the value, with all that is fixed at hand: each call goes it some ten times."""
    data_point, type_name, required = point.id, point.type_name, point.required
    find, transcribe, limits = point.find, point.transcribe, point.limits
    # As the class makes it, but without a call of Python's: each one cost a third of its reading.
    made: Callable[[tuple[str, str, Any]], DataPointValue] = partial(tuple.__new__, DataPointValue)

    def read(payload: object) -> DataPointValue | Reason | None:
        raw = find(payload)
        if raw is None and not required:
            return None
        value = transcribe(raw)
        if type(value) is Mismatch:
            return point.unread(raw, value)
        for code, check in limits:
            if (fault := check(value)) is not None:
                return point.reason(code, fault)
        return made((data_point, type_name, value))

    return read


_CODES = {
    Miss.NO_MATCH: ReasonCode.NO_MATCH,
    Miss.SEVERAL_MATCHES: ReasonCode.SEVERAL_MATCHES,
    Miss.TOO_DEEP: ReasonCode.MALFORMED_PAYLOAD,
}


def _limits(definition: DataPointDefinition) -> Iterator[tuple[ReasonCode, Callable[[Any], Mismatch | None]]]:
    """What a definition allows beyond the type, as checks of values that travel."""
    if definition.possible_values:
        possible = Constraints(possible_values=tuple(possible.value for possible in definition.possible_values))
        yield ReasonCode.NOT_A_POSSIBLE_VALUE, _check(possible, definition.value_type)
    if definition.range is not None:
        bounds = Constraints(minimum=definition.range.min, maximum=definition.range.max)
        yield ReasonCode.OUT_OF_RANGE, _check(bounds, definition.value_type)


def _check(constraints: Constraints, value_type: ValueType) -> Callable[[Any], Mismatch | None]:
    if value_type is ValueType.DATE:  # the only one that travels in another form than it is compared in
        return lambda wire: constraints.check(from_wire(wire, value_type))
    return constraints.check


@dataclass(frozen=True, slots=True)
class AdmissionPlan:
    """A webhook joined with the release that its calls are validated against.

    `constants` are the values that every payload starts with. `obstacles` are reasons that no payload can remove:
    nothing live, a required data point without a path, a constant or a default that the release doesn't take.
    """

    webhook: IncomingWebhook
    release_id: str | None
    data_points: tuple[MappedDataPoint, ...]
    constants: tuple[DataPointValue, ...]
    obstacles: tuple[Reason, ...]
    readers: tuple[Reader, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out what each call runs through."""
        object.__setattr__(self, "readers", tuple(point.read for point in self.data_points))


def plan_admission(webhook: IncomingWebhook, release: CatalogueRelease | None) -> AdmissionPlan:
    """Join a webhook with the live release of its definition (None: there is none)."""
    if release is None:
        message = "The care flow of this webhook has no live release; publish one and make it live."
        return AdmissionPlan(webhook, None, (), (), (Reason(ReasonCode.DEFINITION_NOT_LIVE, message),))
    points: list[MappedDataPoint] = []
    constants: list[DataPointValue] = []
    obstacles = [_not_mapped(point) for point in unmapped(webhook.mapping, release)]
    for definition, source in _joined(webhook.mapping, release):
        fixed = _fixed_value(definition, source)
        if isinstance(fixed, Reason):
            obstacles.append(fixed)
        elif source.path is not None:
            points.append(MappedDataPoint.of(definition, source))
        elif fixed is not None:
            constants.append(fixed)
    return AdmissionPlan(webhook, release.release_id, tuple(points), tuple(constants), tuple(obstacles))


def _joined(
    mapping: Mapping[str, CompiledSource], release: CatalogueRelease
) -> Iterator[tuple[DataPointDefinition, CompiledSource]]:
    for definition in release.data_points:
        source = mapping.get(definition.id)
        if source is not None:
            yield definition, source


def _fixed_value(definition: DataPointDefinition, source: CompiledSource) -> DataPointValue | Reason | None:
    """The constant or default of a source, which a release may refuse that came after it; None where there is none."""
    if source.otherwise is None and source.path is not None:
        return None
    read = MappedDataPoint.of(definition, CompiledSource(None, source.otherwise)).read(None)
    if not isinstance(read, Reason):
        return read
    part = "constant" if source.path is None else "default"
    message = (
        f"Data point {definition.key}: the live release does not take the {part} of this webhook; "
        f"expected {read.expected}, found {read.found}. Correct the mapping."
    )
    return Reason(read.code, message, data_point=definition.key, expected=read.expected, found=read.found)


def unmapped(mapping: Collection[str], release: CatalogueRelease) -> tuple[DataPointDefinition, ...]:
    """The required data points of a release that a mapping leaves out."""
    return tuple(point for point in release.data_points if not point.optional and point.id not in mapping)


def unfit(mapping: Mapping[str, CompiledSource], release: CatalogueRelease) -> tuple[DataPointDefinition, ...]:
    """The data points of a release that don't take the constant or the default which a mapping has for them."""
    return tuple(
        definition
        for definition, source in _joined(mapping, release)
        if isinstance(_fixed_value(definition, source), Reason)
    )


def unknown(mapping: Mapping[str, object], release: CatalogueRelease) -> tuple[str, ...]:
    """The ids in a mapping that the release doesn't know."""
    known = {point.id for point in release.data_points}
    return tuple(data_point for data_point in mapping if data_point not in known)


def _not_mapped(point: DataPointDefinition) -> Reason:
    return Reason(
        ReasonCode.NOT_MAPPED,
        f"Required data point {point.key} has no mapping; add its path to this webhook.",
        data_point=point.key,
        expected=point.value_type.value,
        found="no mapping",
    )
