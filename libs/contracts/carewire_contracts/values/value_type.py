"""The ten types of a data point."""

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

TypedValue: TypeAlias = bool | int | float | str | datetime | list[Any] | dict[str, Any]
"""A parsed value in memory; which Python type belongs to which value type stands in the package's text."""


class ValueType(StrEnum):
    """What a data point holds. Names are read in any case: senders write both `number` and `NUMBER`."""

    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    DATE = "date"
    NUMBERS_ARRAY = "numbers_array"
    STRINGS_ARRAY = "strings_array"
    JSON = "json"
    TELEPHONE = "telephone"
    ATTACHMENT = "attachment"
    ATTACHMENTS_ARRAY = "attachments_array"

    @classmethod
    def _missing_(cls, value: object) -> "ValueType | None":
        if not isinstance(value, str):
            return None
        return cls._value2member_map_.get(value.lower())  # type: ignore[return-value]

    @property
    def item(self) -> "ValueType | None":
        """The type of an array's items; None where this type is no array."""
        return _ITEMS.get(self)


_ITEMS = {
    ValueType.NUMBERS_ARRAY: ValueType.NUMBER,
    ValueType.STRINGS_ARRAY: ValueType.STRING,
    ValueType.ATTACHMENTS_ARRAY: ValueType.ATTACHMENT,
}
