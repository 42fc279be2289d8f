"""What the lines and the dispatcher tell the client, and whom the client tells."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..dispatcher import Dispatcher
from ..errors import BistouryError, ProtocolError
from ..mailbox import Handler, Mailbox, name_of
from ..observability.addresses import shorten
from ..observability.audited import Audited
from ..observability.listeners import Listeners
from ..observability.logs import Logs
from ..observability.monitor import Monitor
from ..observability.rotated import Rotated
from ..observability.slowness import SlowHandler
from ..observability.structured import loss_facts
from ..session import Cause, State, Subscription, Update
from ..session import effects as do
from ..session import events as on
from ..session import notices as heard
from ..session.model import PostReply, VenueError
from ..session.notices import Gap, Notice
from ..session.registry import Entry
from ..session.state import CONNECTED
from .auditor import Auditor
from .claims import Claims
from .errands import Errands
from .group import Group
from .limits import Account
from .line import Line
from .readiness import Readiness
from .requests import Requests
from .rotation import Rotation
from .viewing import Viewing


class Hearing(Requests, Viewing):
    """Passes on; decides nothing."""

    _monitor: Monitor
    _logs: Logs
    _listeners: Listeners
    _dispatcher: Dispatcher
    _claims: Claims
    _account: Account
    _errands: Errands
    _auditor: Auditor
    _rotation: Rotation
    _readiness: Readiness

    @property
    def deliver(self) -> Callable[[Entry, Update], None]:
        """What hands new data to its handlers."""
        return self._dispatcher.deliver

    def deliver_raw(self, line: Line, entry: Entry, update: Update) -> None:
        """Hand a frame to those who want it as it came."""
        self._dispatcher.deliver_raw(entry, update)

    def announce(self, line: Line, notice: Notice) -> None:
        """Let everybody hear what happened."""
        group = self._fleet.of(line)
        if isinstance(notice, heard.Gap):
            if group is not None:
                self._tell_gaps(line, group, group.coverage.hear(line, notice))
            return
        self._pass_on(line, notice, group)
        if isinstance(notice, heard.StateChanged | heard.Disconnected):
            self.ponged(line)

    def ponged(self, line: Line) -> None:
        """See what that proves, or refutes, of what lines were trusted with."""
        group = self._fleet.of(line)
        if group is not None:
            self._tell_gaps(line, group, group.coverage.look())

    def _tell_gaps(self, line: Line, group: Group, gaps: list[Gap]) -> None:
        for gap in gaps:
            self._pass_on(line, gap, group)
        for reader, wanted in group.coverage.take_reads():
            self._errands.start(self._read_history(reader, wanted))
        for other, subscription, since in group.coverage.take_doubts():
            self._doubt(other, subscription, since)

    def _pass_on(self, line: Line, notice: Notice, group: Group | None) -> None:
        is_gap = isinstance(notice, heard.Gap)
        is_backstage = not is_gap and self._rotation.is_backstage(line)
        has_moved = isinstance(notice, heard.StateChanged)
        if group is not None and _shows_how_it_goes(notice):
            group.counts = True
        if not is_backstage or has_moved:
            self._monitor.observe(notice, line, self._session.state)
        if not is_backstage:
            self._tally.observe(notice, self.now())
            self._rotation.observe(notice)
        session = line.session
        self._logs.observe(notice, lambda: loss_facts(session, self.now()))
        if isinstance(notice, heard.StateChanged) and notice.new not in CONNECTED:
            self._posts.lost(line)
        match notice:
            case heard.VenueComplained(kind, _, limit) if limit is not None:
                self._account.learn(kind, limit)
            case heard.Refused(subscription, will_retry=False) if group is not None:
                if group.refused(subscription) is not None:
                    self._claims.drop(subscription)
            case heard.Granted(subscription) if group is not None:
                # An answer may be late, and nobody wants it any more.
                if subscription in group.wanted and group.is_late(line, subscription):
                    group.coverage.joined(line, subscription)
                    self._doubt(
                        line, subscription, group.continuities[subscription].newest
                    )
            case heard.StateChanged(new=State.CLOSED) if self._fleet.is_resting:
                self._claims.end()
                self._has_come_to_rest()
            case _:
                pass
        ready = self._readiness.hear(notice, self.now(), is_backstage=is_backstage)
        if not is_backstage and not isinstance(notice, heard.Ready):
            self._tell(notice)
        if ready is not None:
            self._tell(ready)
        if isinstance(notice, heard.Gap):
            self._dispatcher.tell(notice)  # after the event: nobody reads past it
        self._waiting.look()

    def _has_come_to_rest(self) -> None:
        def end() -> None:
            if self._fleet.is_resting:
                self._end_streams()

        loop = self._supervisor.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon(end)  # not at once: gaps that come of it belong into them

    def _end_streams(self) -> None:
        """Let no reader wait for what nobody will bring."""
        for outlet in self._dispatcher.outlets():
            if not isinstance(outlet, Mailbox):
                outlet.close()

    def _doubt(self, line: Line, subscription: Subscription, since: int) -> None:
        """Let a line owe what another one may not have brought."""
        doubt = Cause.SILENT, subscription, since
        line.supervisor.feed(on.LossSuspected(line.session.connection_id, *doubt))

    def _tell(self, notice: Notice) -> None:
        self._chronicle.observe(notice)
        self._listeners.hear(notice)

    def backfill(self, line: Line, wanted: do.Backfill) -> None:
        """Read what a feed missed, without keeping anything else waiting."""
        group = self._fleet.of(line)
        if group is None or not group.coverage.spares(line, wanted):
            self._errands.start(self._read_history(line, wanted))

    def ticked(self, line: Line, now: float) -> None:
        """Take a sample, about once a second."""
        self.ponged(line)  # what it was trusted with may have come to nothing, too
        received = sum(it.session.conversation.received for it in self._fleet.lines)
        self._monitor.ticked(now, received)
        self._chronicle.look()
        self._auditor.ticked(now)
        self._dispatcher.look()
        self._posts.pump()
        self._rotation.ticked(now)

    def answered(self, line: Line, reply: PostReply | VenueError) -> None:
        """Hand an answer to whoever asked."""
        self._posts.answered(reply)

    def rotated(self, old: Line, new: Line, news: Rotated) -> None:
        """Tell that another connection took over."""
        self._monitor.succeeded(old, new)
        self._logs.rotated(news, old.session.conversation.received)
        self._listeners.hear(news)

    def audited(self, verdict: Audited) -> None:
        """Tell what an audit of trades found out."""
        self._logs.audited(verdict)
        self._listeners.hear(verdict)

    def unreadable(self, line: Line, error: ProtocolError) -> None:
        """Count what could not be read."""
        self._monitor.unreadable += 1
        self._logs.unreadable(error)

    def handler_failed(self, handler: Handler, error: BaseException) -> None:
        """Count what a handler raised."""
        self._monitor.handler_errors += 1
        self._logs.handler_failed(handler, error)

    def handler_slow(self, handler: Handler, seconds: float, waiting: int) -> None:
        """Tell of a handler that takes its time."""
        news = SlowHandler(shorten(name_of(handler)), seconds, waiting)
        self._monitor.slow_calls += 1
        self._logs.slow(news)
        self._listeners.hear(news)

    def overflowed(self, handler: Handler, gap: heard.Gap) -> None:
        """Tell of what a slow handler had no room for."""
        self._logs.overflowed(handler, gap)
        self._monitor.lacked_room(gap)
        self._tally.observe(gap)
        self._chronicle.observe(gap)
        self._listeners.hear(gap)

    def gave_up(self, subscription: Subscription) -> None:
        """Settle the gap of a feed that nobody wants any more: it stays a hole."""
        gap = self._monitor.open_gaps.get(subscription)
        if gap is not None:
            settled = msgspec.structs.replace(
                gap,
                until=max(gap.since or 0, self._venue_now()),
                status="unrecoverable",
                note="given up: nobody wants this feed any more",
            )
            self._monitor.observe(settled)
            self._tally.observe(settled)
            self._logs.observe(settled)
            self._tell(settled)
            self._dispatcher.tell(settled)
        self._monitor.forget(subscription)

    def missed(self, rows: int) -> None:
        """Count what a slow handler had no room for."""
        self._monitor.overflowed += rows

    async def _read_history(self, line: Line, wanted: do.Backfill) -> None:
        from . import history  # noqa: PLC0415 -- REST costs those who never need it

        try:
            found = await history.read(self.info, wanted)
        except (BistouryError, LookupError, TypeError, ValueError) as error:
            self._logs.unreconciled(wanted.subscription, error)
            line.supervisor.backfilled(wanted, None, complete=False)
        else:
            line.supervisor.backfilled(
                wanted,
                found.updates,
                complete=found.is_complete,
                trails=found.trails,
            )


def _shows_how_it_goes(notice: Notice) -> bool:
    """Whether a new connection is not just on its way any more."""
    if isinstance(notice, heard.StateChanged):
        return notice.new in (State.LIVE, State.CLOSED)
    return isinstance(notice, heard.Disconnected)
