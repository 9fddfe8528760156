"""Key pairs: official vectors, signatures that anybody verifies by the public half, nothing of the private one."""

import base64
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from svix.webhooks import Webhook as SvixWebhook

from carewire_dispatcher.adapters.key_making import new_ed25519_key, new_rsa_key, new_secret
from carewire_dispatcher.domain.key_pairs import encode_public_key, public_key_pem, sign_ed25519, sign_rsa
from carewire_dispatcher.domain.signature import encode_secret, sign, signed_headers

seeds = st.binary(min_size=32, max_size=32)
bodies = st.binary(max_size=300)
RSA_KEY = new_rsa_key()


def public_ed25519(seed: bytes) -> Ed25519PublicKey:
    text = encode_public_key(seed)
    assert text.startswith("whpk_")
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_"), validate=True))


def public_rsa(key: bytes) -> RSAPublicKey:
    public = load_pem_public_key(public_key_pem(key).encode())
    assert isinstance(public, RSAPublicKey)
    return public


def test_the_vector_of_the_official_library() -> None:
    seed = base64.b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
    expected = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
    assert sign((), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', (seed,)) == expected


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
    ids=["TEST 1", "TEST 2"],
)
def test_the_vectors_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    assert sign_ed25519(bytes.fromhex(seed), bytes.fromhex(message)).hex() == signature
    assert public_ed25519(bytes.fromhex(seed)).public_bytes_raw().hex() == public


@given(seeds, bodies, st.integers(0, 2**40))
def test_whoever_has_the_public_key_finds_what_was_said_and_when(seed: bytes, body: bytes, timestamp: int) -> None:
    version, _, signature = sign((), "id", timestamp, body, (seed,)).partition(",")
    assert version == "v1a"
    signed = b"id.%d.%s" % (timestamp, body)
    public_ed25519(seed).verify(base64.b64decode(signature, validate=True), signed)
    with pytest.raises(InvalidSignature):
        public_ed25519(seed).verify(base64.b64decode(signature), signed + b" ")


@given(bodies)
def test_the_rsa_signature_covers_the_body_alone(body: bytes) -> None:
    headers = [signed_headers((), name, number, body, rsa_key=RSA_KEY) for name, number in (("a", 1), ("b", 2))]
    [signature] = {one["x-awell-signature"] for one in headers}
    public_rsa(RSA_KEY).verify(base64.b64decode(signature, validate=True), body, PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        public_rsa(RSA_KEY).verify(base64.b64decode(signature), body + b" ", PKCS1v15(), SHA256())


@pytest.mark.parametrize("secrets", [(), (bytes(24),), (bytes(24), bytes(32))], ids=len)
@pytest.mark.parametrize("keys", [(), (bytes(32),), (bytes(32), b"k" * 32)], ids=len)
@pytest.mark.parametrize("rsa", [None, RSA_KEY], ids=["no rsa", "rsa"])
def test_all_that_an_endpoint_asks_for_sign_side_by_side(
    secrets: tuple[bytes, ...], keys: tuple[bytes, ...], rsa: bytes | None
) -> None:
    now = int(time.time())
    headers = signed_headers(secrets, "id", now, b"{}", ed25519_keys=keys, rsa_key=rsa)
    versions = [one.partition(",")[0] for one in headers.get("webhook-signature", "").split()]
    assert versions == ["v1"] * len(secrets) + ["v1a"] * len(keys)
    assert ("webhook-signature" in headers) is bool(versions)
    assert ("x-awell-signature" in headers) is (rsa is not None)
    for secret in secrets:
        Webhook(encode_secret(secret)).verify(b"{}", headers)
        SvixWebhook(encode_secret(secret)).verify(b"{}", headers)


def test_keys_are_made_anew_each_time_and_as_their_schemes_want_them() -> None:
    assert len({new_secret() for _ in range(3)} | {new_ed25519_key() for _ in range(3)}) == 6
    assert (len(new_secret()), len(new_ed25519_key())) == (32, 32)
    public = public_rsa(RSA_KEY)
    assert (public.key_size, public.public_numbers().e) == (2048, 65_537)
    assert new_rsa_key() != RSA_KEY


def test_what_receivers_are_given_holds_nothing_of_the_private_half() -> None:
    seed = new_ed25519_key()
    assert base64.b64encode(seed).decode() not in encode_public_key(seed)
    assert "PRIVATE" not in public_key_pem(RSA_KEY)


def test_a_key_of_another_kind_is_no_rsa_key() -> None:
    # The DER of an ed25519 key with a seed of zeros (RFC 8410, section 7).
    other = bytes.fromhex("302e020100300506032b657004220420") + bytes(32)
    with pytest.raises(TypeError):
        sign_rsa(other, b"")
