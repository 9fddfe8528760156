"""What runs beside all tests of a module: in an event loop, and so in a thread, of its own."""

import io
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Generic, TypeVar

from anyio.from_thread import start_blocking_portal

from carewire_runtime.telemetry.logs import configure_logs

T = TypeVar("T")


class Beside(Generic[T]):
    """A service that runs on from test to test, and whose log is shown with the test during which it was written."""

    def __init__(self, what: T) -> None:
        self.what = what
        self._log = io.BytesIO()

    @contextmanager
    def heard(self) -> Iterator[T]:
        """Show what it said at the end: said between two tests it would disturb the report of pytest."""
        configure_logs("carewire", stream=self._log)
        try:
            yield self.what
        finally:
            sys.stderr.write(self._log.getvalue().decode())
            self._log.seek(0)
            self._log.truncate()


@contextmanager
def beside(application: AbstractAsyncContextManager[T]) -> Iterator[Beside[T]]:
    """Run an application until the block ends."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(application) as what:
        try:
            yield Beside(what)
        finally:
            configure_logs("carewire")
