"""What staff say about an incoming webhook, in text, and everything that can be wrong with it.

`faults` lists all of it at once; `compiled` makes the webhook that the hot path uses.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueRelease
from carewire_ingress.domain.identifiers import MAX_IDENTIFIERS, IdentifierSystems
from carewire_ingress.domain.json_path import InvalidPath, JsonPath
from carewire_ingress.domain.mapping import unknown, unmapped
from carewire_ingress.domain.webhook import IncomingWebhook, MappedIdentifier, StartKeySource

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
"""A token of RFC 9110, section 5.6.2."""


@dataclass(frozen=True, slots=True)
class IdentifierSource:
    """Where a patient identifier stands: the path of its value; its system as a constant or by path."""

    value_path: str
    system: str | None = None
    system_path: str | None = None


@dataclass(frozen=True, slots=True)
class StartKeyConfiguration:
    """Where the sender's delivery id stands, beside the standard headers: a header or a path."""

    header: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """An incoming webhook as staff configure it. `mapping` leads from a data point's id to a JSONPath."""

    name: str
    definition_id: str
    mapping: Mapping[str, str]
    identifiers: tuple[IdentifierSource, ...] = ()
    start_key: StartKeyConfiguration = StartKeyConfiguration()


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
    found = [*_path_faults(configuration), *_source_faults(configuration, systems)]
    if definition is None or definition.live is None:
        message = "no care flow with this id is live; publish its definition first"
        return [Fault("definition_id", message), *found]
    found += _mapping_faults(configuration.mapping, definition.live)
    return found + (_gaps(configuration.mapping, definition.live) if enabled else [])


def _path_faults(configuration: Configuration) -> Iterator[Fault]:
    for field, path in _paths(configuration):
        try:
            JsonPath(path)
        except InvalidPath as error:
            yield Fault(field, str(error))


def _paths(configuration: Configuration) -> Iterator[tuple[str, str]]:
    for data_point, path in configuration.mapping.items():
        yield f"mapping.{data_point}", path
    for index, source in enumerate(configuration.identifiers):
        yield f"identifiers.{index}.value_path", source.value_path
        if source.system_path is not None:
            yield f"identifiers.{index}.system_path", source.system_path
    if configuration.start_key.path is not None:
        yield "start_key.path", configuration.start_key.path


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


def _mapping_faults(mapping: Mapping[str, str], release: CatalogueRelease) -> list[Fault]:
    message = "the live release has no such baseline data point; remove it, or use the id of an existing one"
    return [Fault(f"mapping.{data_point}", message) for data_point in unknown(mapping, release)]


def _gaps(mapping: Mapping[str, str], release: CatalogueRelease) -> list[Fault]:
    return [
        Fault(f"mapping.{point.id}", f"required data point {point.key} ({point.value_type.value}) needs a path")
        for point in unmapped(mapping, release)
    ]


def compiled(
    configuration: Configuration, *, webhook_id: str, enabled: bool, token_sha256: bytes, salt: bytes
) -> IncomingWebhook:
    """The webhook of a configuration without faults. Raises InvalidPath."""
    source = configuration.start_key
    return IncomingWebhook(
        id=webhook_id,
        name=configuration.name,
        definition_id=configuration.definition_id,
        token_sha256=token_sha256,
        enabled=enabled,
        mapping={data_point: JsonPath(path) for data_point, path in configuration.mapping.items()},
        identifiers=tuple(_identifier(identifier) for identifier in configuration.identifiers),
        start_key=StartKeySource(
            header=None if source.header is None else source.header.lower(),
            path=None if source.path is None else JsonPath(source.path),
        ),
        salt=salt,
    )


def _identifier(source: IdentifierSource) -> MappedIdentifier:
    system = source.system if source.system_path is None else JsonPath(source.system_path)
    return MappedIdentifier(JsonPath(source.value_path), system or "")
