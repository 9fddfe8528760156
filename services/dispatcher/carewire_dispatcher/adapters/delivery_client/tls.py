"""How connections are secured."""

import ssl
from pathlib import Path

from carewire_runtime.errors import ConfigurationError


def tls_context(client_certificate: Path | None = None) -> ssl.SSLContext:
    """Make what verifies receivers against the machine's authorities, certificate and name both.

    `client_certificate` is a PEM file of our certificate with its chain and its key, for receivers that ask who
    calls. Raises ConfigurationError where it can't be used.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if client_certificate is not None:
        try:
            context.load_cert_chain(client_certificate, password=_no_password)
        except (OSError, ValueError):  # OSError includes SSLError
            raise ConfigurationError(
                "the client certificate can't be used; it is a PEM file of a certificate, its chain and its key, "
                "without a password"
            ) from None
    return context


def _no_password() -> str:
    # Without this OpenSSL would ask on the terminal.
    raise ValueError("a key without a password is needed")
