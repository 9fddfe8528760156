"""What can go wrong in ingress, beside what the runtime names.

CarewireError
└── IngressError
    └── NotAcknowledged   Kafka did not confirm a record in time, or is known to be away      (retriable)
"""

from typing import ClassVar

from carewire_runtime.errors import CarewireError


class IngressError(CarewireError):
    """An error of ingress."""


class NotAcknowledged(IngressError):
    """A record was not confirmed in time. It may still be appended: then its `expires-at` stops it."""

    retriable: ClassVar[bool] = True
