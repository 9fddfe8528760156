"""Asks a broker, in one plain request, whether it serves: its own bytes, because this runs before anything else.

Protocol: https://kafka.apache.org/protocol.html#The_Messages_Metadata
"""

import socket
import struct

_METADATA_KEY, _METADATA_VERSION = 3, 1
_CLIENT = b"carewire-probe"
# size | api key | version | correlation id | client id | number of topics (0: none)
_BODY = struct.pack(f">hhih{len(_CLIENT)}si", _METADATA_KEY, _METADATA_VERSION, 1, len(_CLIENT), _CLIENT, 0)
_REQUEST = struct.pack(">i", len(_BODY)) + _BODY


def serves(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Tell whether the broker answers and knows a registered broker (itself): only then can it lead partitions."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(_REQUEST)
            answer = _read_exactly(connection, struct.unpack(">i", _read_exactly(connection, 4))[0])
    except (OSError, EOFError):
        return False
    brokers: int = struct.unpack_from(">i", answer, 4)[0]
    return brokers > 0


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        more = connection.recv(size - len(received))
        if not more:
            raise EOFError
        received += more
    return received
