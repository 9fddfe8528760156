"""What can go wrong in the dispatcher, besides what the runtime knows.

DispatcherError
├── WorkerProcessEnded  a worker process under this one ended unasked
├── SessionLost         the worker slept past its session; its partitions may be another's
├── EndpointChanged     somebody changed it while its receiver was asked whose it is
├── EndpointImpossible  its fields would contradict each other
├── EndpointNotFound    no endpoint has this id
├── DeliveryNotFound    no delivery has this id
├── DeadRecordNotFound  no dead record has this id
├── RepairNotFound      no repair has this id
├── KeyReused           an idempotency key came with another request before
├── RepairOver          the repair has ended, so it cannot be cancelled
└── RepairRefused       deliveries cannot be sent again as asked
"""

from datetime import datetime

from carewire_dispatcher.domain.repair import Obstacle
from carewire_runtime.errors import CarewireError


class DispatcherError(CarewireError):
    """An error of the dispatcher."""


class SessionLost(DispatcherError):
    """The worker slept past its session: it drops what it holds and joins again."""


class WorkerProcessEnded(DispatcherError):
    """A worker process under this one ended unasked: whoever supervises starts all anew."""


class EndpointChanged(DispatcherError):
    """Somebody changed the endpoint while its receiver was asked whose it is."""


class EndpointImpossible(DispatcherError):
    """A change would leave the endpoint with fields that contradict each other. `field` is the one to mend."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(fault)
        self.field = field


class EndpointNotFound(DispatcherError):
    """No endpoint has this id."""


class DeliveryNotFound(DispatcherError):
    """No delivery has this id, or it was never tried."""


class DeadRecordNotFound(DispatcherError):
    """No dead record has this id, or it may not be sent back."""


class RepairNotFound(DispatcherError):
    """No repair has this id."""


class KeyReused(DispatcherError):
    """An idempotency key came with another request before."""


class RepairOver(DispatcherError):
    """The repair has ended, so it cannot be cancelled."""


class RepairRefused(DispatcherError):
    """Deliveries cannot be sent again as asked. `readable_from` says from when on they could."""

    def __init__(self, obstacle: Obstacle, readable_from: datetime | None = None) -> None:
        super().__init__(obstacle.remedy)
        self.obstacle = obstacle
        self.readable_from = readable_from
