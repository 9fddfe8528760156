"""A record that was made anew by a repair must go, and none that was not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.delivery import Delivery, EventPosition
from carewire_dispatcher.domain.supersession import Claim, Claims, decode_claim
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery

TOPIC = "carewire.events"
OTHER = "0190f5d2-8a10-7cc1-9d2b-64d1d0c3a002"


def a_claim(**fields: Any) -> Claim:
    """A claim of all that stands in partition 1 at 40 to 49."""
    defaults: dict[str, Any] = {
        "epoch": 5,
        "endpoint_id": ENDPOINT_ID,
        "begin": 0,
        "end": 2_000_000,
        "event_types": frozenset({"pathway.completed"}),
        "written": {TOPIC: {1: (40, 50)}},
    }
    return Claim(**(defaults | fields))


@pytest.mark.parametrize(
    ("claim", "delivery", "covered"),
    [
        pytest.param({}, {}, True, id="looked at, and older"),
        pytest.param({}, {"epoch": 5}, False, id="what the repair itself wrote"),
        pytest.param({}, {"epoch": 6}, False, id="what a newer one wrote"),
        pytest.param({}, {"epoch": 4, "attempt": 3, "first_attempt_at": 9}, True, id="tried before, in an older epoch"),
        pytest.param({}, {"endpoint_id": OTHER}, False, id="another endpoint"),
        pytest.param({}, {"event": EventPosition(TOPIC, 1, 39)}, False, id="before the range"),
        pytest.param({}, {"event": EventPosition(TOPIC, 1, 40)}, True, id="the first of the range"),
        pytest.param({}, {"event": EventPosition(TOPIC, 1, 50)}, False, id="not looked at yet"),
        pytest.param({}, {"event": EventPosition(TOPIC, 2, 42)}, False, id="another partition"),
        pytest.param({}, {"event": EventPosition("other", 1, 42)}, False, id="another topic"),
        pytest.param({"begin": 999_001}, {}, False, id="an event from before"),
        pytest.param({"end": 999_000}, {}, False, id="an event from after"),
        pytest.param({"event_types": frozenset({"track.started"})}, {}, False, id="a type that it passed over"),
        pytest.param({"untried_alone": True}, {}, True, id="never tried, so the log knew nothing of it"),
        pytest.param(
            {"untried_alone": True}, {"first_attempt_at": 9}, False, id="tried, so it may have been left alone"
        ),
        pytest.param(
            {"untried_alone": True}, {"epoch": 4}, False, id="made anew before, so the log said that it is tried"
        ),
        pytest.param({}, {"is_test": True}, False, id="an example"),
        pytest.param({"delivery_id": a_delivery().id}, {"event": EventPosition("", 0, 0)}, True, id="that delivery"),
        pytest.param({"delivery_id": OTHER}, {}, False, id="another delivery than the one"),
    ],
)
def test_only_what_was_made_anew_is_covered(claim: dict[str, Any], delivery: dict[str, Any], covered: bool) -> None:
    made = a_claim(**claim)
    assert made.covers(a_delivery(**delivery)) is covered
    claims = Claims()
    assert not claims.supersede(a_delivery(**delivery))
    claims.put("r", made)
    assert claims.supersede(a_delivery(**delivery)) is covered
    claims.put("r", None)
    assert not claims.supersede(a_delivery(**delivery))


def test_a_claim_grows_with_its_repair_and_others_stand_beside_it() -> None:
    claims, late = Claims(), a_delivery(event=EventPosition(TOPIC, 1, 60))
    claims.put("one", a_claim())
    claims.put("other", a_claim(epoch=6, delivery_id=OTHER))
    assert not claims.supersede(late)
    claims.put("one", a_claim(written={TOPIC: {1: (40, 70)}}))
    assert claims.supersede(late)
    claims.put("other", None)
    assert claims.supersede(late)
    claims.put("one", None)
    claims.put("never", None)
    assert not claims.supersede(late)


def test_of_two_repairs_of_one_endpoint_the_other_goes_on_claiming_when_one_is_over() -> None:
    claims = Claims()
    claims.put("one", a_claim())
    claims.put("other", a_claim(epoch=6))
    claims.put("one", None)
    assert claims.supersede(a_delivery(epoch=5)), "made anew by the other alone"
    claims.put("other", None)
    assert not claims.supersede(a_delivery())


def test_claims_of_single_deliveries_cost_the_others_of_the_endpoint_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Claim] = []
    covers = Claim.covers

    def counted(claim: Claim, delivery: Delivery) -> bool:
        compared.append(claim)
        return covers(claim, delivery)

    monkeypatch.setattr(Claim, "covers", counted)
    claims = Claims()
    for number in range(100):
        claims.put(f"r{number}", a_claim(delivery_id=f"d{number}"))
    assert not claims.supersede(a_delivery())
    assert compared == []
    assert claims.supersede(a_delivery(id="d7"))


offsets = st.integers(0, 2**40)
claimed = st.builds(
    Claim,
    st.integers(0, 2**31),
    st.just(ENDPOINT_ID),
    st.none() | st.just(OTHER),
    offsets,
    offsets,
    st.frozensets(st.sampled_from(["pathway.completed", "track.started"])),
    st.booleans(),
    st.dictionaries(st.sampled_from([TOPIC, "b"]), st.dictionaries(st.integers(0, 99), st.tuples(offsets, offsets))),
)


@given(claimed)
def test_a_claim_survives_the_wire(claim: Claim) -> None:
    assert decode_claim("r", claim.encode()) == claim


@pytest.mark.parametrize(
    "value",
    [b"", b"[]", b"{}", b"null", b'{"written":[]}', a_claim().encode().replace(b'"50', b'"x').replace(b"40,50", b"40")],
)
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"repair r cannot be read|JSON|unpack|empty"):
        decode_claim("r", value)
