"""Bodies in JSON, where a handshake or a shared secret stands."""

import orjson


def json_object(body: bytes) -> dict[str, object]:
    """The JSON object that a body is; an empty one for anything else."""
    try:
        value = orjson.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
