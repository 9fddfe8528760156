"""Keys through years of rotations: what was sealed stays readable for as long as its key is kept."""

import base64

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from carewire_runtime.errors import SealBroken, SealingError, UnknownKey
from carewire_runtime.sealing import Keyring


def a_key(number: int) -> str:
    return f"k{number}:{base64.b64encode(number.to_bytes(32, 'big')).decode()}"


class Rotation(RuleBasedStateMachine):
    """An operator puts keys in front and takes keys away; rows are sealed and found meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = [0]
        self.born = 0
        self.rows: list[tuple[str, bytes, str, int]] = []
        self.oldest = self.ring.fingerprint(b"MRN-1", context="mrn")

    @property
    def ring(self) -> Keyring:
        return Keyring.parse(",".join(a_key(number) for number in self.numbers))

    @rule()
    def put_a_key_in_front(self) -> None:
        self.born += 1
        self.numbers.insert(0, self.born)

    @precondition(lambda self: len(self.numbers) > 2)
    @rule(data=st.data())
    def take_a_key_away_but_neither_the_first_nor_the_last(self, data: st.DataObject) -> None:
        self.numbers.remove(data.draw(st.sampled_from(self.numbers[1:-1])))

    @rule(plain=st.binary(max_size=50), context=st.sampled_from(["endpoint/1", "endpoint/2"]))
    def seal(self, plain: bytes, context: str) -> None:
        self.rows.append((self.ring.seal(plain, context=context), plain, context, self.numbers[0]))

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def seal_a_row_anew(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if row[3] in self.numbers] or [self.rows[0]]))
        if row[3] in self.numbers:
            plain = self.ring.open(row[0], context=row[2])
            self.rows[self.rows.index(row)] = (self.ring.seal(plain, context=row[2]), plain, row[2], self.numbers[0])

    @invariant()
    def each_row_is_opened_by_its_key_or_the_missing_key_is_named(self) -> None:
        ring = self.ring
        for token, plain, context, number in self.rows:
            if number in self.numbers:
                assert ring.open(token, context=context) == plain
            else:
                with pytest.raises(UnknownKey, match=f"'k{number}'"):
                    ring.open(token, context=context)

    @invariant()
    def fingerprints_stay_the_same_for_as_long_as_the_oldest_key_is_kept(self) -> None:
        assert self.ring.fingerprint(b"MRN-1", context="mrn") == self.oldest
        assert self.ring.fingerprint_key_id == "k0"

    @invariant()
    def the_newest_key_seals(self) -> None:
        assert self.ring.seal(b"x", context="c").startswith(f"v1.k{self.numbers[0]}.")


TestRotation = Rotation.TestCase
TestRotation.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


def test_a_key_of_the_same_id_but_other_bytes_opens_nothing() -> None:
    sealed = Keyring.parse(a_key(1)).seal(b"x", context="c")
    impostor = "k1:" + base64.b64encode(b"i" * 32).decode()
    with pytest.raises(SealBroken):
        Keyring.parse(impostor).open(sealed, context="c")


def test_a_sealed_value_cannot_be_given_to_another_key_by_renaming_it() -> None:
    ring = Keyring.parse(f"{a_key(1)},{a_key(2)}")
    renamed = ring.seal(b"x", context="c").replace("v1.k1.", "v1.k2.")
    with pytest.raises(SealBroken):
        ring.open(renamed, context="c")


def test_sealing_errors_tell_neither_plaintext_nor_token() -> None:
    ring = Keyring.parse(a_key(1))
    token = ring.seal(b"canary", context="c")
    for wrong in (token[:-4], token + "A", token.replace("k1", "k9"), "canary"):
        with pytest.raises(SealingError) as refused:
            ring.open(wrong, context="c")
        assert "canary" not in str(refused.value)
        assert token[-12:] not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None
