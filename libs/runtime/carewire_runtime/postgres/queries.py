"""Queries live in `.sql` files beside the code, each with a name and a sentence on what it is for.

-- name: find_webhook
-- The webhook of a token's digest.
select ...
"""

import re
from importlib.resources import files
from typing import Final

from carewire_runtime.errors import ConfigurationError

_NAME: Final = re.compile(r"^-- name:\s*(\w+)[ \t]*\n", re.MULTILINE)


class Queries:
    """The queries of a package, each an attribute."""

    def __init__(self, queries: dict[str, str]) -> None:
        self._queries = queries

    def __getattr__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"there is no query named {name}") from None

    def __dir__(self) -> list[str]:
        return sorted(self._queries)


def load_queries(package: str) -> Queries:
    """Read all `sql/*.sql` of a package. Raises ConfigurationError for a query without name or sentence."""
    queries: dict[str, str] = {}
    for file in sorted((files(package) / "sql").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            for name, query in parse_queries(file.read_text(encoding="utf-8"), file.name):
                if name in queries:
                    raise ConfigurationError(f"two queries of {package} are named {name}")
                queries[name] = query
    return Queries(queries)


def parse_queries(text: str, file: str) -> list[tuple[str, str]]:
    """Split a file into (name, query). Comments of a query stay in it, so that Postgres logs show them."""
    before, *parts = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise ConfigurationError(f"{file} begins with a query that has no name")
    found = list(zip(parts[::2], parts[1::2], strict=True))
    for name, query in found:
        if not query.startswith("-- "):
            raise ConfigurationError(f"query {name} of {file} does not say in a comment what it is for")
    return [(name, query.strip()) for name, query in found]
