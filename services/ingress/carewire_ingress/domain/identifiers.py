"""Who the patient is: identifiers found in a payload and checked, so that strangers never become one patient."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from carewire_contracts.identifiers import Identifier, normalise_identifier_value
from carewire_contracts.json_path import Miss
from carewire_contracts.requests import Reason, ReasonCode
from carewire_contracts.values.soundness import name_of
from carewire_ingress.domain.webhook import ROOT_IDENTIFIER, IncomingWebhook, MappedIdentifier

MAX_IDENTIFIERS: Final = 16
"""Identifiers of one call: a person has a handful; each costs a lookup under a lock."""
MAX_VALUE_LENGTH: Final = 256
"""Characters of an identifier's value; the longest in use (URNs, OIDs with extension) stay below 100."""

_VALUE: Final = "non-empty string or whole number"


@dataclass(frozen=True, slots=True)
class IdentifierSystem:
    """A registered system. A value that `placeholder` matches as a whole identifies nobody (`UNKNOWN`)."""

    system: str
    placeholder: re.Pattern[str] | None = None


IdentifierSystems: TypeAlias = Mapping[str, IdentifierSystem]

_Candidate: TypeAlias = tuple[object, object, str]
"""System and value as found, and the path that was looked at."""


def read_identifiers(
    webhook: IncomingWebhook, systems: IdentifierSystems, payload: object
) -> tuple[tuple[Identifier, ...], list[Reason]]:
    """The identifiers of a payload, each once, and everything that is wrong with them. None at all: anonymous."""
    identifiers: list[Identifier] = []
    reasons: list[Reason] = []
    for found in _candidates(webhook, payload):
        checked = found if isinstance(found, Reason) else _check(found, systems)
        if isinstance(checked, Reason):
            reasons.append(checked)
        elif checked not in identifiers:
            identifiers.append(checked)
    return tuple(identifiers), reasons


def _candidates(webhook: IncomingWebhook, payload: object) -> Iterable[_Candidate | Reason]:
    if webhook.identifiers:
        return [_mapped(identifier, payload) for identifier in webhook.identifiers]
    return _at_root(payload)


def _mapped(identifier: MappedIdentifier, payload: object) -> _Candidate | Reason:
    source, path = identifier.system, identifier.value
    value = path.find(payload)
    if type(value) is Miss:
        return _missed(value, path.text)
    if isinstance(source, str):
        return source, value, path.text
    system = source.find(payload)
    if type(system) is Miss:
        return _missed(system, source.text)
    return system, value, path.text


def _at_root(payload: object) -> Iterator[_Candidate | Reason]:
    found = ROOT_IDENTIFIER.find(payload)
    if found is Miss.NO_MATCH or found is None:
        return
    entries = found if isinstance(found, list) else [found]
    if len(entries) > MAX_IDENTIFIERS:
        bound = f"at most {MAX_IDENTIFIERS} identifiers"
        yield _malformed(ROOT_IDENTIFIER.text, bound, "more")
        return
    for index, entry in enumerate(entries):
        path = f"{ROOT_IDENTIFIER.text}[{index}]" if isinstance(found, list) else ROOT_IDENTIFIER.text
        if isinstance(entry, dict):
            yield entry.get("system"), entry.get("value"), path
        else:
            yield _malformed(path, "object with system and value", name_of(entry))


def _check(candidate: _Candidate, systems: IdentifierSystems) -> Identifier | Reason:
    system, value, path = candidate
    if not isinstance(system, str):
        return _malformed(path, "system that is a string", name_of(system))
    text = _text(value)
    if text is None:
        return _malformed(path, _VALUE, name_of(value))
    if (fault := _fault(text)) is not None:
        return _malformed(path, _VALUE, fault)
    if (registered := systems.get(system)) is None:
        return Reason(
            ReasonCode.UNKNOWN_IDENTIFIER_SYSTEM,
            f"Patient identifier at {path}: its system is not registered; register it, or send a registered one.",
            path=path,
            expected="registered identifier system",
            found="unknown system",
        )
    if registered.placeholder is not None and registered.placeholder.fullmatch(text):
        return Reason(
            ReasonCode.PLACEHOLDER_IDENTIFIER,
            f"Patient identifier at {path}: the value is a placeholder of its system and identifies nobody.",
            path=path,
            expected="value that identifies one patient",
            found="placeholder",
        )
    return Identifier(system, text)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return normalise_identifier_value(value)
    # Many systems number their patients, and JSON writes those without quotes.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _fault(text: str) -> str | None:
    if not text:
        return "empty string"
    if len(text) > MAX_VALUE_LENGTH:
        return f"string longer than {MAX_VALUE_LENGTH} characters"
    # Invisible characters (control, format, odd separators) would make two patients of one.
    if not text.isprintable():
        return "string with invisible characters"
    return None


def _missed(miss: Miss, path: str) -> Reason:
    code = {
        Miss.NO_MATCH: ReasonCode.NO_MATCH,
        Miss.SEVERAL_MATCHES: ReasonCode.SEVERAL_MATCHES,
        Miss.TOO_DEEP: ReasonCode.MALFORMED_PAYLOAD,
    }[miss]
    message = f"Patient identifier at {path}: expected one value, found {miss.value}."
    return Reason(code, message, path=path, expected="patient identifier", found=miss.value)


def _malformed(path: str, expected: str, found: str) -> Reason:
    message = f"Patient identifier at {path}: expected {expected}, found {found}."
    return Reason(ReasonCode.MALFORMED_IDENTIFIER, message, path=path, expected=expected, found=found)
