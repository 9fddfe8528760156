"""The sample of `carewire run` and `carewire demo`: put in once, however often the command is run."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from carewire_local.examples import EXAMPLES
from carewire_local.ingress_api import IngressApi
from carewire_local.management_api import ManagementApi
from carewire_local.platform import Platform
from carewire_local.sample import Apis, provide_sample

FIRST, SECOND = "http://127.0.0.1:9/carewire-webhooks", "http://127.0.0.1:10/carewire-webhooks"


@pytest.fixture
def apis(platform: Platform) -> Iterator[Apis]:
    platform.supervisor.wait_ready()
    with ExitStack() as opened:
        ingress = opened.enter_context(IngressApi(platform.urls["ingress"], platform.api_key))
        names = ("orchestrator", "dispatcher")
        clients = [ManagementApi(platform.urls[name], platform.api_key) for name in names]
        yield Apis(ingress, *(opened.enter_context(client) for client in clients))


def versions(apis: Apis) -> dict[str, int]:
    names = {example.name for example in EXAMPLES}
    definitions = apis.orchestrator.all("/v1/definitions")
    return {one["id"]: one["live"]["version"] for one in definitions if one["id"] in names}


def test_a_second_run_changes_nothing_but_the_endpoint(apis: Apis) -> None:
    first = provide_sample(apis, FIRST)
    published = versions(apis)
    assert set(published) == {example.name for example in EXAMPLES}
    assert {webhook.url for webhook in apis.ingress.webhooks() if webhook.enabled} >= set(first.webhook_urls.values())

    second = provide_sample(apis, SECOND)
    assert versions(apis) == published
    assert second.webhook_urls == first.webhook_urls
    assert second.endpoint_secret != first.endpoint_secret
    urls = [endpoint["url"] for endpoint in apis.dispatcher.all("/v1/endpoints")]
    assert urls.count(SECOND) == 1
    assert FIRST not in urls
    apis.dispatcher.delete(f"/v1/endpoints/{second.endpoint_id}")


def test_a_changed_definition_is_published_again(apis: Apis) -> None:
    sample = provide_sample(apis, FIRST)
    published = versions(apis)
    name = EXAMPLES[0].name
    apis.orchestrator.put(f"/v1/definitions/{name}", EXAMPLES[0].definition | {"title": "Another title"})
    apis.orchestrator.post(f"/v1/definitions/{name}/publish")

    again = provide_sample(apis, FIRST)
    assert versions(apis) == published | {name: published[name] + 2}
    assert again.webhook_urls == sample.webhook_urls
    apis.dispatcher.delete(f"/v1/endpoints/{again.endpoint_id}")
