"""Filters: which events of the types that it asked for an endpoint wants.

A filter is a rule whose references are JSONPaths into the event. What a condition sees at a path is what ingress's
filters see: an empty value where nothing matches, the value where one does, the array of them where several do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from carewire_contracts.json_path import InvalidPath, JsonPath
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.rules import DataPointOperand, Evaluation, Evaluator, Rule, evaluator_of, validate_rule


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A rule compiled with its paths, once per change of an endpoint."""

    rule: Rule
    queries: tuple[tuple[str, JsonQuery], ...] = field(repr=False, compare=False)
    evaluated: Evaluator = field(repr=False, compare=False)

    @classmethod
    def of(cls, rule: Rule) -> "EventFilter":
        """Compile a rule. Raises InvalidPath, a ValueError."""
        queries = tuple((path, JsonQuery(path)) for path in sorted(rule.references()))
        return cls(rule, queries, evaluator_of(rule))

    def judge(self, event: object, now: datetime) -> Evaluation:
        """Whether an event passes, and why. `now` serves the operators about days. Never raises."""
        return self.evaluated({path: query.seen(event) for path, query in self.queries}, now)


def filter_faults(rule: Rule) -> Iterator[tuple[str, str]]:
    """Everything that is wrong with a rule as a filter: the place in it, and what to mend."""
    for problem in validate_rule(rule):
        yield problem.path, problem.message
    for place, condition in rule.walk():
        yield from _path_faults(f"{place}.reference", condition.reference)
        if isinstance(condition.operand, DataPointOperand):
            yield from _path_faults(f"{place}.operand", condition.operand.data_point)


def _path_faults(place: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        JsonPath(path)
    except InvalidPath as error:
        yield place, str(error)
