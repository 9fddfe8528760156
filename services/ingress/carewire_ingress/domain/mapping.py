"""The mapping of a payload to the baseline data points of one release, prepared once per change of either."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from carewire_contracts.catalogue import CatalogueRelease
from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_contracts.values import Mismatch, ValueType, check_constraints, parse_value, to_wire
from carewire_ingress.domain.json_path import JsonPath, Miss
from carewire_ingress.domain.webhook import IncomingWebhook


@dataclass(frozen=True, slots=True)
class MappedDataPoint:
    """One data point, and the path at which a payload holds its value."""

    id: str
    key: str
    value_type: ValueType
    type_name: str
    required: bool
    possible_values: tuple[Any, ...]
    minimum: float | None
    maximum: float | None
    is_bounded: bool
    path: JsonPath

    @classmethod
    def of(cls, definition: DataPointDefinition, path: JsonPath) -> "MappedDataPoint":
        """Join a definition with its path."""
        bounds = definition.range
        return cls(
            id=definition.id,
            key=definition.key,
            value_type=definition.value_type,
            type_name=definition.value_type.value,
            required=not definition.optional,
            possible_values=tuple(possible.value for possible in definition.possible_values),
            minimum=None if bounds is None else bounds.min,
            maximum=None if bounds is None else bounds.max,
            is_bounded=bounds is not None or bool(definition.possible_values),
            path=path,
        )

    def read(self, payload: object) -> DataPointValue | Reason | None:
        """The typed value, or why there is none; None where an optional data point has no value (absent, null)."""
        raw = self.path.find(payload)
        if isinstance(raw, Miss):
            return self._missed(raw)
        if raw is None and not self.required:
            return None
        parsed = parse_value(raw, self.value_type)
        if isinstance(parsed, Mismatch):
            return self._refuse(ReasonCode.WRONG_TYPE, parsed)
        if self.is_bounded and (breach := self._breach(parsed.value)) is not None:
            return breach
        return DataPointValue(self.id, self.type_name, to_wire(parsed.value, self.value_type))

    def _breach(self, value: Any) -> Reason | None:
        if self.possible_values and (fault := check_constraints(value, possible_values=self.possible_values)):
            return self._refuse(ReasonCode.NOT_A_POSSIBLE_VALUE, fault)
        fault = check_constraints(value, minimum=self.minimum, maximum=self.maximum)
        return None if fault is None else self._refuse(ReasonCode.OUT_OF_RANGE, fault)

    def _missed(self, miss: Miss) -> Reason | None:
        if miss is Miss.NO_MATCH and not self.required:
            return None
        return self._refuse(_CODES[miss], Mismatch(self.type_name, miss.value))

    def _refuse(self, code: ReasonCode, mismatch: Mismatch) -> Reason:
        return Reason(
            code,
            f"Data point {self.key} at {self.path.text}: {mismatch}.",
            data_point=self.key,
            path=self.path.text,
            expected=mismatch.expected,
            found=mismatch.found,
        )


_CODES = {
    Miss.NO_MATCH: ReasonCode.NO_MATCH,
    Miss.SEVERAL_MATCHES: ReasonCode.SEVERAL_MATCHES,
    Miss.TOO_DEEP: ReasonCode.MALFORMED_PAYLOAD,
}


@dataclass(frozen=True, slots=True)
class AdmissionPlan:
    """A webhook joined with the release that its calls are validated against.

    `obstacles` are reasons that no payload can remove: nothing live, a required data point without a path.
    """

    webhook: IncomingWebhook
    release_id: str | None
    data_points: tuple[MappedDataPoint, ...]
    obstacles: tuple[Reason, ...]


def plan_admission(webhook: IncomingWebhook, release: CatalogueRelease | None) -> AdmissionPlan:
    """Join a webhook with the live release of its definition (None: there is none)."""
    if release is None:
        message = "The care flow of this webhook has no live release; publish one and make it live."
        return AdmissionPlan(webhook, None, (), (Reason(ReasonCode.DEFINITION_NOT_LIVE, message),))
    points = (
        MappedDataPoint.of(definition, webhook.mapping[definition.id])
        for definition in release.data_points
        if definition.id in webhook.mapping
    )
    missing = tuple(_not_mapped(point) for point in unmapped(webhook.mapping, release))
    return AdmissionPlan(webhook, release.release_id, tuple(points), missing)


def unmapped(mapping: Collection[str], release: CatalogueRelease) -> tuple[DataPointDefinition, ...]:
    """The required data points of a release that a mapping leaves out."""
    return tuple(point for point in release.data_points if not point.optional and point.id not in mapping)


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
