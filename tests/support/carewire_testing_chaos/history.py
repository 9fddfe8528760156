"""What a campaign did and saw, as lines of JSON in a file: from it alone the verdict is made, as often as wanted.

Moments are seconds since 1970, by the clock of the one machine on which all of it ran.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import orjson

_BUFFER: Final = 1024 * 1024


class Kind(StrEnum):
    """What a call is, by which its answer and its end are known beforehand."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """Another call's key and bytes once more."""
    REUSED = "reused"
    """Another call's key with other bytes: only one of the two bodies can have it."""
    CONFLICT = "conflict"
    """It names two people as one."""
    REJECTED = "rejected"
    FILTERED = "filtered"
    TEST = "test"


class Behaviour(StrEnum):
    """How a subscriber's endpoint answers."""

    HEALTHY = "healthy"
    SLOW = "slow"
    """It answers in time mostly, and too late now and then."""
    FLAPPING = "flapping"
    """It refuses for a while, and is well for a while; at the end it is well."""
    DEAD = "dead"
    """It never answers."""
    GONE = "gone"
    """It answers 410."""


@dataclass(frozen=True, slots=True)
class Began:
    """The campaign: what was asked for, and of which commit."""

    at: float
    seed: int
    faults: int
    commit: str
    rate: float
    time_scale: float
    planted: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """The types of all events of any care flow of a definition."""

    definition_id: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault: what was done to whom, from when until when, and by how many seconds a clock was wrong."""

    number: int
    action: str
    target: str
    began: float
    ended: float
    by_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Called:
    """One call, as often as it was tried. `body` is the digest of its bytes, `patients` whom it names."""

    call: int
    kind: Kind
    key: str
    body: str
    patients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one try of a call was told: nothing (None), or a status code, and of a good answer what it says."""

    call: int
    began: float
    ended: float
    status: int | None
    word: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An endpoint, and whether it was enabled at the end."""

    id: str
    name: str
    behaviour: Behaviour
    event_types: tuple[str, ...]
    definition_id: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """One call that a receiver got. `attempt_second` is what the signed timestamp says; `answered` None: nothing."""

    subscriber_id: str
    at: float
    webhook_id: str
    digest: str
    is_signed: bool
    attempt_second: int
    answered: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """A record of the topic of domain events."""

    event_id: str
    event_type: str
    subject: str
    sequence: int | None
    digest: str
    definition_id: str | None
    partition: int
    offset: int
    at: float


@dataclass(frozen=True, slots=True)
class Status:
    """A record of the topic of requests' statuses. `date` is when the status was reached, as text that sorts."""

    event_id: str
    request_id: str
    status: str
    date: str
    reason: str | None
    care_flow_id: str | None
    patient_id: str | None
    duplicate_of: str | None


@dataclass(frozen=True, slots=True)
class CareFlow:
    """A care flow as it is stored in the end."""

    id: str
    patient_id: str
    definition_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Logged:
    """A request as its log has it in the end; `statuses` are all that it reached."""

    request_id: str
    status: str
    care_flow_id: str | None
    reason: str | None
    statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as its log has it in the end."""

    subscriber_id: str
    event_id: str
    status: str
    reason: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """An HTTP attempt as the log has it: when it began, and the status code, or the failure where there was none."""

    subscriber_id: str
    event_id: str
    epoch: int
    number: int
    began: float
    status_code: int | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """What was still there at the end of what has to come to nothing: lag, outboxes, retry topics, dead letters."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Searched:
    """A place that was searched for what nobody may find there, and how much of it there was."""

    place: str
    size: int


@dataclass(frozen=True, slots=True)
class Leaked:
    """Something that was found where it may not be; `around` shows it with what stands beside it."""

    what: str
    around: str


@dataclass(frozen=True, slots=True)
class Rested:
    """The end: when, and whether everything had come to rest within its time."""

    at: float
    is_quiet: bool


Entry = (
    Began
    | Story
    | Struck
    | Called
    | Heard
    | Subscriber
    | Received
    | Told
    | Status
    | CareFlow
    | Logged
    | Delivery
    | Attempt
    | Left
    | Searched
    | Leaked
    | Rested
)
E = TypeVar("E", bound=Entry)

_KINDS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in Entry.__args__}


class UnreadableHistory(ValueError):
    """A line of the file is no entry of a history; the text says which."""


@dataclass(frozen=True)
class History:
    """All entries, by what they are, each kind in the order in which it was written."""

    entries: dict[type[Any], list[Any]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "History":
        """Sort entries by their kind."""
        made = cls()
        for entry in entries:
            made.entries[type(entry)].append(entry)
        return made

    def all(self, kind: type[E]) -> list[E]:
        """Every entry of a kind."""
        return self.entries.get(kind, [])


class Writer:
    """Writes a history as it happens."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def note(self, entry: Entry) -> None:
        """Add a line."""
        self._file.write(line_of(entry))

    def note_all(self, entries: Iterable[Entry]) -> None:
        """Add lines, and see that they are in the file."""
        self._file.writelines(map(line_of, entries))
        self._file.flush()


def line_of(entry: Entry) -> bytes:
    """Write an entry as a line."""
    return orjson.dumps({"is": type(entry).__name__, **_fields(entry)}) + b"\n"


def entry_of(line: bytes) -> Entry:
    """Read a line. Raises UnreadableHistory."""
    try:
        said = orjson.loads(line)
        kind = _KINDS[said.pop("is")]
        made: Entry = kind(**{name: _value(kind, name, value) for name, value in said.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableHistory(f"not an entry of a history: {line[:200]!r}") from error
    return made


def read(path: Path) -> History:
    """Read a whole file. Raises UnreadableHistory with the number of the first wrong line."""
    return History.of(_entries(path))


def _entries(path: Path) -> Iterator[Entry]:
    with path.open("rb", buffering=_BUFFER) as file:
        for number, line in enumerate(file, 1):
            try:
                yield entry_of(line)
            except UnreadableHistory as error:
                raise UnreadableHistory(f"line {number} of {path} is {error}") from error


def _fields(entry: Entry) -> dict[str, Any]:
    # Not asdict, which copies deeply: there are hundreds of thousands.
    return {one.name: getattr(entry, one.name) for one in dataclasses.fields(entry)}


_ENUMS: Final[dict[tuple[str, str], type[StrEnum]]] = {
    ("Called", "kind"): Kind,
    ("Subscriber", "behaviour"): Behaviour,
}


def _value(kind: type[Any], name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    enum = _ENUMS.get((kind.__name__, name))
    return value if enum is None else enum(value)
