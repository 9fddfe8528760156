"""Microsoft Graph change notifications: each repeats the `clientState` that was given when subscribing.

https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
"""

from typing import Final

from carewire_contracts.record import record
from carewire_ingress.domain.senders.json_body import json_object
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import equal_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge, Distrust, Doubt

_WHERE: Final = "clientState in the body"


@record(repr=False)
class MicrosoftGraph(Sender):
    """Microsoft Graph, its secrets being client states.

    A subscription begins with a `validationToken`, which is sent back decoded.
    """

    secrets: tuple[bytes, ...]

    def _check(self, call: SignedCall) -> int:
        notifications = json_object(call.body).get("value")
        if not isinstance(notifications, list) or not notifications:
            raise Distrust(Doubt.MISSING, _WHERE)
        return max([equal_secret(self.secrets, _client_state(one), _WHERE) for one in notifications])

    def _answer(self, call: SignedCall) -> Challenge | None:
        token = call.parameter("validationToken")
        return None if token is None else Challenge(token.encode())


def _client_state(notification: object) -> bytes:
    state = notification.get("clientState") if isinstance(notification, dict) else None
    if not isinstance(state, str):
        raise Distrust(Doubt.MISSING, _WHERE)
    return state.encode()
