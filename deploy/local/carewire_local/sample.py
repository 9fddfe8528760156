"""Puts the examples into a running platform: definitions, webhooks and one endpoint. Safe to repeat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carewire_ingress.adapters.webhook_forms import Webhook
from carewire_local.examples import EXAMPLES, IDENTIFIER_SYSTEM, Example
from carewire_local.ingress_api import IngressApi
from carewire_local.management_api import ManagementApi
from carewire_local.waiting import until

_ENDPOINT_NAME = "Sample receiver"
_EFFECTIVE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Apis:
    """The management APIs of the three services."""

    ingress: IngressApi
    orchestrator: ManagementApi
    dispatcher: ManagementApi


@dataclass(frozen=True)
class Sample:
    """What was put in: the URL of a webhook for each example by its name, and the secret of the endpoint."""

    webhook_urls: Mapping[str, str]
    endpoint_id: str
    endpoint_secret: str


def provide_sample(apis: Apis, receiver_url: str) -> Sample:
    """Publish the definitions, enable their webhooks, subscribe the receiver. Raises RequestRefused."""
    _register_identifier_system(apis.orchestrator)
    for example in EXAMPLES:
        _publish(apis.orchestrator, example)
    webhooks = {example.name: _enabled_webhook(apis.ingress, example) for example in EXAMPLES}
    urls = {name: webhook.url for name, webhook in webhooks.items() if webhook.url is not None}
    endpoint = _subscribe(apis.dispatcher, receiver_url)
    return Sample(urls, endpoint["id"], endpoint["secret"])


def _register_identifier_system(orchestrator: ManagementApi) -> None:
    known = {system["system"] for system in orchestrator.all("/v1/identifier-systems")}
    if IDENTIFIER_SYSTEM["system"] not in known:
        orchestrator.post("/v1/identifier-systems", IDENTIFIER_SYSTEM)


def _publish(orchestrator: ManagementApi, example: Example) -> None:
    """Publish a definition, unless that very one is live: a release is for ever."""
    drafts = {one["id"]: one for one in orchestrator.all("/v1/definitions")}
    before = drafts.get(example.name)
    orchestrator.put(f"/v1/definitions/{example.name}", example.definition)
    if before is None or before["live"] is None or _differs(orchestrator, example):
        orchestrator.post(f"/v1/definitions/{example.name}/publish")


def _differs(orchestrator: ManagementApi, example: Example) -> bool:
    live = orchestrator.get(f"/v1/definitions/{example.name}/live")["document"]
    draft = orchestrator.get(f"/v1/definitions/{example.name}")["draft"]
    return bool(live != draft)


def _enabled_webhook(ingress: IngressApi, example: Example) -> Webhook:
    """Create and enable the webhook; ingress learns of a definition within a second of its publication."""
    wanted = example.webhook
    known = {one.name: one for one in ingress.webhooks()}
    found = known.get(wanted["name"]) or until(lambda: ingress.create_webhook(wanted), _EFFECTIVE_WITHIN_S)
    if found.enabled:
        return found
    return until(lambda: ingress.enable_webhook(found.id), _EFFECTIVE_WITHIN_S)


def _subscribe(dispatcher: ManagementApi, receiver_url: str) -> Any:
    """Subscribe the receiver anew: its port is another each time, and a secret is shown but once."""
    for endpoint in dispatcher.all("/v1/endpoints"):
        if endpoint["name"] == _ENDPOINT_NAME:
            dispatcher.delete(f"/v1/endpoints/{endpoint['id']}")
    wanted = {"name": _ENDPOINT_NAME, "url": receiver_url, "event_types": ["pathway.completed", "pathway.stopped"]}
    return dispatcher.post("/v1/endpoints", wanted)
