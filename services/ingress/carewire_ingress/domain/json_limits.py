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

from collections.abc import Iterable
from typing import cast

from carewire_contracts.values.soundness import MAX_JSON_DEPTH


def fault(body: bytes, payload: object) -> str | None:
    """What is wrong with a JSON body, and its payload, that the grammar allows; None when nothing is. Never raises."""
    # Nearly every call ends here: no more containers in all than are allowed within each other.
    if body.count(b"{") + body.count(b"[") <= MAX_JSON_DEPTH:
        return None
    return f"JSON nested deeper than {MAX_JSON_DEPTH}" if _is_deep(payload) else None


def _is_deep(payload: object) -> bool:
    """Go down level by level, containers alone: no recursion, and every node is looked at once at most."""
    level = [payload] if isinstance(payload, dict | list) else []
    for _ in range(MAX_JSON_DEPTH):
        if not level:
            return False
        level = [part for node in level for part in _parts(node) if type(part) is dict or type(part) is list]
    return bool(level)


def _parts(node: object) -> Iterable[object]:
    return node if isinstance(node, list) else cast("dict[str, object]", node).values()
