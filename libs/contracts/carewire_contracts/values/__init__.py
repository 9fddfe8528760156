"""Typed values: what a data point may hold, how it is read, written, compared and bounded.

In memory a value is plain Python; on the wire it is plain JSON:

| type | in memory | on the wire |
|---|---|---|
| boolean | `bool` | `true` |
| number | `int` (64 bits, exact) or finite `float` | `10`, `0.5` |
| string, attachment (an http(s) URL) | `str` | the same |
| telephone | `str`, E.164 | the same |
| date | aware `datetime` in UTC, whole milliseconds | `"2026-03-05T00:00:00.000Z"` |
| numbers_array, strings_array, attachments_array | `list` | array |
| json | any JSON value except null | the same |

An absent value is `None` and has no type: nobody parses it.
"""

from carewire_contracts.values.comparing import is_empty
from carewire_contracts.values.constraints import Constraints, check_constraints
from carewire_contracts.values.parsing import Mismatch, Parsed, Parser, from_wire, parse_value, parser_of
from carewire_contracts.values.soundness import name_of
from carewire_contracts.values.transcribing import Transcriber, transcriber_of
from carewire_contracts.values.value_type import TypedValue, ValueType
from carewire_contracts.values.writing import to_text, to_wire

__all__ = [
    "Constraints",
    "Mismatch",
    "Parsed",
    "Parser",
    "Transcriber",
    "TypedValue",
    "ValueType",
    "check_constraints",
    "from_wire",
    "is_empty",
    "name_of",
    "parse_value",
    "parser_of",
    "to_text",
    "to_wire",
    "transcriber_of",
]
