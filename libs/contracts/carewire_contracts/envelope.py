"""CloudEvents 1.0 on Kafka, in binary mode: attributes are `ce_*` headers, the value is the data as it is.

Source: CloudEvents specification 1.0.2, its Kafka protocol binding, section 3.2, and its extension "Sequence".
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Self

from carewire_contracts.record import record
from carewire_contracts.timestamps import format_timestamp, parse_timestamp

Headers = list[tuple[str, bytes]]

SPECVERSION: Final = "1.0"
_SPECVERSION_HEADER: Final = ("ce_specversion", SPECVERSION.encode())
_SEQUENCE_DIGITS: Final = 10
"""The extension wants sequences that sort as text; no care flow comes to ten thousand million events."""
JSON_CONTENT_TYPE: Final = b"application/json"
_CONTENT_TYPE_HEADER: Final = ("content-type", JSON_CONTENT_TYPE)


class EnvelopeError(ValueError):
    """The headers are no CloudEvents 1.0 envelope; the text names what is missing. Trying again cannot help."""


@record()
class Envelope:
    """What is known of an event without its data. `id` is the same each time that the event is seen again.

    `sequence` is the number of the event among those of its subject, from 1 and without a gap; events of care flows
    have one. The extension speaks of the events of a source, so `sequencetype`, which would say so too, is not sent.
    """

    id: str
    type: str
    source: str
    time: datetime
    subject: str | None = None
    sequence: int | None = None

    def headers(self, traceparent: str | None = None) -> Headers:
        """Write the attributes as Kafka headers; `traceparent` is W3C Trace Context, for one trace across Kafka."""
        return Heading(self.source, self.time, self.subject, traceparent).headers(self.id, self.type, self.sequence)

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes]]) -> Self:
        """Read the attributes from Kafka headers.

        Raises EnvelopeError naming every attribute that is missing or unreadable.
        """
        found = {name: value.decode("utf-8", "replace") for name, value in headers}
        missing = [f"ce_{name}" for name in ("id", "type", "source", "time") if f"ce_{name}" not in found]
        if missing:
            raise EnvelopeError(f"not a CloudEvents record: missing headers {', '.join(missing)}")
        if found.get("ce_specversion") != SPECVERSION:
            raise EnvelopeError(f"not a CloudEvents {SPECVERSION} record: check header ce_specversion")
        try:
            time = parse_timestamp(found["ce_time"])
        except ValueError:
            raise EnvelopeError("header ce_time is no timestamp with an offset") from None
        return cls(
            found["ce_id"],
            found["ce_type"],
            found["ce_source"],
            time,
            found.get("ce_subject"),
            _sequence(found.get("ce_sequence")),
        )


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise EnvelopeError("header ce_sequence is no number in digits")
    return int(text)


class Heading:
    """What events of one source, moment, subject and trace have in common: written once for all of them."""

    __slots__ = ("_shared",)

    def __init__(self, source: str, time: datetime, subject: str | None = None, traceparent: str | None = None) -> None:
        self._shared: Headers = [
            ("ce_source", source.encode()),
            ("ce_time", format_timestamp(time).encode()),
            _CONTENT_TYPE_HEADER,
        ]
        if subject is not None:
            self._shared.append(("ce_subject", subject.encode()))
        if traceparent is not None:
            self._shared.append(("traceparent", traceparent.encode()))

    def headers(self, event_id: str, event_type: str, sequence: int | None = None) -> Headers:
        """Write one event's attributes as Kafka headers."""
        written = [_SPECVERSION_HEADER, ("ce_id", event_id.encode()), ("ce_type", event_type.encode()), *self._shared]
        if sequence is not None:
            written.append(("ce_sequence", b"%0*d" % (_SEQUENCE_DIGITS, sequence)))
        return written


def header(headers: Iterable[tuple[str, bytes]], name: str) -> str | None:
    """One header's text, or None where it is absent."""
    for key, value in headers:
        if key == name:
            return value.decode("utf-8", "replace")
    return None
