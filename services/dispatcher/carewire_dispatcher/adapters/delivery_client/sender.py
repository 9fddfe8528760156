"""The sender that carries deliveries: it finds or opens a connection, and makes the call."""

import asyncio
import ssl
from functools import lru_cache, partial
from typing import Final

from carewire_dispatcher.adapters.delivery_client.connection import Connection
from carewire_dispatcher.adapters.delivery_client.dial import Dialer, MayCall
from carewire_dispatcher.adapters.delivery_client.pool import Pool
from carewire_dispatcher.adapters.delivery_client.request import Request, request_of
from carewire_dispatcher.adapters.delivery_client.resolver import Resolver
from carewire_dispatcher.adapters.delivery_client.target import Target, target_of
from carewire_dispatcher.adapters.sender import Call, CallTask, Carried, Over
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_runtime.addresses import is_public

CONNECT_TIMEOUT_S: Final = 3.0
_TARGETS_KEPT: Final = 10_000
"""URLs of endpoints that are kept taken apart, at some 500 bytes each."""

_target_of = lru_cache(_TARGETS_KEPT)(target_of)


class DeliveryClient:
    """Makes calls over kept-alive connections, without proxies, cookies, redirects or decompression.

    `may_call` says which addresses may be called, `tls` how receivers are verified.
    """

    def __init__(self, tls: ssl.SSLContext, *, allow_http: bool = False, may_call: MayCall = is_public) -> None:
        self._dialer = Dialer(Resolver(), tls, may_call)
        self._allow_http = allow_http
        self._pool = Pool()
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Close all connections."""
        self._pool.abort_all()
        await asyncio.sleep(0)  # in which the event loop lets go of them

    async def send(self, call: Call) -> Answer | Failure:
        """Make the call; see the port."""
        answered: asyncio.Future[Answer | Failure] = self._loop.create_future()
        carried = self.begin(call, partial(_settle, answered))
        try:
            return await answered
        except BaseException:
            carried.give_up()
            raise

    def begin(self, call: Call, over: Over) -> Carried:
        """Make the call; see the port. Over a connection that was kept it takes no task."""
        addressed, deadline = self._addressed(call), self._loop.time() + call.timeout_s
        if not isinstance(addressed, Failure):
            target, request = addressed
            connection = self._pool.take(target.origin)
            if connection is not None:
                exchange = _Exchange(self._pool, target.origin, connection, over)
                connection.begin(request, deadline, exchange)
                return exchange
        return CallTask(self._carry(addressed, deadline), over)

    def _addressed(self, call: Call) -> tuple[Target, Request] | Failure:
        try:
            target = _target_of(call.url)
        except ValueError:
            return Failure.ADDRESS_REFUSED
        if not (target.secure or self._allow_http):
            return Failure.INSECURE_URL
        try:
            return target, request_of(target, call)
        except ValueError:
            return Failure.PROTOCOL

    async def _carry(self, addressed: tuple[Target, Request] | Failure, deadline: float) -> Answer | Failure:
        if isinstance(addressed, Failure):
            return addressed
        target, request = addressed
        connection = self._pool.take(target.origin) or await self._dial(target, deadline)
        if isinstance(connection, Failure):
            return connection
        result = await connection.exchange(request, deadline)
        if connection.is_reusable:
            self._pool.put(target.origin, connection)
        return result

    async def _dial(self, target: Target, deadline: float) -> Connection | Failure:
        return await self._dialer.dial(target, min(deadline, self._loop.time() + CONNECT_TIMEOUT_S))


class _Exchange:
    """A call over a connection that was kept."""

    __slots__ = ("_connection", "_origin", "_over", "_pool")

    def __init__(self, pool: Pool, origin: str, connection: Connection, over: Over) -> None:
        self._pool = pool
        self._origin = origin
        self._connection = connection
        self._over = over

    def __call__(self, result: Answer | Failure) -> None:
        """Keep the connection, and tell what came of the call."""
        if self._connection.is_reusable:
            self._pool.put(self._origin, self._connection)
        self._over(result)

    def give_up(self) -> None:
        """End the call at once, and tell nobody."""
        self._connection.give_up(self)


def _settle(answered: asyncio.Future[Answer | Failure], result: Answer | Failure | BaseException) -> None:
    if answered.done():
        return  # whoever waited was cancelled just before
    if isinstance(result, BaseException):
        answered.set_exception(result)
    else:
        answered.set_result(result)
