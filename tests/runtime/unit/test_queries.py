import pytest

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.postgres.queries import load_queries, parse_queries

GOOD = "-- name: one\n-- The first.\nselect 1\n\n-- name: two\n-- The second.\nselect 2; -- end\n"


def test_a_file_is_split_into_named_queries() -> None:
    assert parse_queries(GOOD, "f.sql") == [
        ("one", "-- The first.\nselect 1"),
        ("two", "-- The second.\nselect 2; -- end"),
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("select 1\n" + GOOD, "no name"), ("-- name: one\nselect 1", "query one of f.sql does not say")],
)
def test_a_query_needs_a_name_and_a_sentence(text: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=wrong):
        parse_queries(text, "f.sql")


def test_a_comment_may_stand_before_the_first_query() -> None:
    assert len(parse_queries("-- About this file.\n\n" + GOOD, "f.sql")) == 2


def test_the_queries_of_a_package_are_attributes() -> None:
    queries = load_queries("carewire_runtime")
    assert queries.next_of_outbox.endswith("limit $2")
    assert "find_api_key" in dir(queries)
    with pytest.raises(AttributeError, match="no query named nothing"):
        _ = queries.nothing
