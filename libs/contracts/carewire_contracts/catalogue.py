"""Records of `orchestrator.catalogue`: what is live and what is registered, for ingress to validate against.

A compacted topic: the last record of a key is the truth. `catalogue_version` grows with each change of a key.
"""

from typing import Final

from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message

DEFINITION_PREFIX: Final = "definition/"
IDENTIFIER_SYSTEM_PREFIX: Final = "identifier-system/"


class CatalogueRelease(Message):
    """An immutable release: its number and the baseline data points that a start must bring."""

    release_id: str
    version: int
    published_at: Timestamp
    data_points: tuple[DataPointDefinition, ...]


class CatalogueDefinition(Message):
    """A care-flow definition and its live release; without one it cannot be started."""

    definition_id: str
    title: str
    catalogue_version: int
    live: CatalogueRelease | None

    @property
    def key(self) -> str:
        """The record's key."""
        return DEFINITION_PREFIX + self.definition_id


class CatalogueIdentifierSystem(Message):
    """A registered identifier system.

    `placeholder_pattern` is a regular expression (full match) of values that identify nobody, such as
    `UNKNOWN`: accepted, they would make one patient of many strangers.
    """

    system: str
    name: str
    display_name: str
    placeholder_pattern: str | None = None
    catalogue_version: int

    @property
    def key(self) -> str:
        """The record's key."""
        return IDENTIFIER_SYSTEM_PREFIX + self.system
