import uuid

from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.ids import derived_id, keyed_id, new_id


def test_new_ids_are_uuid7_and_in_the_order_of_their_birth() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {uuid.UUID(one).version for one in ids} == {7}


def test_the_namespace_of_derived_ids_never_changes() -> None:
    assert derived_id("request", "scheduled") == "8883f81c-d668-5700-be27-288e7e5215e0"
    assert uuid.UUID(derived_id("a")).version == 5


def test_a_keyed_id_is_a_uuid8_that_nobody_can_make_without_the_salt() -> None:
    one = keyed_id(b"salt", b"MRN-1")
    assert (uuid.UUID(one).version, uuid.UUID(one).variant) == (8, uuid.RFC_4122)
    assert one == keyed_id(b"salt", b"MRN-1")
    assert one != keyed_id(b"other", b"MRN-1")
    assert one == "a80ae80a-581f-84ee-8ed5-b91568c8df11"


@given(st.lists(st.text(st.characters(codec="utf-8"))), st.lists(st.text(st.characters(codec="utf-8"))))
def test_ids_are_equal_exactly_when_all_parts_are(left: list[str], right: list[str]) -> None:
    assert (derived_id(*left) == derived_id(*right)) == (left == right)
    left_bytes, right_bytes = ([part.encode() for part in parts] for parts in (left, right))
    assert (keyed_id(b"salt", *left_bytes) == keyed_id(b"salt", *right_bytes)) == (left == right)
