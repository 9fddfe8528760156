"""From a verdict to its record on Kafka."""

from datetime import datetime, timedelta
from typing import Final, Literal

from carewire_contracts.envelope import Envelope, Headers
from carewire_contracts.record import record
from carewire_contracts.requests import AcceptedRequest, RefusedRequest
from carewire_contracts.topics import Topic, Topics
from carewire_ingress.domain.admit import Accepted, Admission, Rejected
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.webhook import IncomingWebhook

SOURCE: Final = "carewire/ingress"
ACCEPTED_TYPE: Final = "carewire.ingress.request.accepted"
REFUSED_TYPE: Final = "carewire.ingress.request.refused"

LIFE: Final = timedelta(seconds=10)
"""How long a record may wait to be appended: twice the 5 s within which its call is answered 202, so that no
error of the learned clock can expire what was accepted."""


@record(repr=False)
class RequestRecord:
    """A record that is ready to be appended. `expires_at` is None where it may be appended at any time."""

    topic: Topic
    key: bytes
    value: bytes
    headers: Headers
    expires_at: datetime | None


class RequestRecords:
    """Writes records of one deployment."""

    def __init__(self, topics: Topics, tenant_id: str) -> None:
        self._accepted_topic = topics.requests
        self._refused_topic = topics.refused
        self._tenant_id = tenant_id

    def of(
        self, webhook: IncomingWebhook, call: Call, verdict: Admission, received_at: datetime, traceparent: str
    ) -> RequestRecord:
        """The record of a call: a test is never an accepted request, whatever the verdict."""
        if isinstance(verdict, Accepted) and not call.is_test:
            return self._accepted(webhook, call, verdict, received_at, traceparent)
        return self._refused(webhook, call, verdict, received_at, traceparent)

    def _accepted(
        self, webhook: IncomingWebhook, call: Call, verdict: Accepted, received_at: datetime, traceparent: str
    ) -> RequestRecord:
        request = AcceptedRequest(
            request_id=call.request_id,
            tenant_id=self._tenant_id,
            webhook_id=webhook.id,
            definition_id=webhook.definition_id,
            release_id=verdict.release_id,
            start_key=verdict.start_key,
            body_digest=verdict.body_digest,
            received_at=received_at,
            expires_at=received_at + LIFE,
            identifiers=verdict.identifiers,
            data_points=verdict.data_points,
            content_type=call.content_type,
            payload=call.body,
            resubmission_of=call.resubmission_of,
        )
        headers = _headers(call, ACCEPTED_TYPE, received_at, traceparent)
        return RequestRecord(
            self._accepted_topic, call.request_id.encode(), request.encode(), headers, request.expires_at
        )

    def _refused(
        self, webhook: IncomingWebhook, call: Call, verdict: Admission, received_at: datetime, traceparent: str
    ) -> RequestRecord:
        status: Literal["REJECTED", "TEST"] = "TEST" if call.is_test else "REJECTED"
        request = RefusedRequest(
            request_id=call.request_id,
            tenant_id=self._tenant_id,
            webhook_id=webhook.id,
            definition_id=webhook.definition_id,
            status=status,
            received_at=received_at,
            reasons=verdict.reasons if isinstance(verdict, Rejected) else (),
            data_points=verdict.data_points,
            content_type=call.content_type,
            payload=call.body,
            resubmission_of=call.resubmission_of,
        )
        headers = _headers(call, REFUSED_TYPE, received_at, traceparent)
        return RequestRecord(self._refused_topic, call.request_id.encode(), request.encode(), headers, None)


def _headers(call: Call, event_type: str, time: datetime, traceparent: str) -> Headers:
    envelope = Envelope(call.request_id, event_type, SOURCE, time, subject=call.request_id)
    return envelope.headers(traceparent)
