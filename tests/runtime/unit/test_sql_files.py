"""Queries and migrations as files: each named, explained, numbered once, and never edited unnoticed."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.postgres.migrations import Migration, migrations_of
from carewire_runtime.postgres.outbox import OutboxRecord, pack, unpack
from carewire_runtime.postgres.queries import load_queries, parse_queries

Package = Callable[[Mapping[str, str]], str]
SERVICES = ("carewire_ingress", "carewire_orchestrator", "carewire_dispatcher")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Makes a package of some files under its `sql` folder."""
    name = f"package_of_{tmp_path.name.replace('-', '_')}"
    monkeypatch.syspath_prepend(tmp_path)

    def make(files: Mapping[str, str]) -> str:
        (tmp_path / name / "sql" / "migrations").mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
        for path, text in files.items():
            (tmp_path / name / "sql" / path).write_text(text, encoding="utf-8")
        return name

    yield make
    sys.modules.pop(name, None)


def test_every_query_is_an_attribute_with_its_comment(package: Package) -> None:
    queries = load_queries(
        package(
            {
                "a.sql": "-- name: find\n-- Finds.\nselect 1\n\n-- name: add\n-- Adds.\ninsert into t\n",
                "b.sql": "-- Head of the file.\n\n-- name: drop\n-- Drops.\ndelete from t\n",
                "notes.txt": "no query",
            }
        )
    )
    assert dir(queries) == ["add", "drop", "find"]
    assert queries.find == "-- Finds.\nselect 1"
    with pytest.raises(AttributeError, match="no query named other"):
        _ = queries.other


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        ({"a.sql": "select 1"}, "begins with a query that has no name"),
        ({"a.sql": "-- name: x\nselect 1"}, "does not say in a comment what it is for"),
        ({"a.sql": "-- name: x\n-- X.\nselect 1", "b.sql": "-- name: x\n-- X.\nselect 2"}, "are named x"),
        ({"a.sql": "-- name: x\n-- X.\nselect 1\n-- name: x\n-- X.\nselect 2"}, "are named x"),
    ],
    ids=["no name", "no comment", "one name in two files", "one name twice in a file"],
)
def test_a_query_that_nobody_could_find_or_understand_is_refused(
    package: Package, files: Mapping[str, str], wrong: str
) -> None:
    with pytest.raises(ConfigurationError, match=wrong):
        load_queries(package(files))


names = st.from_regex(r"[a-z][a-z_]{0,10}", fullmatch=True)
bodies = st.from_regex(r"select [a-z0-9 ,]{1,30}[a-z]", fullmatch=True)


@given(st.dictionaries(names, bodies, max_size=6))
def test_a_file_of_queries_is_read_as_it_was_written(written: dict[str, str]) -> None:
    text = "".join(f"-- name: {name}\n-- What {name} is for.\n{body}\n\n" for name, body in written.items())
    assert dict(parse_queries(text, "f.sql")) == {
        name: f"-- What {name} is for.\n{body}" for name, body in written.items()
    }


def test_migrations_come_in_the_order_of_their_numbers_after_the_runtime_s_own(package: Package) -> None:
    name = package({"migrations/0002_b.sql": "two", "migrations/0001_a.sql": "one", "migrations/README": "no"})
    found = migrations_of(name)
    own = [migration for migration in found if migration.source == name]
    assert [(migration.name, migration.sql) for migration in own] == [("0001_a.sql", "one"), ("0002_b.sql", "two")]
    assert found[: -len(own)] == migrations_of("carewire_runtime")


def test_two_migrations_of_one_number_are_refused(package: Package) -> None:
    name = package({"migrations/0001_a.sql": "x", "migrations/0001_b.sql": "y"})
    with pytest.raises(ConfigurationError, match=r"0001_b\.sql and 0001_a\.sql .* have the same number"):
        migrations_of(name)


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_edit_of_a_single_character_is_noticed(before: str, after: str) -> None:
    sums = {Migration("p", "0001_a.sql", text).checksum for text in (before, after)}
    assert (len(sums) == 1) is (before == after)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_numbers_its_migrations_without_gaps_and_explains_its_queries(service: str) -> None:
    for source in {migration.source for migration in migrations_of(service)}:
        numbers = [int(each.name[:4]) for each in migrations_of(service) if each.source == source]
        assert numbers == list(range(1, len(numbers) + 1))
    assert dir(load_queries(service))


texts = st.text(max_size=30).map(str.encode)
records = st.builds(
    OutboxRecord,
    st.text(min_size=1, max_size=12),
    st.none() | texts,
    st.none() | st.binary(max_size=30),
    st.lists(st.tuples(st.text(min_size=1, max_size=12), texts), max_size=6),
)


@given(st.lists(records, max_size=6))
def test_records_come_out_of_the_outbox_as_they_went_in(several: list[OutboxRecord]) -> None:
    assert unpack(*pack(several)) == several


@pytest.mark.parametrize(
    "one",
    [OutboxRecord("t", b"k", b"", [("h", b"\xff")]), OutboxRecord("t", b"\xff", b"", [])],
    ids=["a header", "a key"],
)
def test_what_is_no_text_is_refused_before_it_is_stored(one: OutboxRecord) -> None:
    with pytest.raises(ValueError, match="utf-8"):
        pack([one])
