"""
Whether every trade was delivered, measured by the venue's own bars.

The venue numbers nothing, but a bar of one minute says how many trades it is made
of and how much was traded. A minute is judged when none of it can move any more: a
later bar came, nothing about it changed for a grace, and no gap is open over it.
What does not agree is checked with the venue's history before it is said.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import inf
from typing import Any

import msgspec

from ..observability.audited import Audited
from ..session.notices import Gap

MINUTE = 60_000
MOST_MINUTES = 120
"""Minutes of a coin that are remembered, so that a late trade can correct them."""

CALIBRATED_AFTER = 60
"""Complete minutes in a row, without a gap, that prove bars and trades to agree."""

Row = dict[str, Any]


@dataclass(slots=True)
class _Minute:
    """What was delivered of one minute, and what its bar says."""

    count: int = 0
    size: Decimal = Decimal(0)
    bar_count: int | None = None
    bar_size: Decimal = Decimal(0)
    changed_at: float = inf
    is_open: bool = True
    """Whether there is something to judge."""
    is_asked: bool = False
    is_checked: bool = False
    """Whether the venue's history was read, or could not be."""
    is_confirmed: bool = False
    said: Audited | None = None


@dataclass(slots=True)
class TradeAudit:
    """The audit of one coin."""

    coin: str
    grace: float
    """How long a closed minute must have been at rest, in seconds."""
    is_calibrated: bool = False
    known_until: int = 0
    """Venue time of the newest trade or bar that came before the audit began."""
    minutes: dict[int, _Minute] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    missing_size: Decimal = Decimal(0)
    _first: int | None = None
    """The newest minute that the audit saw only a part of."""
    _newest: int = -1
    _streak: int = 0
    _open: dict[str, int] = field(default_factory=dict)
    """The first minute of each feed's open gap."""
    _gaps: deque[Gap] = field(default_factory=lambda: deque(maxlen=MOST_MINUTES))

    def take_trades(self, rows: Iterable[Row], now: float) -> None:
        """Count trades that were delivered: each comes here once."""
        for row in rows:
            minute = self._minute(int(row["time"]), now)
            if minute is not None:
                minute.count += 1
                minute.size += _decimal(row["sz"])

    def take_bar(self, row: Row, now: float, *, is_followed: bool) -> None:
        """Take a version of a bar; ``is_followed``: the trades are subscribed to."""
        number = int(row["t"]) // MINUTE
        if self._first is None:
            if not is_followed:
                return
            # What was traded of this minute before anybody listened is unknown.
            self._first = max(number, self.known_until // MINUTE)
        if number > self._newest:
            for each in self.minutes.values():
                each.changed_at = now if each.is_open else each.changed_at
            self._newest = number
        self._note_bar(row, now)

    def take_gap(self, gap: Gap) -> None:
        """Hear of a gap in the trades or the bars."""
        feed = gap.subscription.feed
        if gap.status == "open":
            self._open[feed] = (gap.since or 0) // MINUTE
            return
        self._open.pop(feed, None)
        if gap.status == "unrecoverable" and feed == "trades":
            self._gaps.append(gap)

    def judge(self, now: float) -> list[Audited]:
        """Return what can be said now that could not be said before."""
        found: list[Audited] = []
        for number in sorted(self.minutes):
            minute = self.minutes[number]
            if self._may_be_judged(number, minute, now):
                verdict = self._verdict(number, minute)
                if verdict is not None:
                    found.append(verdict)
        self._forget()
        return found

    def take_questions(self) -> list[int]:
        """Return the minutes (venue ms) whose bars must be read from the history."""
        asked = []
        for number, minute in sorted(self.minutes.items()):
            if minute.is_asked:
                minute.is_asked = False
                asked.append(number * MINUTE)
        return asked

    def ask_again(self, asked: list[int]) -> None:
        """Take back the question about some minutes: nobody will answer it."""
        for moment in asked:
            if moment // MINUTE in self.minutes:
                self.minutes[moment // MINUTE].is_open = True

    def take_history(
        self, asked: list[int], rows: list[Row] | None, now: float
    ) -> None:
        """Take the bars of minutes that were asked for; ``None``: not to be had."""
        for row in rows or ():
            self._note_bar(row, now)
        for moment in asked:
            minute = self.minutes.get(moment // MINUTE)
            if minute is not None:
                minute.is_open = minute.is_checked = True
                minute.is_confirmed = rows is not None
                minute.changed_at = min(minute.changed_at, now - self.grace)

    def _minute(self, time: int, now: float) -> _Minute | None:
        """Return the minute of a moment, about to change, unless it is not judged."""
        number = time // MINUTE
        if self._first is not None and number <= self._first:
            return None
        minute = self.minutes.setdefault(number, _Minute())
        minute.changed_at, minute.is_open, minute.is_checked = now, True, False
        return minute

    def _note_bar(self, row: Row, now: float) -> None:
        known = self.minutes.get(int(row["t"]) // MINUTE)
        if known is not None and known.bar_count is not None:
            if int(row["n"]) <= known.bar_count:
                return
        elif not int(row["n"]):
            return  # a history may fill quiet minutes with bars of nothing
        minute = self._minute(int(row["t"]), now)
        if minute is not None:
            minute.bar_count, minute.bar_size = int(row["n"]), _decimal(row["v"])

    def _may_be_judged(self, number: int, minute: _Minute, now: float) -> bool:
        return (
            minute.is_open
            and not minute.is_asked
            and self._first is not None
            and self._first < number < self._newest
            and now - minute.changed_at >= self.grace
            and all(number < since for since in self._open.values())
        )

    def _verdict(self, number: int, minute: _Minute) -> Audited | None:
        minute.is_open = False
        expected = minute.bar_count or 0
        missing, size = expected - minute.count, minute.bar_size - minute.size
        is_complete = missing == 0 and size == 0
        if not is_complete and not minute.is_checked:
            minute.is_asked = True
            return None
        if missing < 0 or (missing == 0 and not is_complete):
            return None  # not the last version of the bar: nothing can be said
        gap = self._gap_over(number)
        self._calibrate(is_sound=is_complete and gap is None)
        verdict = Audited(
            self.coin,
            number * MINUTE,
            "complete" if is_complete else "missing",
            missing,
            size,
            minute.count,
            expected,
            self.is_calibrated,
            is_complete or minute.is_confirmed,
        )
        if minute.said is not None:
            if minute.said.missing_count == missing:
                return None
            self._count(minute.said, -1)
        minute.said = verdict
        self._count(verdict, 1)
        if gap is None or is_complete:
            return verdict
        return msgspec.structs.replace(verdict, gap=self._measured(gap))

    def _count(self, verdict: Audited, by: int) -> None:
        self.totals[verdict.status] += by
        self.totals["missing_count"] += by * verdict.missing_count
        self.missing_size += by * verdict.missing_size

    def _calibrate(self, *, is_sound: bool) -> None:
        self._streak = self._streak + 1 if is_sound else 0
        self.is_calibrated = self.is_calibrated or self._streak >= CALIBRATED_AFTER

    def _gap_over(self, number: int) -> Gap | None:
        return next((gap for gap in self._gaps if _is_over(gap, number)), None)

    def _measured(self, gap: Gap) -> Gap:
        missed = sum(
            minute.said.missing_count
            for number, minute in self.minutes.items()
            if minute.said is not None and _is_over(gap, number)
        )
        return msgspec.structs.replace(gap, missed_count=missed)

    def _forget(self) -> None:
        numbers = sorted(self.minutes)
        first = -1 if self._first is None else self._first
        for number in numbers:
            if number <= first:
                del self.minutes[number]  # a replay told of times before the audit
            elif len(self.minutes) > MOST_MINUTES:
                self.totals["unjudged"] += self.minutes.pop(number).said is None


def _is_over(gap: Gap, number: int) -> bool:
    since, until = gap.since or 0, gap.until or 0
    return since // MINUTE <= number <= until // MINUTE


def _decimal(text: object) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return Decimal(0)
