"""Whether an API answers whatever its description allows, and much that it does not, as it says it would."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from carewire_testing.openapi import without_rules_in_rules

CONFORMING: Final = [
    pytest.mark.asyncio(loop_scope="module"),
    # The service, which runs in another thread, may draw from `random` while a case is made.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"),
]
"""The marks of such a module."""

FAULTS: Final = frozenset(range(500, 600))
"""What says that the service failed; 503 says only that something is away."""


def bounded(examples: int) -> settings:
    """So many cases of each operation in each mode, the same in each run."""
    return settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def by_mode(document: dict[str, Any]) -> dict[GenerationMode, Any]:
    """The operations of a description, by what is drawn of them: what it allows, or what it does not."""
    return {
        GenerationMode.POSITIVE: schemathesis.openapi.from_dict(document),
        GenerationMode.NEGATIVE: schemathesis.openapi.from_dict(without_rules_in_rules(document)),
    }


def explore(
    operation: Any,
    mode: GenerationMode,
    base: str,
    key: str,
    known: Mapping[str, str],
    bounds: settings,
    *,
    faults: Collection[int] = FAULTS - {503},
    refusals: Collection[int] = (400, 401, 403),
) -> None:
    """Call an operation with whatever is drawn, half of the time with ids that are known.

    No answer may be one of `faults`, and where what is sent is allowed none of `refusals`.
    """
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {key}"

        @bounds
        @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
        def every(case: Any, is_known: bool) -> None:
            if is_known:
                case.path_parameters = {name: known.get(name, made) for name, made in case.path_parameters.items()}
            answer = case.call(base_url=base, session=session, timeout=10)
            assert answer.status_code not in faults
            if mode is GenerationMode.POSITIVE:
                assert answer.status_code not in refusals
            # What is not even HTTP as described may miss the route, which then is not the one to answer.
            missed = answer.status_code in (404, 405) or "not well-formed HTTP" in answer.text
            if not missed or mode is GenerationMode.POSITIVE:
                case.validate_response(
                    answer,
                    checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
                )

        every()
