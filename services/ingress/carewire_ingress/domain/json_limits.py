r"""What JSON may be beyond its grammar, and where the rest of what can be odd about it is decided.

- Nesting: at most 64 deep, here. The parser itself takes 1,024, but readers downstream recurse.
- Numbers (RFC 8259, section 6): integers of 64 bits are exact; beyond them, as with fractions, a number is the
  nearest double, for the rest of a payload nobody maps must not refuse a call. Identifiers and start keys take
  exact integers alone, so no two of them become one. Beyond the doubles (`1e400`) the parser refuses the body.
- Duplicate names: the last one counts, as in nearly all parsers (RFC 8259 leaves it open). To detect them would
  take a second parse. All of Carewire reads the same single parse, so nobody sees another one.
- NUL in a string (`\u0000`), which Postgres can't store: refused where the value is used, each with its own reason
  (a data point `wrong_type`, an identifier `malformed_identifier`); elsewhere in the payload it harms nobody.
- Half a surrogate pair, invalid UTF-8, a control character that is not escaped: refused by the parser.
"""

from typing import Final

from carewire_contracts.values.soundness import MAX_JSON_DEPTH

EXPECTED: Final = f"JSON nested at most {MAX_JSON_DEPTH} deep"
"""What a body may be, in the words of reasons."""

_AS_ARRAYS: Final = bytes.maketrans(b"[{]}", b"[[]]")
_ALL_BUT_BRACKETS_AND_QUOTES: Final = bytes(set(range(256)) - set(b'[{]}"'))


def fault(body: bytes) -> str | None:
    """What is wrong with a JSON body that the grammar allows; None when nothing is. Never raises.

    Exact for what the parser takes; of any other body it may say either, for the parser refuses that one.
    """
    # Nearly every call ends here: no more containers in all than are allowed within each other. They are counted by
    # what is left without them: `count` goes byte by byte, which takes three times as long.
    if 2 * len(body) - len(body.replace(b"{", b"")) - len(body.replace(b"[", b"")) <= MAX_JSON_DEPTH:
        return None
    return f"JSON nested deeper than {MAX_JSON_DEPTH}" if _is_deep(_brackets(body)) else None


def _brackets(body: bytes) -> bytes:
    """The brackets outside of strings, all as those of arrays. A few passes of C, not one step a character."""
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body
    # Two quotes with nothing of interest between them can go, wherever they belong: what is in a string stays in one.
    left = unescaped.translate(_AS_ARRAYS, _ALL_BUT_BRACKETS_AND_QUOTES).replace(b'""', b"")
    return b"".join(left.split(b'"')[::2])


def _is_deep(brackets: bytes) -> bool:
    """Whether containers remain after the innermost ones were taken away as often as is allowed."""
    for _ in range(MAX_JSON_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
