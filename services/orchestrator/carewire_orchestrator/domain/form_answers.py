"""Answers to the questions of a form."""

from collections.abc import Mapping

from carewire_contracts.definition import Form, Question
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem, read_given_value, unknown_names


def read_form_answers(form: Form, given: Mapping[str, object]) -> tuple[GivenValue, ...] | list[ValueProblem]:
    """Check answers, keyed by the id or the key of their question. A null counts as no answer.

    Answers the values in the order of the questions, or all that is wrong.
    """
    names = {name: question for question in form.questions for name in (question.key, question.id)}
    values: list[GivenValue] = []
    problems = unknown_names(given, names, "the form has no such question")
    for question in form.questions:
        value = _read_answer(question, given)
        if isinstance(value, GivenValue):
            values.append(value)
        elif value is not None:
            problems.append(value)
    return problems or tuple(values)


def _read_answer(question: Question, given: Mapping[str, object]) -> GivenValue | ValueProblem | None:
    names = dict.fromkeys((question.key, question.id))
    answered = [name for name in names if given.get(name) is not None]
    if len(answered) > 1:
        return ValueProblem(question.key, "answered twice, by its key and by its id; answer it once")
    if not answered:
        return ValueProblem(question.key, "this question must be answered") if _must_be_answered(question) else None
    name = answered[0]
    if question.value_type is None:
        return ValueProblem(name, "this is a description and takes no answer")
    return read_given_value(name, given[name], question, question.value_type)


def _must_be_answered(question: Question) -> bool:
    return question.required and question.value_type is not None
