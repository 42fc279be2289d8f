"""What is sent: values, and how they read."""

from __future__ import annotations

import msgspec

OPEN = "open"
CLOSE = "close"
DIGEST = "digest"
TEST = "test"

_MARKS = {OPEN: "🔴", CLOSE: "🟢", DIGEST: "📋", TEST: "🔵"}


class Message(msgspec.Struct, frozen=True):
    """One message to people; nothing in it is secret."""

    kind: str
    """``open``, ``close``, ``digest`` or ``test``."""
    rule: str
    key: str
    """The same for the opening and the closing of one incident."""
    severity: str
    """``critical``, ``warning`` or ``info``."""
    title: str
    body: str = ""

    def __str__(self) -> str:
        text = f"{_MARKS[self.kind]} {self.title}"
        return f"{text}\n{self.body}" if self.body else text
