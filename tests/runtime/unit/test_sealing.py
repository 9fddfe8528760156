import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.errors import ConfigurationError, SealBroken, UnknownKey
from carewire_runtime.sealing import Keyring

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_is_opened_with_the_same_context(plain: bytes, context: str) -> None:
    keys = Keyring.parse(OLD)
    assert keys.open(keys.seal(plain, context=context), context=context) == plain


def test_a_sealed_value_belongs_to_its_context() -> None:
    keys = Keyring.parse(OLD)
    with pytest.raises(SealBroken):
        keys.open(keys.seal(b"secret", context="webhook/1"), context="webhook/2")


def test_equal_values_are_sealed_differently() -> None:
    keys = Keyring.parse(OLD)
    assert keys.seal(b"secret", context="c") != keys.seal(b"secret", context="c")


def test_the_first_key_seals_and_every_key_opens() -> None:
    before, rotated = Keyring.parse(OLD), Keyring.parse(f"{NEW}, {OLD}")
    assert rotated.open(before.seal(b"x", context="c"), context="c") == b"x"
    assert rotated.seal(b"x", context="c").startswith("v1.new.")
    assert rotated.fingerprint_key_id == "old"


def test_a_key_that_was_taken_away_is_named() -> None:
    sealed = Keyring.parse(OLD).seal(b"x", context="c")
    with pytest.raises(UnknownKey, match="'old'"):
        Keyring.parse(NEW).open(sealed, context="c")


@pytest.mark.parametrize(
    "damage", ["", "v1.old", "v2.old.AAAA", "v1.old.", "v1.old.!!!", "v1.old.AAAAAAAA", "v1.old.é"]
)
def test_a_damaged_value_is_refused(damage: str) -> None:
    with pytest.raises(SealBroken):
        Keyring.parse(OLD).open(damage, context="c")


def test_the_text_of_an_unknown_key_id_is_not_repeated_when_it_is_not_one() -> None:
    with pytest.raises(UnknownKey, match="that it names"):
        Keyring.parse(OLD).open("v1.canary canary.AAAA", context="c")


def test_every_changed_bit_is_noticed() -> None:
    keys = Keyring.parse(OLD)
    head, _, body = keys.seal(b"secret", context="c").rpartition(".")
    sealed = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            keys.open(f"{head}.{base64.urlsafe_b64encode(changed).decode()}", context="c")


def test_fingerprints_stay_when_a_key_is_put_in_front() -> None:
    before, rotated = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}")
    assert before.fingerprint(b"MRN-1", context="mrn") == rotated.fingerprint(b"MRN-1", context="mrn")
    assert len(before.fingerprint(b"MRN-1", context="mrn")) == 32


def test_fingerprints_differ_by_key_value_and_context() -> None:
    keys = Keyring.parse(OLD)
    prints = {
        keys.fingerprint(b"MRN-1", context="mrn"),
        keys.fingerprint(b"MRN-2", context="mrn"),
        keys.fingerprint(b"MRN-1", context="nhs"),
        keys.fingerprint(b"nMRN-1", context="mr"),
        Keyring.parse(NEW).fingerprint(b"MRN-1", context="mrn"),
    }
    assert len(prints) == 5


def test_a_generated_key_can_be_read() -> None:
    keys = Keyring.parse(Keyring.generate())
    assert keys.open(keys.seal(b"x", context="c"), context="c") == b"x"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "key 1 is not written"),
        ("canary", "key 1 is not written"),
        (f"{OLD},", "key 2 is not written"),
        ("a b:AAAA", "key 1 is not written"),
        ("k:canary!", "not base64"),
        ("k:Y2FuYXJ5", "has 6 bytes; it needs 32"),
        (f"{OLD},{OLD}", "same id"),
    ],
)
def test_a_wrong_keyring_is_refused_without_showing_it(text: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=wrong) as caught:
        Keyring.parse(text)
    assert "canary" not in str(caught.value)


def test_a_keyring_shows_ids_only() -> None:
    assert repr(Keyring.parse(f"{NEW},{OLD}")) == "Keyring(new, old)"
