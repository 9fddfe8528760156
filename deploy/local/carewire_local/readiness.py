"""Asks a service whether it is ready, and if not, why."""

import httpx

_TIMEOUT_S = 2.0
_LONGEST_REASON = 500


def why_not_ready(url: str) -> str | None:
    """Return None when `url`/readyz says 200; else the reason in a few words."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        return f"does not answer on {url} ({type(error).__name__})"
    if answer.status_code == httpx.codes.OK:
        return None
    return f"answers {answer.status_code}: {answer.text[:_LONGEST_REASON]}"
