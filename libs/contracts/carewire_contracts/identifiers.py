"""Patient identifiers: a pair of system and value, as a FHIR Identifier."""

import unicodedata

from carewire_contracts.record import record


@record()
class Identifier:
    """`system` is an absolute URL that a tenant registered, `value` is unique within it. Values are personal data."""

    system: str
    value: str

    def __repr__(self) -> str:
        """Show the system alone: a value in a traceback would be a leak."""
        return f"Identifier(system={self.system!r}, value=<redacted>)"


def normalise_identifier_value(value: str) -> str:
    """The form in which values are compared: Unicode NFC, without white space around.

    Nothing else is folded: `a1` and `A1` may be two patients, and no merge is worth that risk.
    """
    return unicodedata.normalize("NFC", value).strip()
