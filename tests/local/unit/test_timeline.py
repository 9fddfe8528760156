"""The journey as it is printed."""

import re

import pytest

from carewire_local.timeline import Timeline


def test_steps_have_times_and_what_belongs_to_them_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    timeline = Timeline("A hip surgery")
    timeline.mark("care flow started", "Hip surgery follow-up")
    timeline.add("patient", "0199")
    title, step, detail = capsys.readouterr().out.strip().splitlines()
    assert title == "A hip surgery"
    assert re.fullmatch(r" *\+\d+ ms  care flow started      Hip surgery follow-up", step)
    assert detail.split() == ["patient", "0199"]
    assert step.index("Hip") == detail.index("0199")
