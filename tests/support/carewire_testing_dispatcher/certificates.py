"""Certificates for receivers over TLS: an authority of our own, and what it would and would not sign."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Signs certificates into PEM files of a folder."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._certificate(self._name, self._key.public_key(), timedelta(days=1), is_authority=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(public.public_bytes(serialization.Encoding.PEM))

    def issue(self, *hosts: str, lasts: timedelta = timedelta(days=1)) -> Path:
        """Sign a certificate for some names or addresses; returns a PEM file with it and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._certificate(_named(hosts[0]), key.public_key(), lasts, hosts)
        return self._written(key, signed)

    def self_signed(self, host: str) -> ssl.SSLContext:
        """What a receiver uses that vouches for itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._certificate(_named(host), key.public_key(), timedelta(days=1), (host,), by=(_named(host), key))
        return _serving(self._written(key, signed))

    def _written(self, key: ec.EllipticCurvePrivateKey, signed: x509.Certificate) -> Path:
        path = self._folder / f"{signed.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        return path

    def receiver(self, *hosts: str, lasts: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """What a receiver with a certificate for these hosts uses."""
        return _serving(self.issue(*hosts, lasts=lasts))

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        lasts: timedelta,
        hosts: tuple[str, ...] = (),
        *,
        is_authority: bool = False,
        by: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer, signing_key = by or (self._name, self._key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + lasts)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(h) for h in hosts]), False)
        return builder.sign(signing_key, hashes.SHA256())


def _serving(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
