"""Ids by RFC 9562: their version and variant bits, their order, and what they are computed from."""

import hashlib
import hmac
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.ids import NAMESPACE, derived_id, keyed_id, new_id

parts = st.lists(st.binary(max_size=40), max_size=4)


def framed(texts: list[bytes]) -> bytes:
    return b"".join(len(text).to_bytes(4, "big") + text for text in texts)


def rfc_version(digest: bytes, version: int) -> str:
    """Sections 5.5 and 5.8: 128 bits of a digest, with version and variant written over them."""
    octets = bytearray(digest[:16])
    octets[6] = (octets[6] & 0x0F) | (version << 4)
    octets[8] = (octets[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(octets)))


def test_a_new_id_begins_with_the_milliseconds_of_its_birth() -> None:
    before = time.time_ns() // 1_000_000
    born = uuid.UUID(new_id()).int >> 80
    assert before <= born <= time.time_ns() // 1_000_000


def test_new_ids_are_canonical_text_and_sort_as_text() -> None:
    ids = [new_id() for _ in range(3_000)]
    assert all(text == str(uuid.UUID(text)) for text in ids[:100])
    assert ids == sorted(ids)
    assert len(set(ids)) == 3_000
    assert {uuid.UUID(text).variant for text in ids[:100]} == {uuid.RFC_4122}


@given(st.binary(max_size=200), parts)
def test_a_keyed_id_is_hmac_sha256_of_the_framed_parts_as_a_uuid8(salt: bytes, values: list[bytes]) -> None:
    assert keyed_id(salt, *values) == rfc_version(hmac.new(salt, framed(values), hashlib.sha256).digest(), 8)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 200])
def test_salts_shorter_and_longer_than_a_block_are_treated_as_hmac_treats_them(size: int) -> None:
    salt = bytes(range(size))
    assert keyed_id(salt, b"v") == rfc_version(hmac.new(salt, framed([b"v"]), hashlib.sha256).digest(), 8)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=4))
def test_a_derived_id_is_sha1_of_our_namespace_and_the_framed_parts_as_a_uuid5(texts: list[str]) -> None:
    name = framed([text.encode() for text in texts]).hex()
    expected = rfc_version(hashlib.sha1(NAMESPACE.bytes + name.encode()).digest(), 5)  # noqa: S324  RFC 9562
    assert derived_id(*texts) == expected


def test_our_uuid5_is_the_one_of_the_rfc() -> None:
    # Appendix A.4 of RFC 9562.
    assert rfc_version(hashlib.sha1(uuid.NAMESPACE_DNS.bytes + b"www.example.com").digest(), 5) == (  # noqa: S324
        "2ed6657d-e927-568b-95e1-2665a8aea6a2"
    )


def test_a_salt_used_before_gives_the_same_id_again() -> None:
    first = keyed_id(b"salt", b"one")
    keyed_id(b"salt", b"two")
    assert keyed_id(b"salt", b"one") == first


def test_no_parts_and_one_empty_part_differ() -> None:
    assert len({derived_id(), derived_id(""), derived_id("", "")}) == 3
    assert len({keyed_id(b"s"), keyed_id(b"s", b""), keyed_id(b"s", b"", b"")}) == 3
