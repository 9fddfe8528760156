"""Reading answers off a connection: of each the status, what the log keeps, and no more bytes than are worth reading.

A body is read so that its connection can be used again, and so that the log can show how it begins; it is never
unpacked.
"""

from typing import Final

import httptools

from carewire_dispatcher.domain.classify import Answer
from carewire_dispatcher.domain.exchange import KEPT_ANSWER_HEADERS

HEAD_MAX: Final = 32 * 1024
"""Bytes up to the end of an answer's head, with the interim answers (1xx) that came before it."""
BODY_MAX: Final = 16 * 1024
"""Bytes of a body, as they come over the wire, that are read before opening another connection is the cheaper way."""

_PIECE: Final = 16 * 1024
"""The parser is given this much at a time: what comes in one read may be many times what we would look at."""
_RETRY_AFTER: Final = b"retry-after"
_SWITCHING_PROTOCOLS: Final = 101


class AnswerReader:
    """Reads the answers of one connection one after another. Between them `begin` has to be called.

    `answer` is there as soon as its head is; `reusable` says that it was read to its end, and that the receiver
    means to go on.
    """

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.reusable = False
        self._room = HEAD_MAX
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._is_complete = False
        self._parser = httptools.HttpResponseParser(self)
        # As forgiving as others are: lines that end with a mere LF, and control characters in headers.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    def begin(self) -> None:
        """Get ready for the answer to a call that is about to be written."""
        self.answer = None
        self.reusable = False
        self._room = HEAD_MAX
        self._body = []
        self._is_complete = False

    def feed(self, data: bytes) -> bool:
        """Take what came. Returns whether nothing further is wanted: it is complete, too much, or no HTTP."""
        if len(data) <= _PIECE:
            return self._feed(data)
        pieces = memoryview(data)
        for start in range(0, len(data), _PIECE):
            if self._feed(pieces[start : start + _PIECE]):
                self.reusable = self.reusable and start + _PIECE >= len(data)
                return True
        return False

    def told(self) -> Answer | None:
        """Return the answer with as much of its body as came, and let go of that; None where there is no answer."""
        answer, parts = self.answer, self._body
        if answer is None or not parts:
            return answer
        self._body = []  # the connection may lie idle from now on
        return Answer(answer.status, answer.retry_after, answer.headers, b"".join(parts)[:BODY_MAX])

    def _feed(self, piece: bytes | memoryview) -> bool:
        head_was_there = self.answer is not None
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            return True
        if self.answer is not None and not head_was_there:
            self._room = BODY_MAX
        else:
            self._room -= len(piece)
        return self._is_complete or self._room < 0

    def on_message_begin(self) -> None:
        """Begin an answer: an interim one, the one that is waited for, or one that nobody asked for."""
        self._headers = []
        if self._is_complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header if it matters."""
        lowered = name.lower()
        if lowered in KEPT_ANSWER_HEADERS:
            self._headers.append((lowered, value))

    def on_headers_complete(self) -> None:
        """Note the answer, unless it is an interim one."""
        status = self._parser.get_status_code()
        if self.answer is None and (status >= 200 or status == _SWITCHING_PROTOCOLS):
            self.answer = Answer(status, self._retry_after(), tuple(self._headers))

    def _retry_after(self) -> str | None:
        for name, value in self._headers:
            if name == _RETRY_AFTER:
                return value.decode("latin-1")
        return None

    def on_body(self, part: bytes) -> None:
        """Keep what came of the body; `feed` ends what is too long."""
        if not self._is_complete:
            self._body.append(part)

    def on_message_complete(self) -> None:
        """Note that the answer was read to its end."""
        if self.answer is not None and not self._is_complete:
            self._is_complete = True
            self.reusable = self._parser.should_keep_alive()
