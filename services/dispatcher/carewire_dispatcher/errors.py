"""What can go wrong in the dispatcher, besides what the runtime knows.

DispatcherError
├── SessionLost         the worker slept past its session; its partitions may be another's
├── EndpointNotFound    no endpoint has this id
└── DeliveryNotFound    no delivery has this id
"""

from carewire_runtime.errors import CarewireError


class DispatcherError(CarewireError):
    """An error of the dispatcher."""


class SessionLost(DispatcherError):
    """The worker slept past its session: it drops what it holds and joins again."""


class EndpointNotFound(DispatcherError):
    """No endpoint has this id."""


class DeliveryNotFound(DispatcherError):
    """No delivery has this id, or it was never tried."""
