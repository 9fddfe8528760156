"""Waiting for another process: until it answers, or with a reason."""

import pytest

from carewire_local.errors import JourneyStalled, RequestRefused
from carewire_local.waiting import until


def test_the_first_answer_is_returned() -> None:
    answers = iter([None, None, "started"])
    assert until(lambda: next(answers), 5.0) == "started"


def test_a_refusal_counts_as_not_yet() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise RequestRefused("not known yet")
        return "known"

    assert until(ask, 5.0) == "known"


def test_at_the_deadline_the_last_refusal_is_the_reason() -> None:
    def refuse() -> None:
        raise RequestRefused("unknown definition")

    with pytest.raises(RequestRefused, match="unknown definition"):
        until(refuse, 0.0)


def test_at_the_deadline_it_is_said_what_was_waited_for() -> None:
    with pytest.raises(JourneyStalled, match="waited 0 s for the care flow to start"):
        until(lambda: None, 0.0, "the care flow to start")


def test_a_false_answer_is_an_answer() -> None:
    assert until(lambda: False, 0.0) is False
