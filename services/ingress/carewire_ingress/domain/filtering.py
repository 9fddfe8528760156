"""Filters: which calls of a webhook are meant for its care flow.

A filter is a rule whose references are JSONPaths into the payload. What a condition sees at a path:
- no match: an empty value, as null is
- one match: that value, be it an array or an object
- several matches: the array of them, in the order of the document. `contains` and `is_any_of` then ask whether one
  of them fits; comparisons such as `is_equal_to` compare the array as a whole, which no single value equals
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER
from carewire_contracts.rules import (
    Condition,
    ConditionOutcome,
    DataPointOperand,
    Evaluation,
    Evaluator,
    Rule,
    evaluator_of,
)
from carewire_contracts.values import name_of

MAX_SHOWN_CHARACTERS: Final = 100
MAX_SHOWN_ITEMS: Final = 5
"""Of a value in the log: 200 conditions with both sides at their longest then stay below half a megabyte."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A rule compiled with its paths. `told` is what an explanation says of each condition at every call."""

    rule: Rule
    queries: tuple[tuple[str, JsonQuery], ...]
    told: tuple[Mapping[str, Any], ...]
    evaluated: Evaluator = field(repr=False, compare=False)

    @classmethod
    def of(cls, rule: Rule) -> "Filter":
        """Compile a rule and its paths, once per change of a webhook. Raises InvalidPath."""
        return cls(
            rule,
            tuple((path, JsonQuery(path)) for path in sorted(rule.references())),
            tuple(_told(at, condition) for at, condition in rule.walk()),
            evaluator_of(rule),
        )


def _told(at: str, condition: Condition) -> Mapping[str, Any]:
    """An operand that is a path is given by `operand_reference`; what it held is each call's own."""
    operand = condition.operand
    path = operand.data_point if isinstance(operand, DataPointOperand) else None
    return {
        "at": at,
        "id": condition.id,
        "reference": condition.reference,
        "operator": condition.operator.value,
        "operand_reference": path,
        "operand": _brief(operand) if path is None else None,
    }


def judge(chosen: Filter, payload: object, now: datetime) -> Evaluation:
    """Whether the filter lets a payload through, and why. Never raises."""
    return chosen.evaluated({path: query.seen(payload) for path, query in chosen.queries}, now)


def hidden_references(chosen: Filter, payload: object, shown: object) -> frozenset[str]:
    """The references whose values nobody is shown: `shown` is the payload after `redaction.redacted`."""
    if shown is payload:
        return frozenset()
    return frozenset(path for path, query in chosen.queries if not _untouched(query.seen(payload), query.seen(shown)))


def _untouched(before: object, after: object) -> bool:
    """Redaction copies what it changes and nothing else, so identity tells, at any depth."""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return all(one is other for one, other in zip(before, after, strict=True))
    return before is after


def explained(chosen: Filter, evaluation: Evaluation, hidden: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """Each condition for the request log: where it stands, what was compared with what, and the outcome.

    Long values are cut, and what a database cannot store is replaced.
    """
    return [_explained(told, outcome, hidden) for told, outcome in zip(chosen.told, evaluation.conditions, strict=True)]


def _explained(told: Mapping[str, Any], outcome: ConditionOutcome, hidden: frozenset[str]) -> dict[str, Any]:
    entry = {
        **told,
        "value": MARKER if hidden and outcome.reference in hidden else _brief(outcome.value),
        "satisfied": outcome.satisfied,
        "empty": outcome.empty,
    }
    operand_reference = told["operand_reference"]
    if operand_reference is not None:
        entry["operand"] = MARKER if operand_reference in hidden else _brief(outcome.operand)
    return entry


def _brief(value: object) -> Any:
    """A value cut to what a person reads: of an array or object the first items, and of these only the scalars."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        items = [_item(item) for item in value[:MAX_SHOWN_ITEMS]]
        return items + ([f"\u2026 {len(value) - MAX_SHOWN_ITEMS} more"] if len(value) > MAX_SHOWN_ITEMS else [])
    if isinstance(value, dict):
        entries = {_text(name): _item(value[name]) for name in list(value)[:MAX_SHOWN_ITEMS]}
        return entries | ({"\u2026": f"{len(value) - MAX_SHOWN_ITEMS} more"} if len(value) > MAX_SHOWN_ITEMS else {})
    return _item(value)


def _item(value: object) -> Any:
    if isinstance(value, str):
        return _text(value)
    return f"\u2026 {name_of(value)} of {len(value)}" if isinstance(value, list | dict) else value


def _text(text: str) -> str:
    short = text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}\u2026"
    return short.replace("\0", "\N{REPLACEMENT CHARACTER}")
