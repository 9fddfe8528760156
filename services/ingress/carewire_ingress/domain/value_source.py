"""Where a value comes from: a path into the payload, with a default where nothing is there, or a constant."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from carewire_contracts.json_path import Find, InvalidPath, JsonPath, Miss


@dataclass(frozen=True, slots=True)
class ValueSource:
    """What staff say: either a path or a constant; a default goes with a path. Null says nothing."""

    path: str | None = None
    default: JsonValue = None
    constant: JsonValue = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Everything that is wrong: the part (`path`, `default` or none) and how to mend it."""
        if (self.path is None) == (self.constant is None):
            yield "", "give either path or constant"
        if self.constant is not None and self.default is not None:
            yield "default", "a constant needs no default; leave it out"
        if self.path is not None:
            try:
                JsonPath(self.path)
            except InvalidPath as error:
                yield "path", str(error)

    def fixed_values(self) -> Iterator[tuple[str, JsonValue]]:
        """What staff gave instead of a payload's value, by the part that says it: `constant` and `default`."""
        if self.constant is not None:
            yield "constant", self.constant
        if self.default is not None:
            yield "default", self.default

    def compiled(self) -> "CompiledSource":
        """The source for the hot path. Raises InvalidPath."""
        if self.path is None:
            return CompiledSource(None, self.constant)
        return CompiledSource(JsonPath(self.path), self.default)


@dataclass(frozen=True, slots=True)
class CompiledSource:
    """A source ready for payloads: `otherwise` is the default of a path, or the constant where there is none.

    `find` gives the value; of a path without one (absent or null) the default, if any; else null or a Miss. It is
    chosen here once: a path alone costs nothing beyond itself.
    """

    path: JsonPath | None
    otherwise: JsonValue = None
    find: Find = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Choose how to find the value."""
        object.__setattr__(self, "find", _finder(self.path, self.otherwise))

    @property
    def text(self) -> str:
        """What staff read in reasons."""
        return "the constant" if self.path is None else self.path.text


def _finder(path: JsonPath | None, otherwise: JsonValue) -> Find:
    if path is None:
        return lambda _: otherwise
    if otherwise is None:
        return path.find
    search = path.find

    def find(payload: object) -> object:
        found = search(payload)
        return otherwise if found is None or found is Miss.NO_MATCH else found

    return find
