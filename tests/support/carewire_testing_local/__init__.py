"""Stands-in for the outside of the local stack: processes, time, and management APIs."""

from carewire_testing_local.apis import FakeApi, FakeIngress, Opened, details, webhook
from carewire_testing_local.children import FakeChild, children
from carewire_testing_local.hands import HandTime

__all__ = ["FakeApi", "FakeChild", "FakeIngress", "HandTime", "Opened", "children", "details", "webhook"]
