"""Where a sender says which delivery a call is."""

from dataclasses import dataclass

from carewire_contracts.json_path import JsonPath


@dataclass(frozen=True, slots=True)
class StartKeySource:
    """Where this sender puts the identity of a delivery, beside the standard headers: at most one of the two."""

    header: str | None = None
    path: JsonPath | None = None

    @property
    def is_said(self) -> bool:
        """Whether there is such a place."""
        return self.header is not None or self.path is not None
