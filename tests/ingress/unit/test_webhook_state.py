"""A webhook says whether it can start care flows, and what keeps it from doing so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.value_source import ValueSource
from carewire_ingress.domain.webhook_state import WebhookState, standing
from carewire_testing_ingress.samples import by_path, data_point, definition, release

REQUIRED = data_point("a", "string")
OPTIONAL = data_point("b", "string", optional=True)
LATER = data_point("c", "number")
LIVE = definition(release(REQUIRED, OPTIONAL))
GROWN = definition(release(REQUIRED, OPTIONAL, LATER), version=2)


def configured(*data_points: str) -> Configuration:
    return Configuration("A", "hip-surgery", by_path({one: f"$.{one}" for one in data_points}))


@pytest.mark.parametrize(
    ("mapped", "live", "enabled", "state", "missing"),
    [
        pytest.param("a", LIVE, True, WebhookState.ENABLED, [], id="complete"),
        pytest.param("ab", LIVE, True, WebhookState.ENABLED, [], id="complete-and-more"),
        pytest.param("a", GROWN, True, WebhookState.MAPPING_INCOMPLETE, ["c"], id="published-anew"),
        pytest.param("b", GROWN, True, WebhookState.MAPPING_INCOMPLETE, ["a", "c"], id="several-missing"),
        pytest.param("a", definition(None), True, WebhookState.DEFINITION_NOT_LIVE, [], id="withdrawn"),
        pytest.param("a", None, True, WebhookState.DEFINITION_NOT_LIVE, [], id="unheard-of"),
        pytest.param("a", LIVE, False, WebhookState.DISABLED, [], id="disabled"),
        pytest.param("", LIVE, False, WebhookState.DISABLED, ["a"], id="disabled-and-incomplete"),
        pytest.param("a", None, False, WebhookState.DISABLED, [], id="disabled-and-not-live"),
    ],
)
def test_the_state_follows_from_configuration_and_catalogue(
    mapped: str, live: CatalogueDefinition | None, enabled: bool, state: WebhookState, missing: list[str]
) -> None:
    found = standing(configured(*mapped), live, enabled=enabled)
    assert found.state is state
    assert [point.id for point in found.missing] == missing


def test_a_constant_is_a_mapping_too() -> None:
    chosen = Configuration("A", "hip-surgery", {"a": ValueSource("$.a"), "c": ValueSource(constant=4)})
    assert standing(chosen, GROWN, enabled=True).state is WebhookState.ENABLED


@pytest.mark.parametrize(
    "source", [ValueSource(constant="much"), ValueSource("$.c", default="much")], ids=["constant", "default"]
)
def test_a_fixed_value_that_a_later_release_refuses_makes_the_mapping_incomplete(source: ValueSource) -> None:
    chosen = Configuration("A", "hip-surgery", {"a": ValueSource("$.a"), "c": source})
    found = standing(chosen, GROWN, enabled=True)
    assert found.state is WebhookState.MAPPING_INCOMPLETE
    assert [point.id for point in found.missing] == ["c"]


@given(st.sets(st.sampled_from("abc")), st.booleans())
def test_enabled_means_that_nothing_required_is_missing(mapped: set[str], enabled: bool) -> None:
    found = standing(configured(*mapped), GROWN, enabled=enabled)
    assert (found.state is WebhookState.ENABLED) == (enabled and {"a", "c"} <= mapped)
    assert {point.id for point in found.missing} == {"a", "c"} - mapped
