"""Write the published files: a JSON Schema for each event type and for definitions, and the AsyncAPI description.

python -m carewire_contracts.freeze            # after a change of a model
python -m carewire_contracts.freeze --release  # when a version is released: later changes are held against it
"""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson

from carewire_contracts.asyncapi import asyncapi_document
from carewire_contracts.definition import definition_schema
from carewire_contracts.event_catalogue import EVENT_CATALOGUE

PACKAGE: Final = Path(__file__).parent
SCHEMAS: Final = PACKAGE / "schemas"
ASYNCAPI: Final = PACKAGE / "asyncapi.json"
RELEASED: Final = PACKAGE.parent / "released"


def schemas() -> dict[str, dict[str, Any]]:
    """Every published JSON Schema by its name: the event types, and the definition document."""
    events = {name: event.schema() for name, event in EVENT_CATALOGUE.items()}
    return events | {"care-flow-definition": definition_schema()}


def published_files() -> dict[Path, bytes]:
    """Every published file with the content that the models say now."""
    files = {SCHEMAS / name / "v1.json": _pretty(schema) for name, schema in schemas().items()}
    return files | {ASYNCAPI: _pretty(asyncapi_document(version("carewire-contracts")))}


def released_schema(name: str) -> Path:
    """Where the last released schema of a name lies."""
    return RELEASED / name / "v1.json"


def main(arguments: list[str] | None = None) -> None:
    """Write the files, and with --release the released copies too."""
    parser = argparse.ArgumentParser(description="Write the published schemas.")
    parser.add_argument("--release", action="store_true", help="also make them the ones that changes are held against")
    release: bool = parser.parse_args(arguments).release
    for path, content in published_files().items():
        _write(path, content)
    if release:
        for name, schema in schemas().items():
            _write(released_schema(name), _pretty(schema))
    what = "and released " if release else ""
    sys.stdout.write(f"Wrote {what}{len(schemas())} schemas and the AsyncAPI document. Next: make contracts\n")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _pretty(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()
