"""Write the published files: a JSON Schema for each event type, and the AsyncAPI description.

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
from carewire_contracts.event_catalogue import EVENT_CATALOGUE

PACKAGE: Final = Path(__file__).parent
SCHEMAS: Final = PACKAGE / "schemas"
ASYNCAPI: Final = PACKAGE / "asyncapi.json"
RELEASED: Final = PACKAGE.parent / "released"


def published_files() -> dict[Path, bytes]:
    """Every published file with the content that the models say now."""
    schemas = {SCHEMAS / name / "v1.json": _pretty(event.schema()) for name, event in EVENT_CATALOGUE.items()}
    return schemas | {ASYNCAPI: _pretty(asyncapi_document(version("carewire-contracts")))}


def released_schema(event_type: str) -> Path:
    """Where the last released schema of a type lies."""
    return RELEASED / event_type / "v1.json"


def main(arguments: list[str] | None = None) -> None:
    """Write the files, and with --release the released copies too."""
    parser = argparse.ArgumentParser(description="Write the published schemas.")
    parser.add_argument("--release", action="store_true", help="also make them the ones that changes are held against")
    release: bool = parser.parse_args(arguments).release
    for path, content in published_files().items():
        _write(path, content)
    if release:
        for name, event in EVENT_CATALOGUE.items():
            _write(released_schema(name), _pretty(event.schema()))
    what = "and released " if release else ""
    sys.stdout.write(f"Wrote {what}{len(EVENT_CATALOGUE)} schemas and the AsyncAPI document. Next: make contracts\n")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _pretty(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()
