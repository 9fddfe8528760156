"""One HTTP call to an incoming webhook, as the decision about it needs it."""

from collections.abc import Mapping

from carewire_contracts.record import record


@record(repr=False)
class Call:
    """A call. `content_type` is the bare media type; names in `headers` are in lower case.

    A test call is validated like any other, also while the webhook is disabled, and starts nothing.
    `resubmission_of` is the request that staff sent again, None for a call of a third party.
    """

    request_id: str
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    is_test: bool = False
    resubmission_of: str | None = None
