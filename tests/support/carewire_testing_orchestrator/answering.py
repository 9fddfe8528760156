"""Answering a form by itself, outside of any care flow."""

from collections.abc import Mapping

from carewire_contracts.definition import Form
from carewire_contracts.values import TypedValue
from carewire_orchestrator.domain.form_answers import read_form_answers
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem
from carewire_testing_orchestrator.playing import NOW


def read_answers(
    form: Form, given: Mapping[str, object], known: Mapping[str, TypedValue] | None = None
) -> tuple[GivenValue, ...] | list[ValueProblem]:
    """Read answers while the care flow knows nothing, or this."""
    return read_form_answers(form, given, known or {}, NOW)
