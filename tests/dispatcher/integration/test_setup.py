import pytest

from carewire_dispatcher.app import setup, verify
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.errors import SetupMissing
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.service import Client, in_process

NOWHERE = "postgresql://127.0.0.1:1/nowhere"


async def test_setup_may_be_repeated(settings: DispatcherSettings) -> None:
    await setup(settings)
    await verify(settings)


async def test_serve_refuses_where_setup_is_missing_and_says_so(settings: DispatcherSettings) -> None:
    elsewhere = settings.model_copy(update={"topic_prefix": settings.topic_prefix + "other-"})
    with pytest.raises(SetupMissing, match=r"dispatcher\.endpoints is missing.*setup"):
        await verify(elsewhere)


async def test_deliveries_go_on_without_postgres(settings: DispatcherSettings, client: Client, hooks: Receiver) -> None:
    without = settings.model_copy(update={"postgres_dsn": NOWHERE, "http_port": free_port()})
    async with in_process(settings, "api", "attempt-log"):
        await client.ready()
        created = await client.http.post("/v1/endpoints", json={"name": "x", "url": hooks.url("/without")})
        assert created.status_code == 201
    async with in_process(without, "fan-out", "worker"), Client(without) as seen:
        await seen.ready()
        event_id, _ = await seen.publish()
        await eventually(lambda: [call.webhook_id for call in hooks.at("/without")] == [event_id])
    async with in_process(settings, "api", "attempt-log"):
        await client.ready()

        async def logged() -> bool:
            return bool(await client.deliveries(event_id=event_id, status="delivered"))

        await eventually(logged)
