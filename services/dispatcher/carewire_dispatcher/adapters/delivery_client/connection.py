"""One connection to a receiver, over which calls go one after another."""

import asyncio
import select
from collections.abc import Callable
from typing import Final, cast

from carewire_dispatcher.adapters.delivery_client.answer import AnswerReader
from carewire_dispatcher.adapters.delivery_client.deadlines import Deadlines
from carewire_dispatcher.adapters.delivery_client.request import Request
from carewire_dispatcher.domain.classify import Answer, Failure

WhenLost = Callable[["Connection"], None]
Over = Callable[[Answer | Failure], None]


class Connection(asyncio.Protocol):
    """Made by the event loop once it is connected (and secured). To be closed by whoever has it last."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._deadlines: Final = deadlines
        self._reader: Final = AnswerReader()
        self._over: Over | None = None
        self._tick = 0
        self._transport: asyncio.Transport
        self._readable: Final = select.poll()
        self.opened_at: Final = self._loop.time()
        self.when_lost: WhenLost | None = None

    async def exchange(self, request: Request, deadline: float) -> Answer | Failure:
        """Write a request and read its answer; as `begin`, for whoever waits."""
        if self._transport.is_closing():
            return Failure.DISCONNECTED
        answered: asyncio.Future[Answer | Failure] = self._loop.create_future()

        def over(result: Answer | Failure) -> None:
            if not answered.done():  # else whoever waited was cancelled just before
                answered.set_result(result)

        self.begin(request, deadline, over)
        try:
            return await answered
        except BaseException:
            self.give_up(over)
            raise

    def begin(self, request: Request, deadline: float, over: Over) -> None:
        """Write a request, and tell `over` of its answer, until `deadline`, a moment of the event loop's clock.

        A head that has come is the answer, whatever becomes of the body behind it. One exchange at a time, on a
        connection that is not closing.
        """
        self._reader.begin()
        self._over = over
        self._tick = self._deadlines.put(self, deadline)
        self._transport.writelines(request)

    def give_up(self, over: Over) -> None:
        """Close at once in the midst of the exchange that `over` was to hear of, and tell nobody.

        Any other is left alone: when that one is over, the connection may be at work for somebody else.
        """
        if self._over is over:
            self._over = None
            self._deadlines.forget(self, self._tick)
            self._transport.abort()

    @property
    def is_reusable(self) -> bool:
        """Whether the last exchange left the connection ready for another one."""
        # An answer may come before the request has left: then the rest of the request would be the next one's head.
        return (
            self._reader.reusable and not self._transport.is_closing() and self._transport.get_write_buffer_size() == 0
        )

    @property
    def is_silent(self) -> bool:
        """Whether the receiver has neither closed the connection nor spoken unasked, as far as the kernel knows.

        The event loop learns of it a little later, and a request that is written in between is lost.
        """
        return not self._transport.is_closing() and not self._readable.poll(0)

    def time_is_up(self) -> None:
        """End the exchange: the deadline has come."""
        self._end(Failure.TIMEOUT)

    def close(self) -> None:
        """Close in order."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Read on. Who speaks unasked, or on after an answer, is not listened to."""
        if self._over is None:
            self._transport.abort()
        elif self._reader.feed(data):
            self._end(None)

    def eof_received(self) -> None:
        """Take the end of the stream as the end of a body, or as that of all hope for an answer."""
        self._end(Failure.DISCONNECTED)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Tell whoever waits, or keeps the connection."""
        self._end(Failure.DISCONNECTED)
        if self.when_lost is not None:
            self.when_lost(self)

    def _end(self, failure: Failure | None) -> None:
        over = self._over
        if over is None:
            return
        self._over = None
        self._deadlines.forget(self, self._tick)
        if not self.is_reusable:
            self._transport.abort()
        over(self._reader.told() or failure or Failure.PROTOCOL)
