"""Canaries: values that exist nowhere else, and the search for them in everything that leaves the house.

A leak is found in whatever clothes it wears: as it is, in base64, in hex, percent-encoded, escaped as in JSON,
or as a digest without a key, by which anyone could find the value by trying.
"""

import hashlib
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final
from urllib.parse import quote

import orjson

from carewire_runtime.ids import derived_id


class Family(StrEnum):
    """What a canary stands for; the places where its like may be are said by family."""

    PAYLOAD = "payload"
    """What a sender or staff say of a patient: identifiers, names, values, object keys, answers to forms."""
    SENDER = "sender"
    """What a sender says beside the payload: idempotency keys, other headers, queries."""
    SOFTWARE = "software"
    """What a sender's software says of itself: its user agent."""
    CREDENTIAL = "credential"
    """Tokens, API keys, signing secrets, values of custom headers, encryption keys."""
    ADDRESS = "address"
    """The path of an endpoint's URL; its owner may have put a token into it."""
    RECEIVER = "receiver"
    """What a receiver answers: bodies, headers."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One value that is searched for. `kind` says in words what it was."""

    family: Family
    kind: str
    value: str


_ALIGNMENTS: Final = 3  # base64 writes three bytes at a time, so a value looks different at each offset
_CONTEXT: Final = 80
_DIGESTS: Final = ("md5", "sha1", "sha256", "sha512")


def _plain_base64(value: bytes, offset: int) -> bytes:
    """The characters of a base64 text that depend on the value alone, where it starts `offset` bytes into three."""
    text = b64encode(b"\0" * offset + value)
    first = -(-offset * 8 // 6)
    return text[first : (offset + len(value)) * 8 // 6]


def _url_safe(text: bytes) -> bytes:
    return text.translate(bytes.maketrans(b"+/", b"-_"))


def _encoded(value: bytes) -> Iterator[tuple[str, bytes]]:
    for offset in range(_ALIGNMENTS):
        text = _plain_base64(value, offset)
        yield "in base64", text
        yield "in base64 for URLs", _url_safe(text)


def _digested(value: bytes) -> Iterator[tuple[str, bytes]]:
    for name in _DIGESTS:
        digest = hashlib.new(name, value).digest()
        yield f"as {name}", digest
        yield f"as {name} in hex", digest.hex().encode()
        yield f"as {name} in base64", b64encode(digest).rstrip(b"=")
        yield f"as {name} in base64 for URLs", urlsafe_b64encode(digest).rstrip(b"=")
    yield "as an id derived without a key", derived_id(value.decode()).encode()


def _spelled(value: bytes) -> Iterator[tuple[str, bytes]]:
    yield "as it is", value
    yield "in hex", value.hex().encode()
    yield "percent-encoded", quote(value, safe="").encode()
    yield "wholly percent-encoded", "".join(f"%{byte:02x}" for byte in value).encode()
    yield "escaped as in JSON", orjson.dumps(value.decode())[1:-1].replace(b"/", b"\\/")


@dataclass(frozen=True, slots=True)
class Needle:
    """One form of a canary. `folded` means that case doesn't matter."""

    canary: Canary
    form: str
    text: bytes
    folded: bool


def needles(canary: Canary) -> Iterator[Needle]:
    """Every form in which a canary is looked for.

    Digests of credentials are not: the house makes those itself, with so much randomness that nobody finds them
    by trying, and it knows tokens and API keys by their digests.
    """
    value = canary.value.encode()
    digested = () if canary.family is Family.CREDENTIAL else _digested(value)
    for form, text in _spelled(value):
        yield Needle(canary, form, text.lower(), folded=True)
    for form, text in (*_encoded(value), *digested):
        yield Needle(canary, form, text, folded=False)


@dataclass(frozen=True)
class Place:
    """Something that leaves the house, or stays: its name, all that it holds, and whose families may be there."""

    name: str
    content: bytes
    may_hold: frozenset[Family] = frozenset()

    @cached_property
    def folded(self) -> bytes:
        """The content with all case taken away."""
        return self.content.lower()

    def holds(self, needle: Needle) -> bool:
        """Tell whether this form of a canary is here."""
        return needle.text in (self.folded if needle.folded else self.content)

    def around(self, needle: Needle) -> str:
        """What stands around a canary, for those who look for the cause."""
        at = (self.folded if needle.folded else self.content).find(needle.text)
        return self.content[max(0, at - _CONTEXT) : at + len(needle.text) + _CONTEXT].decode(errors="replace")


@dataclass
class Canaries:
    """All canaries of one test. Calling it makes one more."""

    known: list[Canary] = field(default_factory=list)

    def __call__(self, family: Family, kind: str, make: Callable[[str], str] = "canary-{}".format) -> str:
        """Make a canary of a kind that has none yet."""
        value = make(secrets.token_hex(8))
        self.plant(family, kind, value)
        return value

    def plant(self, family: Family, kind: str, value: str) -> None:
        """Look for a value that the house has made itself, such as a token."""
        self.known.append(Canary(family, kind, value))

    def leaks(self, places: Iterable[Place]) -> dict[str, str]:
        """Name every canary that is where none of its family may be, with what stands around it."""
        sought = [needle for canary in self.known for needle in needles(canary)]
        return {
            f"{needle.canary.kind} {needle.form} in {place.name}": place.around(needle)
            for place in places
            for needle in sought
            if needle.canary.family not in place.may_hold and place.holds(needle)
        }

    def found(self, place: Place) -> set[str]:
        """Kinds of the canaries that a place holds, whether they may be there or not."""
        return {needle.canary.kind for canary in self.known for needle in needles(canary) if place.holds(needle)}
