"""A configuration that has no fault can be used; every fault of one that has is told at once, each at its field."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.requests import ReasonCode
from carewire_ingress.domain.admit import Accepted, Rejected, admit
from carewire_ingress.domain.configuration import (
    Configuration,
    IdentifierSource,
    StartKeyConfiguration,
    compiled,
)
from carewire_ingress.domain.configuration_faults import faults
from carewire_ingress.domain.identifiers import MAX_IDENTIFIERS
from carewire_ingress.domain.mapping import plan_admission
from carewire_testing_ingress.samples import MRN, PATHS, SYSTEMS, by_path, call, definition, release

SOUND_SOURCE = IdentifierSource("$.mrn", system=MRN)

SPOILING: dict[str, dict[str, Any]] = {
    "mapping.pain_score": {"mapping": by_path({**PATHS, "pain_score": "no path"})},
    "identifiers.0.value_path": {"identifiers": (IdentifierSource("$.a[", system=MRN),)},
    "start_key.header": {"start_key": StartKeyConfiguration(header="a header")},
    "definition_id": {"definition_id": "unpublished"},
}
"""One fault each, by the field that tells of it."""


def configured(**changes: Any) -> Configuration:
    made: dict[str, Any] = {"name": "A", "definition_id": "hip-surgery", "mapping": by_path(PATHS)} | changes
    return Configuration(**made)


def fields(configuration: Configuration, *, enabled: bool = True) -> set[str]:
    known = definition(release()) if configuration.definition_id == "hip-surgery" else None
    return {fault.field for fault in faults(configuration, known, SYSTEMS, enabled=enabled)}


@pytest.mark.parametrize("size", range(len(SPOILING) + 1))
def test_faults_do_not_hide_each_other(size: int) -> None:
    for chosen in combinations(SPOILING, size):
        changes: dict[str, Any] = {}
        for field in chosen:
            changes |= SPOILING[field]
        assert fields(configured(**changes)) == set(chosen)


@pytest.mark.parametrize(
    ("header", "sound"),
    [
        ("X-GitHub-Delivery", True),
        ("x_id", True),
        ("!#$%&'*+.^_`|~-", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("X Id", False),
        ("X-Id:", False),
        ("X-Id\n", False),
        ("h\u00e9", False),
    ],
)
def test_a_header_is_named_as_http_names_headers(header: str, sound: bool) -> None:
    wrong = fields(configured(start_key=StartKeyConfiguration(header=header)))
    assert wrong == (set() if sound else {"start_key.header"})


@pytest.mark.parametrize(("count", "sound"), [(0, True), (MAX_IDENTIFIERS, True), (MAX_IDENTIFIERS + 1, False)])
def test_a_webhook_names_a_bounded_number_of_identifiers(count: int, sound: bool) -> None:
    wrong = fields(configured(identifiers=(SOUND_SOURCE,) * count))
    assert wrong == (set() if sound else {"identifiers"})


def test_each_of_several_identifiers_is_told_by_its_place() -> None:
    sources = (SOUND_SOURCE, IdentifierSource("$.a"), SOUND_SOURCE, IdentifierSource("x", "https://elsewhere.example"))
    assert fields(configured(identifiers=sources)) == {
        "identifiers.1",
        "identifiers.3.value_path",
        "identifiers.3.system",
    }


def test_a_fault_says_how_to_mend_it() -> None:
    spoilt = configured(mapping=by_path({"unheard_of": "$.a"}), identifiers=(IdentifierSource("$.a"),))
    for fault in faults(spoilt, definition(release()), SYSTEMS, enabled=True):
        assert fault.message
        assert any(word in fault.message for word in ("give", "remove", "needs", "register"))


paths = st.sampled_from(["$.pain", "$.a", "$..a", "$[0]", "no path", "", "$.a | $.b"])
identifier_sources = st.builds(
    IdentifierSource,
    value_path=paths,
    system=st.sampled_from([None, MRN, "https://elsewhere.example"]),
    system_path=st.none() | paths,
)
start_keys = st.builds(
    StartKeyConfiguration, header=st.sampled_from([None, "X-Id", "no header"]), path=st.none() | paths
)
configurations = st.builds(
    Configuration,
    name=st.just("A"),
    definition_id=st.just("hip-surgery"),
    mapping=st.dictionaries(st.sampled_from([*PATHS, "unheard_of"]), paths).map(by_path),
    identifiers=st.lists(identifier_sources, max_size=2).map(tuple),
    start_key=start_keys,
)
soundest = st.builds(
    Configuration,
    name=st.just("A"),
    definition_id=st.just("hip-surgery"),
    mapping=st.fixed_dictionaries({name: st.sampled_from(["$.pain", "$.a", "$..a"]) for name in PATHS}).map(by_path),
    identifiers=st.sampled_from([(), (SOUND_SOURCE,), (IdentifierSource("$.v", system_path="$.s"),)]),
    start_key=st.builds(StartKeyConfiguration, header=st.sampled_from([None, "X-Id"])),
)


@given(configurations | soundest, st.sampled_from([{}, {"pain": 4}, {"a": "x", "mrn": 7}, [], None]))
def test_what_has_no_fault_compiles_and_judges_calls_without_an_obstacle(
    configuration: Configuration, payload: Any
) -> None:
    live = release()
    if faults(configuration, definition(live), SYSTEMS, enabled=True):
        return
    webhook = compiled(configuration, webhook_id="w", enabled=True, token_sha256=b"t", salt=b"s")
    plan = plan_admission(webhook, live)
    assert plan.obstacles == ()
    assert isinstance(admit(plan, SYSTEMS, call(payload)), Accepted | Rejected)


@given(configurations)
def test_enabling_adds_gaps_in_the_mapping_and_nothing_else(configuration: Configuration) -> None:
    saved, used = (fields(configuration, enabled=enabled) for enabled in (False, True))
    required = {f"mapping.{name}" for name in ("surgery_date", "patient_name", "pain_score")}
    assert saved <= used
    assert used - saved <= {field for field in required if field.removeprefix("mapping.") not in configuration.mapping}


def test_a_release_that_asks_for_more_than_the_mapping_gives_refuses_calls_with_the_gap() -> None:
    """The care flow was published anew after the webhook had been enabled."""
    mapping = by_path({name: path for name, path in PATHS.items() if name != "pain_score"})
    webhook = compiled(configured(mapping=mapping), webhook_id="w", enabled=True, token_sha256=b"t", salt=b"s")
    verdict = admit(plan_admission(webhook, release()), SYSTEMS, call())
    assert isinstance(verdict, Rejected)
    assert [(reason.code, reason.data_point) for reason in verdict.reasons] == [(ReasonCode.NOT_MAPPED, "pain_score")]
