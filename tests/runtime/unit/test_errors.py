import carewire_runtime.errors as errors
from carewire_runtime.errors import CarewireError


def every_error() -> list[type[CarewireError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CarewireError)]


def test_the_picture_in_the_docstring_names_every_error() -> None:
    assert errors.__doc__
    assert [kind.__name__ for kind in every_error() if kind.__name__ not in errors.__doc__] == []


def test_every_error_says_whether_retrying_can_help() -> None:
    assert {kind.__name__ for kind in every_error() if kind.retriable} == {"KafkaUnavailable", "PostgresUnavailable"}


def test_a_refused_statement_tells_sqlstate_and_constraint() -> None:
    assert str(errors.StatementFailed("23503", "start_fk")) == (
        "Postgres refused a statement (sqlstate 23503, constraint start_fk)"
    )
    assert str(errors.StatementFailed("42601")) == "Postgres refused a statement (sqlstate 42601)"
