"""
Can the data be trusted? One word, one line, and the reasons; decided only here.

Pages, metrics, the terminal, log lines and alerts all repeat what is said here.
"""

from __future__ import annotations

from enum import StrEnum, auto
from typing import TYPE_CHECKING

import msgspec

from ..session import State
from .addresses import shorten
from .handlers import late

if TYPE_CHECKING:
    from ..session import Session
    from .health import View


class Standing(StrEnum):
    """How much of what is wanted can be trusted."""

    OK = auto()
    """Live, proven to carry data, and nothing wanted is amiss."""
    DEGRADED = auto()
    """Live, but something wanted is refused, stale or not reconciled."""
    DOWN = auto()
    """Not live."""


class Verdict(msgspec.Struct, frozen=True):
    """A standing with its reasons."""

    standing: Standing
    reasons: tuple[str, ...] = ()
    is_off: bool = False
    """Whether nobody asks for data: before ``connect``, after ``disconnect``."""
    is_settling: bool = False
    """Whether nothing is amiss but that the connection has to prove itself first."""

    @property
    def kind(self) -> str:
        """What a timeline shows: the standing, or ``off``."""
        return "off" if self.is_off else str(self.standing)


def verdict_of(view: View) -> Verdict:
    """Decide how things are."""
    amiss = _of_data(view)
    reasons = (*_of_connection(view), *amiss)
    if not view.is_live:
        return Verdict(Standing.DOWN, reasons, is_off=_is_off(view))
    standing = Standing.DEGRADED if reasons else Standing.OK
    return Verdict(standing, reasons, is_settling=bool(reasons) and not amiss)


def _is_off(view: View) -> bool:
    if not view.is_attached or view.state is State.CLOSING:
        return True
    # On its way for the first time: nobody can have missed anything yet.
    return not view.session.is_lost and view.monitor.lost_at is None


def reasons_for(view: View) -> list[str]:
    """Return why things are not well, as sentences; empty when they are."""
    return _of_connection(view) + _of_data(view)


def _of_connection(view: View) -> list[str]:
    session = view.session
    if not view.is_live:
        why = f", last error: {session.last_error}" if session.last_error else ""
        return [f"not live ({view.state}{why})"]
    if not session.is_ready:
        return ["connected, but not yet proven to carry data"]
    if view.due:
        names = sorted(map(str, view.due))
        return [f"not acknowledged yet: {some(names)}"]
    return []


def _of_data(view: View) -> list[str]:
    """Return what is amiss with feeds, where no other line helps, and with readers."""
    fresh, reasons = view.fresh, list[str]()
    for each in _counting(view):
        said = each.conversation.reasons(view.now, fresh)
        reasons += [it for it in said if it not in reasons]
    return reasons + late(view.readers)


def _counting(view: View) -> list[Session]:
    """Return the sessions that know how things are: others stand in for the rest."""
    if not view.is_live:
        return view.sessions
    return [each for each in view.sessions if each.state is State.LIVE]


def unready(view: View) -> list[str]:
    """
    Return why the data should not be relied on yet; empty when it may be.

    Ready is every wanted subscription granted, spoken and fresh. A refused one holds
    readiness back no more than it holds ``wait_ready`` back.
    """
    if not view.is_ready:
        reasons = reasons_for(view)
        waiting = "not every wanted subscription has said its first word"
        return reasons or [waiting]
    names = sorted(str(it) for it in view.entries.keys() - view.fresh)
    return [f"stale or late: {some(names)}"] if names else []


def line_for(verdict: Verdict, view: View) -> str:
    """Return the verdict as one line that a person can act on."""
    if verdict.is_off:
        return f"off: {view.state}"
    if verdict.standing is Standing.OK:
        count = sum(not entry.refusal for entry in view.entries.values())
        plural = "" if count == 1 else "s"
        age = "no data yet"
        if view.data_at is not None:
            age = f"newest data {max(0.0, view.now - view.data_at):.1f} s old"
        return f"ok: {count} subscription{plural} live, {age}"
    text = shorten(some(list(verdict.reasons), 2, "; "))
    if verdict.standing is Standing.DEGRADED:
        return f"degraded: {text}"
    lost_at = view.monitor.lost_at
    since = f" for {_lasted(view)}" if lost_at is not None else ""
    return f"down{since}{_next(view)}: {text}"


def _lasted(view: View) -> str:
    lost_at = view.monitor.lost_at
    assert lost_at is not None
    seconds = max(0.0, (view.monitor.clock() - lost_at).total_seconds())
    return in_words(seconds)


def _next(view: View) -> str:
    if view.state is not State.BACKOFF:
        return ""
    wait = max(0.0, view.session.retry_at - view.now)
    return f", attempt #{view.monitor.attempts} in {wait:.1f} s"


def in_words(seconds: float) -> str:
    """Return a duration as people say it: ``3.2 s``, ``4 min 10 s``, ``2 h 5 min``."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def some(names: list[str], most: int = 5, between: str = ", ") -> str:
    """Return the first of many, and how many more there are."""
    shown = between.join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
