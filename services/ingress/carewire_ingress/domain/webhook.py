"""An incoming webhook: the address that a third party calls, and how its payload becomes a care flow's start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from carewire_contracts.json_path import JsonPath
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.requests import EnrolmentGuard
from carewire_ingress.domain.filtering import Filter
from carewire_ingress.domain.patient_profile import ProfilePlan
from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.value_source import CompiledSource

ROOT_IDENTIFIER: Final = JsonPath("$.patient_identifier")
"""Where a payload may name its patient without any mapping: `{system, value}` or a list of them (reference 4.1)."""


@dataclass(frozen=True, slots=True)
class MappedIdentifier:
    """Where to find one patient identifier: its value by path, its system as a constant or by path."""

    value: JsonPath
    system: str | JsonPath


@dataclass(frozen=True, slots=True)
class IncomingWebhook:
    """One incoming webhook as the hot path needs it.

    `mapping` leads from the id of a baseline data point to its source. Without `identifiers` the payload's root
    may hold them. `salt` keys the ids that are derived from a sender's values; it never changes. Without a `filter`
    every call is meant for the care flow, without a `sender` any caller is believed. `redacted` is what of a payload
    nobody is shown.
    """

    id: str
    name: str
    definition_id: str
    token_sha256: bytes = field(repr=False)
    enabled: bool
    mapping: Mapping[str, CompiledSource]
    identifiers: tuple[MappedIdentifier, ...]
    start_key: StartKeySource
    salt: bytes = field(repr=False)
    profile: ProfilePlan = ()
    filter: Filter | None = None
    enrolment_guard: EnrolmentGuard = EnrolmentGuard.START_ANOTHER
    redacted: tuple[JsonQuery, ...] = ()
    rate_limit: RateLimit | None = None
    sender: Sender | None = field(default=None, repr=False)
