"""Whether a receiver is in the hands of whoever enters its address: it has to echo a challenge.

The challenge goes the way of every delivery: signed, with the endpoint's headers, to addresses that may be called.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson

from carewire_dispatcher.adapters.attempter import USER_AGENT
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.sender import Call, Caller
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.signature import signed_headers
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id

EVENT_TYPE: Final = "endpoint.verification"
"""What the challenge calls itself. Nobody subscribes to it."""
_CHALLENGE_BYTES: Final = 24


class Ownership:
    """Asks receivers."""

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock

    async def fault(
        self, endpoint: Endpoint, url: str | None = None, headers: Mapping[str, str] | None = None
    ) -> str | None:
        """Say why a receiver did not prove to be the endpoint's, None if it did. Address and headers may be new."""
        asked = replace(
            endpoint,
            url=endpoint.url if url is None else url,
            headers=endpoint.headers if headers is None else headers,
        )
        challenge = secrets.token_urlsafe(_CHALLENGE_BYTES)
        return _fault(await self._caller.send(self._call(asked, challenge)), challenge)

    def _call(self, endpoint: Endpoint, challenge: str) -> Call:
        now = millis(self._clock)
        body = orjson.dumps({"event_type": EVENT_TYPE, "endpoint_id": endpoint.id, "challenge": challenge})
        signed = signed_headers(
            endpoint.secrets_at(now),
            new_id(),
            now // 1000,
            body,
            ed25519_keys=endpoint.ed25519_keys_at(now),
            rsa_key=endpoint.rsa_key,
        )
        ours = {"content-type": "application/json", "user-agent": USER_AGENT}
        return Call(endpoint.url, {**endpoint.headers, **ours, **signed}, body, endpoint.timeout_s)


def _fault(result: Answer | Failure, challenge: str) -> str | None:
    if isinstance(result, Failure):
        return f"the receiver could not be asked: {result}"
    if not result.is_success:
        return f"the receiver answered {result.status}; it has to answer 2xx with the challenge"
    if not _echoes(result.body, challenge):
        return 'the receiver did not echo the challenge; it has to answer {"challenge": "<the one it was sent>"}'
    return None


def _echoes(body: bytes, challenge: str) -> bool:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.strip() == challenge.encode()
    return isinstance(answer, dict) and answer.get("challenge") == challenge
