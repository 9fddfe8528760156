"""Two headers with a grammar: Stripe's list of elements, and the version in front of Slack's signature."""

import pytest

from carewire_ingress.domain.senders.signature import MAX_SIGNATURES
from carewire_ingress.domain.senders.slack import Slack
from carewire_ingress.domain.senders.stripe import Stripe
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_ingress.domain.senders.zoom import Zoom
from carewire_testing_ingress.proofs import BODY, NEW, NOW, OLD, in_hex, signed_call, slack, with_header, zoom

RIGHT = in_hex(NEW, b"%d.%b" % (NOW, BODY))
FALSE = "0" * 64
LATER = in_hex(NEW, b"%d.%b" % (NOW + 1, BODY))


def stripe_verdict(header: str, *secrets: str) -> Verified | Unverified:
    sender = Stripe(tuple(secret.encode() for secret in secrets or (NEW,)))
    return sender.verify(signed_call({"stripe-signature": header}))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"t={NOW},v1={RIGHT}", id="as usual"),
        pytest.param(f"v1={RIGHT},t={NOW}", id="the other way round"),
        pytest.param(f"t={NOW}, v1={RIGHT}", id="with a space"),
        pytest.param(f"t={NOW},v1={FALSE},v1={RIGHT}", id="while its secret is rolled"),
        pytest.param(f"t={NOW},v1={RIGHT},v0={FALSE}", id="with the test scheme"),
        pytest.param(f"t={NOW},v1={RIGHT},v9=later=on", id="with a scheme of the future"),
        pytest.param(f"t={NOW},v1={RIGHT},,", id="with empty elements"),
        pytest.param(f"t={NOW},v1={RIGHT.upper()}", id="in capitals"),
    ],
)
def test_stripes_header_is_read_in_every_form_that_it_publishes(header: str) -> None:
    assert stripe_verdict(header) == Verified()


@pytest.mark.parametrize(
    ("header", "doubt"),
    [
        pytest.param(f"t={NOW},v1={FALSE}", Doubt.MISMATCH, id="another signature"),
        pytest.param(f"t={NOW + 1},v1={RIGHT}", Doubt.MISMATCH, id="another time"),
        pytest.param(f"t={NOW},v0={RIGHT}", Doubt.UNREADABLE, id="a weaker scheme alone"),
        pytest.param(f"v1={RIGHT}", Doubt.UNREADABLE, id="no time"),
        pytest.param(f"t={NOW}", Doubt.UNREADABLE, id="no signature"),
        pytest.param(f"t={NOW},t={NOW + 1},v1={LATER}", Doubt.UNREADABLE, id="two times"),
        pytest.param(f"t=,v1={RIGHT}", Doubt.UNREADABLE, id="an empty time"),
        pytest.param(f"t=+{NOW},v1={RIGHT}", Doubt.UNREADABLE, id="a time with a sign"),
        pytest.param(f"t={NOW}.5,v1={RIGHT}", Doubt.UNREADABLE, id="a time with a fraction"),
        pytest.param("t=٣,v1=00", Doubt.UNREADABLE, id="digits that are not ASCII"),
        pytest.param("t=" + "9" * 15 + f",v1={RIGHT}", Doubt.UNREADABLE, id="a time beyond reason"),
        pytest.param(f"t={NOW},v1=", Doubt.MISMATCH, id="an empty signature"),
        pytest.param(f"t={NOW},v1={RIGHT[:-1]}", Doubt.UNREADABLE, id="half a byte"),
        pytest.param(f"t={NOW},v1={RIGHT[:-2]}", Doubt.MISMATCH, id="a byte less"),
        pytest.param(f"t={NOW},v1=xyz", Doubt.UNREADABLE, id="no hex"),
        pytest.param("nonsense", Doubt.UNREADABLE, id="nothing of it"),
        pytest.param(f"t={NOW}," + f"v1={FALSE}," * MAX_SIGNATURES + f"v1={RIGHT}", Doubt.TOO_LONG, id="too many"),
    ],
)
def test_every_other_header_of_stripe_is_refused(header: str, doubt: Doubt) -> None:
    assert stripe_verdict(header) == Unverified(doubt, "header stripe-signature")


def test_stripes_prefix_is_part_of_the_key() -> None:
    """Unlike in Standard Webhooks, `whsec_` and all that follows is the key as it stands."""
    assert stripe_verdict(f"t={NOW},v1={RIGHT}", NEW.removeprefix("whsec_")) == Unverified(
        Doubt.MISMATCH, "header stripe-signature"
    )


def test_while_both_sides_roll_their_secrets_any_common_one_is_enough() -> None:
    header = f"t={NOW},v1={FALSE},v1={RIGHT}"
    assert stripe_verdict(header, OLD, NEW) == Verified(secret=1)


@pytest.mark.parametrize("version", ["v1=", "v0", "V0=", "", "v0=="])
def test_slack_and_zoom_know_version_0_alone(version: str) -> None:
    for sender, call, header in [
        (Slack((NEW.encode(),)), slack(NEW), "x-slack-signature"),
        (Zoom((NEW.encode(),)), zoom(NEW), "x-zm-signature"),
    ]:
        (value,) = call.values(header)
        other = with_header(call, header, version.encode() + value.removeprefix(b"v0="))
        assert sender.verify(other) == Unverified(Doubt.UNREADABLE, f"header {header}")


def test_a_call_of_slack_is_none_of_zoom() -> None:
    assert Zoom((NEW.encode(),)).verify(slack(NEW)) == Unverified(Doubt.MISSING, "header x-zm-request-timestamp")
    assert Slack((NEW.encode(),)).verify(zoom(NEW)) == Unverified(Doubt.MISSING, "header x-slack-request-timestamp")
