"""What operators read of an attempt: a sentence of its own for whatever it met, and never a word of the payload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.classify import Failure
from carewire_dispatcher.domain.explanation import explanation


@pytest.mark.parametrize("failure", Failure)
def test_each_failure_has_a_sentence_of_its_own(failure: Failure) -> None:
    others = {explanation(None, str(other)) for other in Failure if other is not failure}
    said = explanation(None, str(failure))
    assert said not in others
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("status_code", "said"),
    [
        (200, "accepted"),
        (299, "accepted"),
        (302, "redirects are not followed"),
        (400, "refused the call"),
        (401, "current secret"),
        (403, "firewall"),
        (404, "check the endpoint's URL"),
        (405, "no POST"),
        (408, "took too long"),
        (410, "nobody listens"),
        (413, "of this size"),
        (429, "Retry-After is heeded"),
        (500, "failed"),
        (503, "Retry-After is heeded"),
        (599, "failed"),
        (101, "none to a call like this"),
        (999, "none to a call like this"),
    ],
)
def test_what_an_answer_means_is_said(status_code: int, said: str) -> None:
    assert said in explanation(status_code, None)


@given(st.none() | st.integers(), st.none() | st.text())
def test_there_is_a_sentence_for_whatever_the_log_holds(status_code: int | None, failure: str | None) -> None:
    said = explanation(status_code, failure)
    assert said[0].isupper()
    assert said.endswith(".")


def test_a_failure_of_a_later_version_is_called_one() -> None:
    assert explanation(None, "moonstruck") == explanation(None, None) == "The call failed."
