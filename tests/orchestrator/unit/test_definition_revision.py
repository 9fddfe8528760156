"""Under which conditions a draft is changed (RFC 9110, section 13.1)."""

import pytest

from carewire_orchestrator.domain.definition_revision import entity_tag, read_precondition

MINE, OTHER = '"1-aaa"', '"2-bbb"'


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "current", "holds"),
    [
        (None, None, None, True),
        (None, None, MINE, True),
        (MINE, None, MINE, True),
        (MINE, None, OTHER, False),
        (MINE, None, None, False),
        (f"{OTHER}, {MINE}", None, MINE, True),
        (f"W/{MINE}", None, MINE, False),
        ("1-aaa", None, MINE, False),
        ("", None, MINE, False),
        ("*", None, MINE, True),
        ("*", None, None, False),
        (None, "*", None, True),
        (None, " * ", MINE, False),
        (None, OTHER, MINE, True),
        (MINE, "*", MINE, False),
    ],
)
def test_a_draft_is_changed_only_where_it_is_the_one_that_is_meant(
    if_match: str | None, if_none_match: str | None, current: str | None, holds: bool
) -> None:
    assert read_precondition(if_match, if_none_match).holds(current) is holds


def test_a_tag_is_strong_and_of_its_revision_and_its_content() -> None:
    tags = {entity_tag(1, "a"), entity_tag(2, "a"), entity_tag(1, "b")}
    assert len(tags) == 3
    assert entity_tag(1, "a") == entity_tag(1, "a")
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
