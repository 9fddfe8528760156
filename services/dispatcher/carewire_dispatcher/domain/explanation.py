"""An attempt in one sentence, for whoever runs the receiver or looks after it: what happened, and where to look."""

from collections.abc import Mapping
from typing import Final

from carewire_dispatcher.domain.classify import Failure

_FAILURES: Final[Mapping[str, str]] = {
    Failure.TIMEOUT: "No answer came in time: the receiver was not reached, or takes longer than its timeout.",
    Failure.DNS: "The name in the endpoint's URL has no address.",
    Failure.CONNECT: "Nobody accepts connections at the receiver's address and port.",
    Failure.TLS: (
        "The connection could not be secured: the receiver's certificate has expired, is not for this name, "
        "or is signed by nobody we trust."
    ),
    Failure.DISCONNECTED: "The receiver ended the connection before it had answered.",
    Failure.PROTOCOL: "What came back is no HTTP answer, or its headers are beyond all measure.",
    Failure.ADDRESS_REFUSED: "The name in the endpoint's URL leads to an address inside, so nothing was sent.",
    Failure.INSECURE_URL: "The endpoint's URL is not HTTPS, and this deployment sends nothing without.",
}
_UNKNOWN_FAILURE: Final = "The call failed."

_STATUSES: Final[Mapping[int, str]] = {
    401: "The receiver does not accept who calls: check its credentials, and that it verifies with the current secret.",
    403: "The receiver forbids the call: check its credentials and its firewall.",
    404: "The receiver knows nothing at this path: check the endpoint's URL.",
    405: "The receiver takes no POST at this path: check the endpoint's URL.",
    408: "The receiver says that the call took too long.",
    410: "The receiver says that nobody listens here any more.",
    413: "The receiver takes no bodies of this size.",
    429: "The receiver asks for fewer calls; a Retry-After is heeded. Set the endpoint's rate to what it bears.",
    503: "The receiver is not available at the moment; a Retry-After is heeded.",
}


def explanation(status_code: int | None, failure: str | None) -> str:
    """Say what an attempt met. Of a failure that this version does not know it says little, but something."""
    if status_code is None:
        return _FAILURES.get(failure or "", _UNKNOWN_FAILURE)
    if 200 <= status_code < 300:
        return "The receiver accepted the event."
    if 300 <= status_code < 400:
        return "The receiver points elsewhere, and redirects are not followed: set the URL to where it leads."
    return _STATUSES.get(status_code) or _of_class(status_code)


def _of_class(status_code: int) -> str:
    if 400 <= status_code < 500:
        return "The receiver refused the call: its own log says why."
    if 500 <= status_code < 600:
        return "The receiver failed: its own log says why."
    return "The receiver gave an answer that is none to a call like this."
