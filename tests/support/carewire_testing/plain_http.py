"""For clients that speak HTTP without TLS to a server of the test."""

import ssl
from typing import Final

NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. Loading the usual certificates takes 70 ms for each client, more than many a test."""
