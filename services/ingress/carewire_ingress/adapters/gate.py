"""What stands between a webhook's address and the decision about a call: who calls, how fast, and what is kept."""

from dataclasses import dataclass

from carewire_ingress.adapters.rate_limits import RateLimits
from carewire_ingress.adapters.refusal_budget import RefusalBudget
from carewire_ingress.adapters.verification import Verification


@dataclass(frozen=True, slots=True)
class Gate:
    """Verification of senders, rates of calls, and the budget of refused ones."""

    verification: Verification
    rates: RateLimits
    refusals: RefusalBudget

    def forget(self, webhook_id: str) -> None:
        """Keep nothing of a webhook that is deleted."""
        self.rates.forget(webhook_id)
        self.refusals.forget(webhook_id)
