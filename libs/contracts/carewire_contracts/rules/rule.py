"""The rule document: conditions joined by any or all."""

from collections.abc import Iterator
from typing import Annotated, Final, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)

from carewire_contracts.rules.operators import Operator
from carewire_contracts.values.soundness import json_fault

MAX_DEPTH: Final = 8
"""Rules within rules: evaluation recurses, and nobody reads deeper."""

MAX_CONDITIONS: Final = 200
"""Conditions of a rule with all rules in it: 200 of them are evaluated within a millisecond."""

MAX_REFERENCE: Final = 1_024
"""Characters of a reference: a JSONPath through a deep payload has room."""

MAX_OPERAND_ITEMS: Final = 1_000
"""Items of a literal list."""


class _Part(BaseModel):
    """Unknown fields are refused, unlike elsewhere: an ignored part of a rule would change what it means.

    Errors hide their input, which may hold health data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DataPointOperand(_Part):
    """An operand that is the value of another reference at the time of evaluation."""

    data_point: Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE)]


def _checked(operand: object) -> object:
    """Refuse an unsound operand here, with one error at the operand instead of one for each kind of it."""
    if isinstance(operand, DataPointOperand):
        return operand
    fault = json_fault(operand)
    if isinstance(operand, list) and len(operand) > MAX_OPERAND_ITEMS:
        fault = f"array of more than {MAX_OPERAND_ITEMS} items"
    if isinstance(operand, dict) and operand.keys() == {"data_point"}:
        name = operand["data_point"]
        if not isinstance(name, str) or not 0 < len(name) <= MAX_REFERENCE:
            fault = f"data_point must be a reference of 1 to {MAX_REFERENCE} characters"
    if fault:
        raise ValueError(fault)
    return operand


Operand: TypeAlias = Annotated[
    DataPointOperand | JsonValue, Field(union_mode="left_to_right"), BeforeValidator(_checked)
]
"""A literal, or `{"data_point": "id"}`; an object with just that key is never a literal."""


class Condition(_Part):
    """One comparison. An operand of None stands for no operand."""

    id: Annotated[str, Field(max_length=128)] | None = None
    reference: Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE)]
    operator: Operator
    operand: Operand = None


def _entry_kind(entry: object) -> str:
    is_rule = isinstance(entry, Rule) or (isinstance(entry, dict) and ("any" in entry or "all" in entry))
    return "rule" if is_rule else "condition"


Entry: TypeAlias = Annotated[
    Annotated[Condition, Tag("condition")] | Annotated["Rule", Tag("rule")], Discriminator(_entry_kind)
]


class Rule(_Part):
    """Conditions and further rules of which any or all must hold."""

    any: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=MAX_CONDITIONS)] | None = None
    all: Annotated[tuple[Entry, ...], Field(max_length=MAX_CONDITIONS)] | None = None

    @model_validator(mode="after")
    def _one_join_and_bounded(self) -> Self:
        if (self.any is None) == (self.all is None):
            raise ValueError("a rule has either any or all")
        paths = [path for path, _ in self.walk()]
        if len(paths) > MAX_CONDITIONS:
            message = f"a rule has at most {MAX_CONDITIONS} conditions"
            raise ValueError(message)
        if _depth(self) > MAX_DEPTH:
            message = f"rules are nested at most {MAX_DEPTH} deep"
            raise ValueError(message)
        return self

    @property
    def entries(self) -> tuple["Condition | Rule", ...]:
        """The parts that this rule joins, in their order."""
        return self.all if self.all is not None else self.any or ()

    def walk(self, path: str = "") -> Iterator[tuple[str, Condition]]:
        """Yield every condition with its path, such as `all[0].any[1]`, in reading order."""
        join = "any" if self.all is None else "all"
        for index, entry in enumerate(self.entries):
            here = f"{path}{join}[{index}]"
            if isinstance(entry, Rule):
                yield from entry.walk(f"{here}.")
            else:
                yield here, entry

    def references(self) -> frozenset[str]:
        """Every reference whose value the evaluation needs, those of operands included."""
        conditions = [condition for _, condition in self.walk()]
        operands = [each.operand.data_point for each in conditions if isinstance(each.operand, DataPointOperand)]
        return frozenset([each.reference for each in conditions] + operands)


def _depth(rule: Rule) -> int:
    return 1 + max((_depth(entry) for entry in rule.entries if isinstance(entry, Rule)), default=0)
