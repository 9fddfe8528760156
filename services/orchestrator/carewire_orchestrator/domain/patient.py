"""A patient as they stand: who they are by identifiers, what is known of them, and whether they are still there."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime

from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.profile import ProfileDocument


@record()
class Patient:
    """A patient with all identifiers, by fingerprint in the order in which they came.

    `merged_into` is the patient who they turned out to be; such a one has nothing of their own any more.
    `deleted_at` with `erase_after`: nobody finds them, and until that moment they can be restored.
    """

    id: str
    created_at: datetime
    identifiers: Mapping[Fingerprint, Identifier] = field(default_factory=dict, repr=False)
    profile: ProfileDocument = field(default_factory=dict, repr=False)
    merged_into: str | None = None
    deleted_at: datetime | None = None
    erase_after: datetime | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether they wait for their erasure."""
        return self.deleted_at is not None

    def with_identifiers(self, identifiers: Mapping[Fingerprint, Identifier]) -> "Patient":
        """The patient with these identifiers instead."""
        return replace(self, identifiers=dict(identifiers))

    def with_profile(self, profile: ProfileDocument) -> "Patient":
        """The patient with this profile instead."""
        return replace(self, profile=profile)

    def gone(self, deleted_at: datetime, erase_after: datetime) -> "Patient":
        """The patient once deleted, until they are erased."""
        return replace(self, deleted_at=deleted_at, erase_after=erase_after)

    def back(self, identifiers: Mapping[Fingerprint, Identifier]) -> "Patient":
        """The patient once restored, with the identifiers that they could get back."""
        return replace(self, identifiers=dict(identifiers), deleted_at=None, erase_after=None)
