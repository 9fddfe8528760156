"""The tree of errors is the one that is drawn, and says of each whether trying again can help."""

import re

import pytest

from carewire_local import errors
from carewire_local.errors import LocalError

LEAVES = {
    each.__name__: each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, LocalError) and each is not LocalError
}
DRAWN = dict(re.findall(r"[├└]── (\w+) +(.*)", errors.__doc__ or ""))


def test_the_drawing_shows_every_error_and_no_other() -> None:
    assert set(DRAWN) == set(LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_the_drawing_says_whether_trying_again_can_help(name: str) -> None:
    assert LEAVES[name].retriable is DRAWN[name].endswith("(retriable)")


@pytest.mark.parametrize(
    ("name", "retriable"),
    [
        ("DistributionUnavailable", True),
        ("ServerFailed", True),
        ("ServerUnreachable", True),
        ("NotReady", True),
        ("ChecksumMismatch", False),
        ("JavaMissing", False),
        ("StateHeld", False),
        ("SetupFailed", False),
    ],
)
def test_what_may_pass_by_itself_is_told_from_what_a_person_must_mend(name: str, retriable: bool) -> None:
    assert LEAVES[name].retriable is retriable
