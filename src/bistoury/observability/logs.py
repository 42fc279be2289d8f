"""Every sentence bistoury logs, and at which level: the only place with wording."""

from __future__ import annotations

import logging
from collections.abc import Callable
from logging import DEBUG, ERROR, INFO, WARNING
from typing import Any

from ..errors import ProtocolError
from ..mailbox import Handler, name_of
from ..session import Cause
from ..session import notices as heard
from ..session.notices import Notice
from .addresses import shorten
from .audited import Audited
from .failures import brief, log_failure, sentence_of
from .repeats import Bursts, Repeats
from .rotated import Rotated
from .slowness import SlowHandler
from .structured import FIELD, fields_of, sentence

_LEVELS: dict[type[Any], int] = {
    heard.StateChanged: DEBUG,
    heard.Connected: INFO,
    heard.Ready: INFO,
    heard.Stable: DEBUG,
    heard.Disconnected: WARNING,
    heard.Reconnecting: INFO,
    heard.Granted: DEBUG,
    heard.Started: DEBUG,
    heard.Refused: WARNING,
    heard.AskedAgain: WARNING,
    heard.Stale: WARNING,
    heard.Gap: WARNING,
    heard.Degraded: WARNING,
    heard.Down: WARNING,
    heard.BreakerChanged: WARNING,
    heard.Probing: INFO,
    heard.NoMessages: WARNING,
    heard.VenueComplained: DEBUG,
}

_MORE_GAPS = (
    "more gaps %s (%s): not each is logged within a minute; incidents and the event"
    " gap name them"
)

# Said by every subscription, or by a venue in distress hundreds of times a second.
_REPEATING = (heard.VenueComplained, heard.AskedAgain, heard.Refused)


class Logs:
    """Writes notices and troubles to one logger."""

    def __init__(self, logger: logging.Logger, repeats: Repeats | None = None) -> None:
        self._logger = logger
        self._repeats = repeats or Repeats()
        self._bursts = Bursts(clock=self._repeats.clock)
        self._before: dict[int, int] = {}
        """What had been received when a connection opened, by its number."""

    def observe(
        self, notice: Notice, facts: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        """Log what happened; of a loss, with the ``facts`` that were known then."""
        before = self._received_before(notice, facts)
        level = _LEVELS.get(type(notice), DEBUG)
        if isinstance(notice, heard.Disconnected) and notice.cause is Cause.USER:
            level = INFO  # asked for, so nothing to worry about
        if not self._logger.isEnabledFor(level):
            return
        text = shorten(str(notice))
        if isinstance(notice, _REPEATING) and not self._repeats.occurred(text):
            return
        if isinstance(notice, heard.Gap):
            number = self._bursts.occurred((notice.status, notice.cause))
            if number > self._bursts.most + 1:
                return
            if number > self._bursts.most:
                self._logger.log(level, _MORE_GAPS, notice.status, notice.cause)
                return
        fields = fields_of(notice)
        if facts is not None and isinstance(notice, heard.Disconnected):
            known = facts()
            known["messages_received"] -= before
            fields |= known
            if notice.was_open:
                text = f"{text}; {sentence(known)}"
        self._logger.log(level, "%s", text, extra={FIELD: fields})

    def _received_before(
        self, notice: Notice, facts: Callable[[], dict[str, Any]] | None
    ) -> int:
        """Return what came before the connection that is lost opened."""
        if isinstance(notice, heard.Connected) and facts is not None:
            self._before[notice.connection_id] = facts()["messages_received"]
        if isinstance(notice, heard.Disconnected):
            return self._before.pop(notice.connection_id, 0)
        return 0

    def audited(self, verdict: Audited) -> None:
        """Log what an audit found out: loudly if something is missing."""
        level = DEBUG if verdict.status == "complete" else WARNING
        self._logger.log(level, "audit of %s", verdict)

    def rotated(self, news: Rotated, received: int) -> None:
        """Log that a connection was replaced; it hands ``received`` on to the next."""
        if news.connection_id in self._before:
            self._before[news.connection_id] += received
        self._logger.info("%s", news)

    def unreadable(self, error: ProtocolError) -> None:
        """Log a frame that could not be read: once a minute per kind, no payload."""
        times = self._repeats.occurred(("unreadable", error.channel))
        if times:
            self._logger.warning(
                "skipped what could not be read on %s (%d times): %s",
                shorten(error.channel) or "the connection",
                times,
                shorten(error.detail),
            )

    def journal_failed(self, error: OSError) -> None:
        """Log that the journal cannot be written; nothing else depends on it."""
        self._logger.warning("no journal from here on: %s", error)

    def unreconciled(self, subscription: object, error: Exception) -> None:
        """Log that a feed's history could not be read: once a minute per feed."""
        if self._repeats.occurred(("unreconciled", str(subscription))):
            self._logger.warning(
                "%s: what was missed could not be read, trying again: %s",
                shorten(str(subscription)),
                shorten(str(error)),
            )

    def handler_failed(self, handler: Handler, error: BaseException) -> None:
        """Log what a handler raised: the traceback first, then a count a minute."""
        name = brief(name_of(handler))
        kind = ("handler", id(handler), type(error))
        is_first = not self._repeats.has(kind)
        times = self._repeats.occurred(kind)
        if is_first:
            text = f"handler {name} raised {sentence_of(error)}"
            log_failure(self._logger, ERROR, text, error)
        elif times:
            self._logger.error(
                "handler %s raised %s %d times more", name, type(error).__name__, times
            )

    def slow(self, news: SlowHandler) -> None:
        """Log that a handler takes its time: once a minute per handler."""
        times = self._repeats.occurred(("slow", news.handler))
        if times:
            self._logger.warning("%s (%d such calls)", shorten(str(news)), times)

    def overflowed(self, handler: Handler, gap: heard.Gap) -> None:
        """Log that a slow handler misses messages."""
        times = self._repeats.occurred(("overflow", id(handler), str(gap.subscription)))
        if times:
            self._logger.warning(
                "handler %s is too slow for %s: it misses messages",
                brief(name_of(handler)),
                shorten(str(gap.subscription)),
            )
