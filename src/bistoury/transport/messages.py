"""
When frames make a message, and when they break RFC 6455.

Pure: frames in, messages out. The connection sends the usual case, a whole
text frame, past this; all else comes here.
"""

from __future__ import annotations


class ViolationError(Exception):
    """The peer broke a rule; ``code`` is what to close with."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def is_utf8(data: bytes) -> bool:
    """Tell whether ``data`` is text."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_valid_close_code(code: int) -> bool:
    """Tell whether a peer may send ``code`` (RFC 6455 §7.4, IANA's registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999  # noqa: PLR2004


class Assembly:
    """Joins the fragments of one message at a time, within bounds."""

    def __init__(self, max_size: int, max_fragments: int) -> None:
        self._max_size = max_size
        self._max_fragments = max_fragments
        self._parts = bytearray()
        self._count = 0
        self.is_text = True
        self.is_open = False
        """Whether a message has begun and not ended."""

    def begin(self, data: bytes, *, is_text: bool, fin: bool) -> bytes | None:
        """Take the first fragment; return the message if it is the last too."""
        if self.is_open:
            raise ViolationError(1002, "a new message began inside a fragmented one")
        self.is_text = is_text
        self.is_open = True
        return self._add(data, fin=fin)

    def go_on(self, data: bytes, *, fin: bool) -> bytes | None:
        """Take a further fragment; return the message if it is the last."""
        if not self.is_open:
            raise ViolationError(1002, "a continuation of nothing")
        return self._add(data, fin=fin)

    def _add(self, data: bytes, *, fin: bool) -> bytes | None:
        self._count += 1
        if len(self._parts) + len(data) > self._max_size:
            raise ViolationError(1009, f"a message above {self._max_size} bytes")
        if self._count > self._max_fragments:
            raise ViolationError(1009, f"above {self._max_fragments} fragments")
        self._parts += data
        if not fin:
            return None
        message = bytes(self._parts)
        self._parts = bytearray()
        self._count = 0
        self.is_open = False
        if self.is_text and not is_utf8(message):
            raise ViolationError(1007, "text that is not UTF-8")
        return message
