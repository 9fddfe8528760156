"""Answers to the questions of a form.

A question with a rule is asked only while that is satisfied by what the care flow knows and by the answers to the other
questions of this form; a condition on an empty value does not hold. The questions are gone through in their order,
so a rule sees the answers to earlier ones, and answers to questions that are not asked are refused.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from carewire_contracts.definition import Form, Question
from carewire_contracts.rules import evaluate
from carewire_contracts.values import TypedValue, ValueType, from_wire
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem, read_given_value, unknown_names

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ICD10: Final = re.compile(r"[A-TV-Z][0-9][0-9AB](\.?[0-9A-TV-Z]{1,4})?")
"""A category of ICD-10 (letter, digit, digit or the A and B of the clinical modification) with what may follow it."""

MAX_EMAIL: Final = 320
"""Characters of an address: 64 before the @ and 255 after it."""


def read_form_answers(
    form: Form, given: Mapping[str, object], known: Mapping[str, TypedValue], now: datetime
) -> tuple[GivenValue, ...] | list[ValueProblem]:
    """Check answers, keyed by the id or the key of their question. A null counts as no answer.

    `known` are the care flow's values. Answers the values in the order of the questions, or all that is wrong.
    """
    names = {name: question for question in form.questions for name in (question.key, question.id)}
    values: list[GivenValue] = []
    seen = dict(known)
    problems = unknown_names(given, names, "the form has no such question")
    for question in form.questions:
        seen.pop(question.id, None)
        is_asked = question.rule is None or evaluate(question.rule, seen, now).satisfied
        value = _read_answer(question, given, is_asked=is_asked)
        if isinstance(value, GivenValue):
            values.append(value)
            seen[question.id] = from_wire(value.value, value.value_type)
        elif value is not None:
            problems.append(value)
    return problems or tuple(values)


def _read_answer(
    question: Question, given: Mapping[str, object], *, is_asked: bool
) -> GivenValue | ValueProblem | None:
    names = dict.fromkeys((question.key, question.id))
    answered = [name for name in names if given.get(name) is not None]
    if len(answered) > 1:
        return ValueProblem(question.key, "answered twice, by its key and by its id; answer it once")
    if not answered:
        must = is_asked and question.required and question.value_type is not None
        return ValueProblem(question.key, "this question must be answered") if must else None
    name = answered[0]
    if question.value_type is None:
        return ValueProblem(name, "this is a description and takes no answer")
    if not is_asked:
        return ValueProblem(name, "this question is not asked, as other answers stand; leave it out")
    if question.user_question_type == "multiple_choice_grid":
        return _read_grid(question, name, given[name])
    value = read_given_value(name, given[name], question, question.value_type)
    return _checked(question, name, value)


def _checked(question: Question, name: str, value: GivenValue | ValueProblem) -> GivenValue | ValueProblem:
    """What the kind of a question asks of a text beyond being one."""
    if isinstance(value, ValueProblem):
        return value
    if question.user_question_type == "email" and not _is_email(value.value):
        return ValueProblem(name, "expected an e-mail address")
    if question.user_question_type == "icd10_classification" and not _ICD10.fullmatch(value.value):
        return ValueProblem(name, "expected a code of ICD-10, such as F32.1")
    return value


def _is_email(text: str) -> bool:
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def _read_grid(question: Question, name: str, raw: object) -> GivenValue | ValueProblem:
    """An object that leads from row to value: every row of a required grid, and only values that are offered."""
    value = read_given_value(name, raw, question.model_copy(update={"possible_values": ()}), ValueType.JSON)
    if isinstance(value, ValueProblem):
        return value
    if not isinstance(value.value, dict):
        return ValueProblem(name, "expected an object that leads from row to value")
    rows = [str(row.value) for row in question.rows]
    offered = [choice.value for choice in question.possible_values]
    if not value.value.keys() <= set(rows):
        return ValueProblem(name, "expected the rows of the question and no others")
    if question.required and len(value.value) < len(rows):
        return ValueProblem(name, "expected an answer in every row")
    if any(isinstance(one, list | dict) or one not in offered for one in value.value.values()):
        return ValueProblem(name, "expected one of the possible values in each row")
    return value
