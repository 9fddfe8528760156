"""The one rule language of Carewire: ingress filters, endpoint filters and care-flow logic.

A rule is `{"any": [...]}` or `{"all": [...]}` over conditions and further rules; `{"all": []}` always holds:

    {"all": [
        {"id": "adult", "reference": "$.age", "operator": "is_greater_than_or_equal_to", "operand": 18},
        {"any": [
            {"reference": "$.ward", "operator": "is_any_of", "operand": ["north", "south"]},
            {"reference": "$.seen", "operator": "is_less_than_x_days_ago", "operand": {"data_point": "$.x"}}
        ]}
    ]}

A reference is opaque here: the id of a data point, or a JSONPath whose value the caller has found.

What operators mean
- A value is *empty* when it is absent, null, `""`, `[]` or `{}`. Six operators speak about emptiness too:
  `is_empty`, `is_not_empty`, `is_true`, `is_not_true` (satisfied by an empty value), `has_file_uploaded`,
  `has_no_file_uploaded`. Every other operator compares, and nothing is known about an empty value: the
  condition is not satisfied, negative operators such as `is_not_equal_to` included, and its outcome says
  `empty`. Likewise where the operand is missing or the data point that it refers to is empty. (SQL's `<>`
  and `IS NOT TRUE` draw the same line.)
- On values that are not empty, a negative operator is exactly the opposite of its positive one.
- A string is read as what it meets (see `values.comparing`). What cannot be compared is neither equal nor
  ordered.
- `contains`: a string has that part (case counts), or an array has that item. `is_any_of`: a value, or at
  least one item of an array, is in the operand's list; items are scalars. `is_in_range`: `[lowest,
  highest]`, both included.
- Days are UTC: `is_today` compares calendar days in UTC, because a date without a time is midnight UTC.
  `x_days_ago` counts elapsed days of 24 hours before `now`, for `x` that need not be whole; what lies in
  the future is no days ago.
"""

from carewire_contracts.rules.evaluation import ConditionOutcome, Evaluation, Evaluator, evaluate, evaluator_of
from carewire_contracts.rules.operators import OFFERED_OPERATORS, Operator
from carewire_contracts.rules.problems import ProblemCode, RuleProblem, validate_rule
from carewire_contracts.rules.rule import Condition, DataPointOperand, Rule

__all__ = [
    "OFFERED_OPERATORS",
    "Condition",
    "ConditionOutcome",
    "DataPointOperand",
    "Evaluation",
    "Evaluator",
    "Operator",
    "ProblemCode",
    "Rule",
    "RuleProblem",
    "evaluate",
    "evaluator_of",
    "validate_rule",
]
