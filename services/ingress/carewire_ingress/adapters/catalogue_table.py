"""The orchestrator's catalogue as ingress knows it: live releases and identifier systems."""

import re
from typing import TypeAlias

from carewire_contracts.catalogue import (
    DEFINITION_PREFIX,
    IDENTIFIER_SYSTEM_PREFIX,
    CatalogueDefinition,
    CatalogueIdentifierSystem,
)
from carewire_contracts.wire import decode
from carewire_ingress.domain.identifiers import IdentifierSystem
from carewire_runtime.kafka.table import CompactedTable

Entry: TypeAlias = CatalogueDefinition | IdentifierSystem


class CatalogueTable:
    """What is live and registered, by key. Keys of other kinds are newer than this reader, and are left alone."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.systems: dict[str, IdentifierSystem] = {}
        self._definitions: dict[str, CatalogueDefinition] = {}
        self.table: CompactedTable[Entry | str] = CompactedTable(bootstrap, topic, _decode)
        self.table.on_change(self._index)

    def definition(self, definition_id: str) -> CatalogueDefinition | None:
        """The catalogue's last word on a definition."""
        return self._definitions.get(definition_id)

    def _index(self, key: str, entry: Entry | str | None) -> None:
        if key.startswith(DEFINITION_PREFIX):
            definition_id = key.removeprefix(DEFINITION_PREFIX)
            self._definitions.pop(definition_id, None)
            if isinstance(entry, CatalogueDefinition):
                self._definitions[definition_id] = entry
        elif key.startswith(IDENTIFIER_SYSTEM_PREFIX):
            system = key.removeprefix(IDENTIFIER_SYSTEM_PREFIX)
            self.systems.pop(system, None)
            if isinstance(entry, IdentifierSystem):
                self.systems[system] = entry


def _decode(key: str, value: bytes) -> Entry | str:
    if key.startswith(DEFINITION_PREFIX):
        return decode(CatalogueDefinition, value)
    if key.startswith(IDENTIFIER_SYSTEM_PREFIX):
        return _identifier_system(decode(CatalogueIdentifierSystem, value))
    return key


def _identifier_system(record: CatalogueIdentifierSystem) -> IdentifierSystem:
    pattern = record.placeholder_pattern
    try:
        return IdentifierSystem(record.system, None if pattern is None else re.compile(pattern))
    except re.error:
        raise ValueError("the placeholder pattern of an identifier system is no regular expression") from None
