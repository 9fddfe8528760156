"""Definitions as files, JSON and YAML, both ways.

YAML is read by the core schema of YAML 1.2, which is JSON's: `no` is a word and `12:30` is no number. Anchors,
aliases and tags are refused: a definition needs none, and some hundred bytes of aliases can stand for gigabytes.
Messages tell line and column, and nothing of what stands there.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, ClassVar, Final, Literal

import yaml

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.http.problem import Problem

FileFormat = Literal["json", "yaml"]

MOST_BYTES: Final = 1024 * 1024
"""Of a definition. Ours have some 10 KiB; one that is a hundred times as large nobody has designed by hand."""
_MOST_DEPTH: Final = 64
"""Lists and objects within each other. Definitions need some 10, and rules at most 8 more for each of theirs."""

_SCALARS: Final = {
    "null": (r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+", "-+0123456789"),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
}
"""Plain words that are no text, by their type, with the letters that they begin with (YAML 1.2.2, section 10.3.2)."""


def read_file(data: bytes, file_format: FileFormat) -> Any:
    """Read a file as JSON values. Raises InvalidValues, or Problem for what is no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(400, "Bad Request", "the body is no text in UTF-8") from None
    try:
        return _read_yaml(text) if file_format == "yaml" else _read_json(text)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(f"it is no YAML{_place(error.problem_mark)}") from None
    except json.JSONDecodeError as error:
        raise _unreadable(f"it is no JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    except (yaml.YAMLError, ValueError):
        raise _unreadable("it holds a character or a number that cannot be read") from None


def write_file(definition: CareFlowDefinition, file_format: FileFormat) -> str:
    """Write what a definition says, and nothing that goes without saying."""
    document = definition.model_dump(mode="json", exclude_unset=True)
    if file_format == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("infinite")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _unreadable("an object has one name twice; the last would silently win")
    return found


def _read_yaml(text: str) -> Any:
    _check_events(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (it makes nothing but JSON values)


def _check_events(text: str) -> None:
    """Refuse what would cost too much, or run too deep, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _unreadable(f"it has an anchor or alias{_place(event.start_mark)}; write the value out")
        if getattr(event, "tag", None) is not None:
            raise _unreadable(f"it has a tag{_place(event.start_mark)}; leave it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            raise _too_deep()


def _place(mark: Any) -> str:
    return "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"


def _unreadable(message: str) -> InvalidValues:
    return InvalidValues([ValueProblem("document", message)])


def _too_deep() -> InvalidValues:
    return _unreadable(f"its parts are nested more than {_MOST_DEPTH} deep")


class _Loader(yaml.CSafeLoader):
    """Makes JSON values of YAML, and knows no other ones."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (as the library declares it)
    yaml_constructors: ClassVar[dict[Any, Any]] = {}


class _Dumper(yaml.CSafeDumper):
    """Quotes words that either version of YAML would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (the library's signature)
        """Write everything out."""
        return True


def _construct_map(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "a name is no text", key_node.start_mark)
        if key in found:
            raise _unreadable(f"an object has one name twice{_place(key_node.start_mark)}")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _construct_list(loader: Any, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


_CONSTRUCTORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "null": lambda *_: None,
    "bool": lambda _, node: node.value.lower() == "true",
    "int": lambda _, node: int(node.value),
    "float": lambda _, node: _finite(node.value),
    "str": lambda _, node: node.value,
    "seq": _construct_list,
    "map": _construct_map,
}

for _name, _construct in _CONSTRUCTORS.items():
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _construct)
for _name, (_pattern, _first) in _SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), list(_first))
