"""Calculations: a data point computed from others when the step is reached.

Where an input is empty and the expression needs it, or there is no result, the activity fails and says why; its step
goes on, and an operator can let it be tried again once the value is there.
"""

from carewire_contracts.definition import CalculationAction
from carewire_contracts.values import is_empty
from carewire_orchestrator.domain.activities import end
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus, Reason
from carewire_orchestrator.domain.collecting import collect, collected
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.expressions import NotComputed, evaluate_expression
from carewire_orchestrator.domain.given_values import GivenValue, read_given_value


def calculate(course: Course, activity: Activity, action: CalculationAction) -> None:
    """Compute the output of a calculation, collect it and end the activity."""
    result = _result(course, action)
    if isinstance(result, Reason):
        end(course, activity, ActivityStatus.FAILED, result)
    else:
        collect(course, collected(course, result))
        end(course, activity, ActivityStatus.DONE)


def _result(course: Course, action: CalculationAction) -> GivenValue | Reason:
    known = {one.name: course.values.get(one.data_point_definition_id) for one in action.inputs}
    empty = dict.fromkeys(name for name, value in known.items() if is_empty(value))
    result = evaluate_expression(action.expression, {**known, **empty})
    if isinstance(result, NotComputed):
        return Reason.EMPTY_VALUE if empty else Reason.NOT_COMPUTABLE
    output = course.release.data_points[action.output_data_point_definition_id]
    given = read_given_value(output.key, result, output, output.value_type)
    return given if isinstance(given, GivenValue) else Reason.UNSUITABLE_RESULT
