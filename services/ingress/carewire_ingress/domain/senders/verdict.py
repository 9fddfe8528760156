"""What can be said about the sender of a call."""

from enum import StrEnum
from typing import Final

from carewire_contracts.record import record
from carewire_contracts.requests import Reason, ReasonCode


class Doubt(StrEnum):
    """Why a sender is not believed. The list is closed; the value tells what was found."""

    MISSING = "missing"
    REPEATED = "given more than once"
    EMPTY = "empty"
    TOO_LONG = "too long"
    UNREADABLE = "not in the expected form"
    TOO_OLD = "timestamp too old"
    TOO_NEW = "timestamp ahead of our clock"
    MISMATCH = "fits no configured secret"
    BODY_NOT_SIGNED = "does not cover the body"
    UNSUPPORTED = "unsupported algorithm"
    OUTSIDE = "outside the configured ranges"


_REMEDIES: Final = {
    Doubt.MISSING: "send it, as the sender's scheme says",
    Doubt.REPEATED: "send it once",
    Doubt.EMPTY: "send its value",
    Doubt.TOO_LONG: "send it as the sender's scheme says",
    Doubt.UNREADABLE: "send it as the sender's scheme says",
    Doubt.TOO_OLD: "send within 5 minutes of signing; compare the clocks",
    Doubt.TOO_NEW: "send within 5 minutes of signing; compare the clocks",
    Doubt.MISMATCH: "compare the secrets of both sides; the bytes that are sent must be those that were signed",
    Doubt.BODY_NOT_SIGNED: "sign the body too, as the sender's scheme says",
    Doubt.UNSUPPORTED: "choose another algorithm at the sender",
    Doubt.OUTSIDE: "add the sender's address range to the webhook, or check the trusted proxies",
}


@record()
class Verified:
    """The sender is who it says. `secret` is the position of the secret that fitted: the newest one is 0."""

    secret: int = 0


@record()
class Unverified:
    """The sender is not believed. `where` names a header, a parameter or the like, never its value."""

    doubt: Doubt
    where: str

    @property
    def reason(self) -> Reason:
        """What the caller and the log are told."""
        message = f"The sender could not be verified: {self.where} {self.doubt.value}; {_REMEDIES[self.doubt]}."
        return Reason(ReasonCode.UNAUTHENTICATED, message, path=self.where, found=self.doubt.value)


@record(repr=False)
class Challenge:
    """The call was a handshake, and this answers it with status 200. It starts nothing.

    What the sender asked is echoed, so it must be answered with `X-Content-Type-Options: nosniff`.
    """

    body: bytes
    content_type: bytes = b"text/plain; charset=utf-8"


class Distrust(Exception):
    """Ends a verification. It never leaves a Sender, which turns it into its verdict."""

    def __init__(self, doubt: Doubt, where: str) -> None:
        super().__init__(doubt, where)
        self.verdict = Unverified(doubt, where)
