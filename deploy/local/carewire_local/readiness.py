"""Asks a service whether it is ready, and if not, why."""

from functools import cache

import httpx

_TIMEOUT_S = 2.0
_LONGEST_REASON = 500


@cache
def _client() -> httpx.Client:
    # Made once, and without certificates: loading them costs more than everything else that a start of services asks.
    return httpx.Client(timeout=_TIMEOUT_S, trust_env=False, verify=False)  # noqa: S501 (plain HTTP on loopback)


def why_not_ready(url: str) -> str | None:
    """Return None when `url`/readyz says 200; else the reason in a few words."""
    try:
        answer = _client().get(f"{url}/readyz", headers={"connection": "close"})
    except httpx.HTTPError as error:
        return f"does not answer on {url} ({type(error).__name__})"
    if answer.status_code == httpx.codes.OK:
        return None
    return f"answers {answer.status_code}: {answer.text[:_LONGEST_REASON]}"
