"""A call as bytes."""

from carewire_dispatcher.adapters.delivery_client.target import Target
from carewire_dispatcher.adapters.sender import Call

Request = tuple[bytes, bytes]
"""Head and body: a body is written as it lies in memory."""


def request_of(target: Target, call: Call) -> Request:
    """Write the head and give the body as it is. Raises ValueError where a header would break out of its line."""
    lines = [f"POST {target.path} HTTP/1.1", f"host: {target.authority}", f"content-length: {len(call.body)}"]
    lines += [f"{name}: {value}" for name, value in call.headers.items()]
    head = "\r\n".join(lines) + "\r\n\r\n"
    ends = len(lines) + 1
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise ValueError("a header is one line")
    return head.encode(), call.body
