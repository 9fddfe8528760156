"""What the tests of all packages share: waiting for conditions, databases, topics, and left-over processes."""

from carewire_testing.waiting import eventually

__all__ = ["eventually"]
