"""A gate as the receiver has it, with a clock of the test's own."""

from carewire_ingress.adapters.gate import Gate
from carewire_ingress.adapters.rate_limits import RateLimits
from carewire_ingress.adapters.refusal_budget import RefusalBudget
from carewire_ingress.adapters.verification import Verification
from carewire_ingress.domain.senders.client_address import read_network
from carewire_runtime.clock import Clock


def gate(
    clock: Clock,
    *,
    public_url: str = "https://hooks.example.org",
    proxies: tuple[str, ...] = (),
    refused_per_minute: int = 600,
) -> Gate:
    networks = tuple(read_network(text) for text in proxies)
    return Gate(Verification(public_url, networks, clock), RateLimits(clock), RefusalBudget(refused_per_minute, clock))
