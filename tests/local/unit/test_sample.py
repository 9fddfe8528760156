"""The sample: put in once, found again, and never published twice; only the endpoint is made anew."""

import pytest

from carewire_local import waiting
from carewire_local.errors import RequestRefused
from carewire_local.examples import EXAMPLES, HIP_SURGERY, IDENTIFIER_SYSTEM, MOOD_SCREENING
from carewire_local.sample import Apis, provide_sample
from carewire_testing_local import FakeApi, FakeIngress, HandTime, webhook

NAMES = [example.name for example in EXAMPLES]
WEBHOOKS = [example.webhook["name"] for example in EXAMPLES]
URL = "http://127.0.0.1:5000/carewire-webhooks"


class World:
    """Three services that know nothing yet."""

    def __init__(self) -> None:
        self.ingress, self.orchestrator, self.dispatcher = FakeIngress(), FakeApi(), FakeApi()
        self.apis = Apis(self.ingress, self.orchestrator, self.dispatcher)  # type: ignore[arg-type]
        self.orchestrator.answers["POST /v1/identifier-systems"] = None
        for name in NAMES:
            self.orchestrator.answers[f"PUT /v1/definitions/{name}"] = None
            self.orchestrator.answers[f"POST /v1/definitions/{name}/publish"] = None
        self.dispatcher.answers["POST /v1/endpoints"] = {"id": "ep1", "secret": "whsec_x"}

    def published_before(self, *, changed: bool = False) -> None:
        self.orchestrator.lists["/v1/definitions"] = [{"id": name, "live": {"version": 1}} for name in NAMES]
        for name in NAMES:
            draft = {"id": name, "title": "new" if changed else "old"}
            self.orchestrator.answers[f"GET /v1/definitions/{name}/live"] = {"document": {"id": name, "title": "old"}}
            self.orchestrator.answers[f"GET /v1/definitions/{name}"] = {"draft": draft}

    def published(self) -> list[str]:
        return [call for call in self.orchestrator.asked if call.endswith("/publish")]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(waiting, "time", HandTime())
    return World()


def test_into_an_empty_platform_everything_is_put(world: World) -> None:
    sample = provide_sample(world.apis, URL)
    assert world.orchestrator.bodies["POST /v1/identifier-systems"] == IDENTIFIER_SYSTEM
    assert world.published() == [f"POST /v1/definitions/{name}/publish" for name in NAMES]
    assert world.ingress.created == WEBHOOKS
    assert set(sample.webhook_urls) == set(NAMES)
    assert (sample.endpoint_id, sample.endpoint_secret) == ("ep1", "whsec_x")


def test_a_definition_is_put_before_it_is_published(world: World) -> None:
    provide_sample(world.apis, URL)
    calls = world.orchestrator.asked
    for name in NAMES:
        assert calls.index(f"PUT /v1/definitions/{name}") < calls.index(f"POST /v1/definitions/{name}/publish")
    assert world.orchestrator.bodies[f"PUT /v1/definitions/{HIP_SURGERY.name}"] == HIP_SURGERY.definition


def test_a_registered_system_is_not_registered_again(world: World) -> None:
    world.orchestrator.lists["/v1/identifier-systems"] = [IDENTIFIER_SYSTEM]
    provide_sample(world.apis, URL)
    assert "POST /v1/identifier-systems" not in world.orchestrator.asked


def test_a_definition_that_is_live_as_it_is_gets_no_new_release(world: World) -> None:
    world.published_before()
    provide_sample(world.apis, URL)
    assert world.published() == []


def test_a_definition_that_changed_gets_one(world: World) -> None:
    world.published_before(changed=True)
    provide_sample(world.apis, URL)
    assert world.published() == [f"POST /v1/definitions/{name}/publish" for name in NAMES]


def test_a_draft_that_never_went_live_is_published(world: World) -> None:
    world.orchestrator.lists["/v1/definitions"] = [{"id": MOOD_SCREENING.name, "live": None}]
    provide_sample(world.apis, URL)
    assert f"POST /v1/definitions/{MOOD_SCREENING.name}/publish" in world.published()


def test_an_enabled_webhook_is_used_as_it_is(world: World) -> None:
    world.ingress.known = [webhook(name, enabled=True, url=f"http://x/{name}") for name in WEBHOOKS]
    sample = provide_sample(world.apis, URL)
    assert world.ingress.created == world.ingress.enabled == []
    assert list(sample.webhook_urls.values()) == [f"http://x/{name}" for name in WEBHOOKS]


def test_a_webhook_that_somebody_disabled_is_enabled_and_not_made_again(world: World) -> None:
    world.ingress.known = [webhook(name) for name in WEBHOOKS]
    provide_sample(world.apis, URL)
    assert world.ingress.created == []
    assert world.ingress.enabled == [f"wh-{name}" for name in WEBHOOKS]


def test_ingress_is_asked_again_until_it_has_heard_of_the_definition(world: World) -> None:
    world.ingress.refusals = 2
    assert set(provide_sample(world.apis, URL).webhook_urls) == set(NAMES)


def test_a_refusal_that_stays_is_told(world: World) -> None:
    world.ingress.refusals = 10**6
    with pytest.raises(RequestRefused, match="the definition is not live"):
        provide_sample(world.apis, URL)


def test_the_receiver_is_subscribed_to_the_ends_of_care_flows(world: World) -> None:
    provide_sample(world.apis, URL)
    wanted = world.dispatcher.bodies["POST /v1/endpoints"]
    assert wanted["url"] == URL
    assert wanted["event_types"] == ["pathway.completed", "pathway.stopped"]


def test_the_receiver_of_an_earlier_run_is_replaced_and_other_endpoints_stay(world: World) -> None:
    world.dispatcher.lists["/v1/endpoints"] = [
        {"id": "old", "name": "Sample receiver"},
        {"id": "mine", "name": "My CRM"},
    ]
    world.dispatcher.answers["DELETE /v1/endpoints/old"] = None
    provide_sample(world.apis, URL)
    assert [call for call in world.dispatcher.asked if call.startswith("DELETE")] == ["DELETE /v1/endpoints/old"]
