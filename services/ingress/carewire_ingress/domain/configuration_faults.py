"""Everything that can be wrong with the configuration of an incoming webhook, told at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueRelease
from carewire_contracts.json_path import InvalidPath, JsonPath
from carewire_contracts.requests import Reason
from carewire_contracts.rules import DataPointOperand, Rule, validate_rule
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.identifiers import MAX_IDENTIFIERS, IdentifierSystems
from carewire_ingress.domain.mapping import MappedDataPoint, unknown, unmapped
from carewire_ingress.domain.patient_profile import PROFILE_RULES, ProfileField
from carewire_ingress.domain.profile_rules import Refusal
from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.value_source import CompiledSource, ValueSource

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
"""A token of RFC 9110, section 5.6.2."""
MAX_RATE: Final = 100_000
"""Calls a second: more than any one webhook can take here."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the field, and how to mend it."""

    field: str
    message: str


def faults(
    configuration: Configuration,
    definition: CatalogueDefinition | None,
    systems: IdentifierSystems,
    *,
    enabled: bool,
) -> list[Fault]:
    """Everything that keeps this configuration from being saved or, where `enabled`, from being used."""
    found = [
        *_path_faults(configuration),
        *_value_source_faults(configuration),
        *_profile_faults(configuration.profile),
        *_source_faults(configuration, systems),
        *_filter_faults(configuration.filter),
        *_rate_faults(configuration.rate_limit),
    ]
    if definition is None or definition.live is None:
        message = "no care flow with this id is live; publish its definition first"
        return [Fault("definition_id", message), *found]
    found += _mapping_faults(configuration.mapping, definition.live)
    found += _fixed_value_faults(configuration.mapping, definition.live)
    return found + (_gaps(configuration.mapping, definition.live) if enabled else [])


def _path_faults(configuration: Configuration) -> Iterator[Fault]:
    for field, path in _paths(configuration):
        try:
            JsonPath(path)
        except InvalidPath as error:
            yield Fault(field, str(error))


def _paths(configuration: Configuration) -> Iterator[tuple[str, str]]:
    for index, source in enumerate(configuration.identifiers):
        yield f"identifiers.{index}.value_path", source.value_path
        if source.system_path is not None:
            yield f"identifiers.{index}.system_path", source.system_path
    if configuration.start_key.path is not None:
        yield "start_key.path", configuration.start_key.path
    for index, path in enumerate(configuration.redacted):
        yield f"redacted.{index}", path


def _value_source_faults(configuration: Configuration) -> Iterator[Fault]:
    named = {
        **{f"mapping.{name}": source for name, source in configuration.mapping.items()},
        **{f"profile.{name}": source for name, source in configuration.profile.items()},
    }
    for field_name, source in named.items():
        for part, message in source.faults():
            yield Fault(f"{field_name}.{part}" if part == "default" else field_name, message)


def _filter_faults(rule: Rule | None) -> Iterator[Fault]:
    for problem in () if rule is None else validate_rule(rule):
        yield Fault(f"filter.{problem.path}", problem.message)
    for field, path in () if rule is None else _filter_paths(rule):
        try:
            JsonPath(path)
        except InvalidPath as error:
            yield Fault(field, str(error))


def _filter_paths(rule: Rule) -> Iterator[tuple[str, str]]:
    for place, condition in rule.walk():
        yield f"filter.{place}.reference", condition.reference
        if isinstance(condition.operand, DataPointOperand):
            yield f"filter.{place}.operand", condition.operand.data_point


def _rate_faults(limit: RateLimit | None) -> Iterator[Fault]:
    if limit is None:
        return
    if not 0 < limit.per_second <= MAX_RATE:
        yield Fault("rate_limit.per_second", f"above 0, at most {MAX_RATE}")
    if not 1 <= limit.burst <= MAX_RATE:
        yield Fault("rate_limit.burst", f"from 1 to {MAX_RATE}")


def _source_faults(configuration: Configuration, systems: IdentifierSystems) -> Iterator[Fault]:
    if len(configuration.identifiers) > MAX_IDENTIFIERS:
        yield Fault("identifiers", f"at most {MAX_IDENTIFIERS} identifiers")
    for index, source in enumerate(configuration.identifiers):
        if (source.system is None) == (source.system_path is None):
            yield Fault(f"identifiers.{index}", "give either system or system_path")
        elif source.system is not None and source.system not in systems:
            yield Fault(f"identifiers.{index}.system", "no such identifier system; register it first")
    header, path = configuration.start_key.header, configuration.start_key.path
    if header is not None and path is not None:
        yield Fault("start_key", "give either header or path")
    if header is not None and not _HEADER_NAME.fullmatch(header):
        yield Fault("start_key.header", "not the name of an HTTP header")


def _mapping_faults(mapping: Mapping[str, ValueSource], release: CatalogueRelease) -> list[Fault]:
    message = "the live release has no such baseline data point; remove it, or use the id of an existing one"
    return [Fault(f"mapping.{data_point}", message) for data_point in unknown(mapping, release)]


def _fixed_value_faults(mapping: Mapping[str, ValueSource], release: CatalogueRelease) -> Iterator[Fault]:
    """What the live release doesn't allow of that which staff give instead of a payload's value."""
    for point in release.data_points:
        for part, value in mapping.get(point.id, ValueSource()).fixed_values():
            read = MappedDataPoint.of(point, CompiledSource(None, value)).read(None)
            if isinstance(read, Reason):
                yield Fault(f"mapping.{point.id}.{part}", _EXPECTED.format(read))


def _profile_faults(profile: Mapping[ProfileField, ValueSource]) -> Iterator[Fault]:
    for field, source in profile.items():
        for part, value in source.fixed_values():
            read = PROFILE_RULES[field].check(value)
            if isinstance(read, Refusal):
                yield Fault(f"profile.{field}.{part}", _EXPECTED.format(read))


_EXPECTED: Final = "expected {0.expected}, found {0.found}"


def _gaps(mapping: Mapping[str, ValueSource], release: CatalogueRelease) -> list[Fault]:
    return [
        Fault(f"mapping.{point.id}", f"required data point {point.key} ({point.value_type.value}) needs a path")
        for point in unmapped(mapping, release)
    ]
