import asyncio
import socket
from typing import Any

import httpx
import pytest

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.http.server import HttpServer
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing_runtime.log import logged
from carewire_testing_runtime.running import running


class App:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def __call__(self, _scope: dict[str, Any], _receive: Any, send: Any) -> None:
        self.asked.set()
        await self.answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


async def test_it_serves_on_a_port_of_its_own_choice() -> None:
    app = App()
    app.answer.set()
    server = HttpServer(app, "127.0.0.1", 0)
    async with running(server), httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
        await server.started.wait()
        answer = await client.get(f"http://127.0.0.1:{server.port}/canary")
        assert answer.text == "hello"
        assert "server" not in answer.headers


async def test_a_request_under_way_is_finished_before_the_stop() -> None:
    app, stop = App(), asyncio.Event()
    server = HttpServer(app, "127.0.0.1", 0)
    serving = asyncio.create_task(server.run(stop))
    await server.started.wait()
    async with httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
        asking = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/"))
        await app.asked.wait()
        stop.set()
        await asyncio.sleep(0)
        app.answer.set()
        assert (await asking).text == "hello"
    await serving


async def test_a_taken_port_is_told_with_its_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = HttpServer(App(), "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match="is it taken"):
            await server.run(asyncio.Event())


async def test_paths_are_not_logged_not_even_of_an_app_that_fails() -> None:
    async def failing(scope: dict[str, Any], receive: Any, send: Any) -> None:
        raise RuntimeError("canary")

    server = HttpServer(failing, "127.0.0.1", 0)
    with logged() as lines:
        async with running(server), httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
            await server.started.wait()
            assert (await client.get(f"http://127.0.0.1:{server.port}/canary")).status_code == 500
    assert "canary" not in lines.text
    assert lines.of("library_message")[0]["error"] == "RuntimeError"
