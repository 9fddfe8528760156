"""Where each sender says that two calls are one delivery, and that the start key is made of it."""

import json

import pytest

from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME
from carewire_ingress.domain.start_key import start_key
from carewire_testing_ingress.proofs import PROOFS
from carewire_testing_ingress.samples import call, webhook

DELIVERY_HEADERS = {
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
    "github": "x-github-delivery",
    # https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    "shopify": "x-shopify-webhook-id",
    # https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
    "twilio": "i-twilio-idempotency-token",
}
DELIVERY_PATHS = {
    # https://docs.stripe.com/api/events/object#event_object-id
    "stripe": ("$.id", {"id": "evt_1", "object": "event"}),
    # https://docs.slack.dev/apis/events-api/#event-type-structure
    "slack": ("$.event_id", {"event_id": "Ev08MFMKH6", "type": "event_callback"}),
}
SCHEMES = {str(proof.scheme["scheme"]): proof for proof in PROOFS.values()}
NONE_PUBLISHED = set(SCHEMES) - set(DELIVERY_HEADERS) - set(DELIVERY_PATHS)


def keys(scheme: str, headers: list[dict[str, str]], payload: object) -> list[str]:
    """The start keys of calls with these headers, of a webhook that knows nothing but its sender."""
    proof = SCHEMES[scheme]
    made = SENDER_SCHEME.validate_python({**proof.scheme, "secrets": [proof.entered("whsec_" + "A" * 32)]})
    hook = webhook(start_key=made.sender(made.entered()).delivery)
    found = [start_key(hook, call(request_id=f"r{at}", headers=one), payload) for at, one in enumerate(headers)]
    assert all(isinstance(key, str) for key in found)
    return [str(key) for key in found]


@pytest.mark.parametrize(("scheme", "header"), DELIVERY_HEADERS.items())
def test_a_header_with_the_delivery_id_makes_repeats_one(scheme: str, header: str) -> None:
    first, repeat, other = keys(scheme, [{header: "d1"}, {header: "d1"}, {header: "d2"}], {})
    assert first == repeat != other


@pytest.mark.parametrize(("scheme", "path", "payload"), [(name, *place) for name, place in DELIVERY_PATHS.items()])
def test_a_delivery_id_in_the_body_makes_repeats_one(scheme: str, path: str, payload: dict[str, str]) -> None:
    first, repeat = keys(scheme, [{}, {}], json.loads(json.dumps(payload)))
    assert first == repeat
    (other,) = keys(scheme, [{}], {path.removeprefix("$."): "another"})
    assert other != first


@pytest.mark.parametrize("scheme", sorted(NONE_PUBLISHED))
def test_without_a_published_delivery_id_each_call_stands_for_itself(scheme: str) -> None:
    assert keys(scheme, [{}, {}], {"id": "1", "event_id": "1"}) == ["r0", "r1"]


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_the_standard_header_comes_first_with_every_sender(scheme: str) -> None:
    header = DELIVERY_HEADERS.get(scheme, "x-other")
    first, second = keys(scheme, [{"webhook-id": "a", header: "1"}, {"webhook-id": "a", header: "2"}], {})
    assert first == second
