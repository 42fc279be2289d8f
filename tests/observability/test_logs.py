from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import get_args

import pytest

from bistoury.errors import ProtocolError, RequestError
from bistoury.observability.logs import _LEVELS, Logs, shorten
from bistoury.observability.repeats import Repeats
from bistoury.session import Cause, Complaint, State, Subscription, Trigger
from bistoury.session import notices as say

ADDRESS = "0x" + "AbCd" + "0" * 32 + "1234"
FILLS = Subscription("userFills", (("user", ADDRESS),))


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Diary:
    """Logs into a list, on a clock of its own."""

    def __init__(self, caplog):
        self.caplog = caplog
        self.clock = Clock()
        self.logger = logging.getLogger("bistoury.test")
        self.it = Logs(self.logger, Repeats(clock=self.clock))

    @property
    def records(self):
        return self.caplog.records

    def lines(self):
        """Return what was written since the last look, with its level."""
        lines = [(it.levelname, it.getMessage()) for it in self.records]
        self.caplog.clear()
        return lines


@pytest.fixture
def diary(caplog):
    caplog.set_level(logging.DEBUG, "bistoury.test")
    return Diary(caplog)


NOTICES = [
    (say.StateChanged(State.SYNCING, State.LIVE, Trigger.SYNCED), "DEBUG"),
    (say.Connected(1), "INFO"),
    (say.Ready(1, 2, 0.5), "INFO"),
    (say.Stable(1), "DEBUG"),
    (say.Disconnected(Cause.NETWORK, None, "", 1, 2.0), "WARNING"),
    (say.Disconnected(Cause.USER, None, "", 1, 2.0), "INFO"),
    (say.Reconnecting(1, 1.0, Cause.NETWORK), "INFO"),
    (say.Granted(FILLS), "DEBUG"),
    (say.Started(FILLS), "DEBUG"),
    (say.Refused(FILLS, "no", will_retry=False), "WARNING"),
    (say.AskedAgain(FILLS), "WARNING"),
    (say.Stale(FILLS, 12.0, "warn"), "WARNING"),
    (say.Gap(FILLS, 1, None, "open", 0, Cause.NETWORK), "WARNING"),
    (say.Degraded(("a",)), "WARNING"),
    (say.Down(datetime.now(UTC), 3, "dns"), "WARNING"),
    (say.BreakerChanged("open", 5), "WARNING"),
    (say.Probing(6.0, 0.0), "INFO"),
    (say.NoMessages(1, 30.0), "WARNING"),
    (say.VenueComplained(Complaint.USERS, "too many"), "DEBUG"),
]


@pytest.mark.parametrize(("notice", "level"), NOTICES, ids=lambda it: type(it).__name__)
def test_each_notice_has_its_level_and_speaks_for_itself(diary, notice, level):
    diary.it.observe(notice)

    assert diary.lines() == [(level, shorten(str(notice)))]


def test_every_notice_has_a_level():
    assert set(_LEVELS) == set(get_args(say.Notice))
    assert {type(notice) for notice, _ in NOTICES} == set(_LEVELS)


def test_what_nobody_listens_to_is_not_even_written(diary):
    diary.logger.setLevel(logging.WARNING)
    diary.it.observe(say.Connected(1))
    diary.it.observe(say.NoMessages(1, 30.0))

    assert [level for level, _ in diary.lines()] == ["WARNING"]


# Addresses


def test_addresses_are_shortened_to_their_ends():
    assert shorten(f"userFills(user={ADDRESS})") == "userFills(user=0xAbCd…1234)"
    assert shorten(f"{ADDRESS} {ADDRESS.lower()}") == "0xAbCd…1234 0xabcd…1234"
    assert shorten("0x1234 is none") == "0x1234 is none"
    assert shorten("") == ""


def test_no_address_is_written_in_full(diary):
    error = RequestError("userFills", f"no such user {ADDRESS}", 500)
    gap = say.Gap(FILLS, 1, None, "open", 0, Cause.OVERFLOW)
    diary.it.observe(say.Granted(FILLS))
    diary.it.observe(say.Refused(FILLS, f"no user {ADDRESS}", will_retry=False))
    diary.it.unreadable(ProtocolError(f"userFills:{ADDRESS}", "1 rows left out"))
    diary.it.unreconciled(FILLS, error)
    diary.it.overflowed(print, gap)

    lines = diary.lines()
    assert len(lines) == 5
    for _, line in lines:
        assert ADDRESS not in line
        assert "0xAbCd…1234" in line


# Repetitions


@pytest.mark.parametrize(
    "notice",
    [
        say.VenueComplained(Complaint.MESSAGES, "too many"),
        say.AskedAgain(FILLS),
        say.Refused(FILLS, "no", will_retry=True),
    ],
    ids=lambda it: type(it).__name__,
)
def test_what_may_come_in_hundreds_is_written_once_a_minute(diary, notice):
    for _ in range(100):
        diary.it.observe(notice)
    assert len(diary.lines()) == 1

    diary.clock.now = 60.0
    diary.it.observe(notice)
    assert len(diary.lines()) == 1


def test_other_news_is_written_every_time(diary):
    for _ in range(3):
        diary.it.observe(say.Connected(1))

    assert len(diary.lines()) == 3


# What could not be read


def test_what_could_not_be_read_is_written_once_a_minute_with_a_count(diary):
    error = ProtocolError("trades", "3 unreadable rows", b'{"secret": 1}')
    for _ in range(5):
        diary.it.unreadable(error)
    diary.clock.now = 61.0
    diary.it.unreadable(error)

    assert diary.lines() == [
        (
            "WARNING",
            "skipped what could not be read on trades (1 times): 3 unreadable rows",
        ),
        (
            "WARNING",
            "skipped what could not be read on trades (5 times): 3 unreadable rows",
        ),
    ]


def test_kinds_are_told_apart_by_their_channel(diary):
    for channel in ("trades", "l2Book", "trades"):
        diary.it.unreadable(ProtocolError(channel, "bad"))

    assert len(diary.lines()) == 2


def test_a_frame_without_a_channel_came_over_the_connection(diary):
    diary.it.unreadable(ProtocolError("", "no JSON"))

    ((_, line),) = diary.lines()
    assert line == "skipped what could not be read on the connection (1 times): no JSON"


def test_payloads_are_never_written(diary):
    secret = b'{"channel":"trades","data":[{"px":"123456.789"}]}'
    diary.it.unreadable(ProtocolError("trades", "1 unreadable rows", secret))

    assert "123456.789" not in str(diary.lines())


def test_history_that_cannot_be_read_is_written_once_a_minute(diary):
    error = RequestError("userFills", "HTTP 500")
    for _ in range(3):
        diary.it.unreconciled(FILLS, error)
    diary.it.unreconciled(Subscription("trades"), error)

    said = "what was missed could not be read, trying again: userFills: HTTP 500"
    assert [line for _, line in diary.lines()] == [
        f"userFills(user=0xAbCd…1234): {said}",
        f"trades: {said}",
    ]


# Handlers


def test_neither_the_name_of_a_handler_nor_its_error_shows_a_payload(diary):
    class Handler:
        def __call__(self, message):
            raise ValueError(message)

        def __repr__(self):
            return f"handler of {ADDRESS}"

    handler, message = Handler(), {"user": ADDRESS, "rows": ["x"] * 500, "end": "TAIL"}
    try:
        handler(message)
    except ValueError as error:
        diary.it.handler_failed(handler, error)
        diary.it.handler_failed(handler, error)
        diary.clock.now = 61.0
        diary.it.handler_failed(handler, error)

    assert len(diary.records) == 2
    assert "raise ValueError(message)" in diary.caplog.text
    assert "handler of 0xAbCd…1234" in diary.caplog.text
    assert ADDRESS not in diary.caplog.text
    assert "TAIL" not in diary.caplog.text


def bad_handler(message):
    raise ValueError("bad")


def caught():
    try:
        bad_handler(None)
    except ValueError as error:
        return error


def test_the_first_failure_of_a_handler_is_written_with_its_traceback(diary):
    diary.it.handler_failed(bad_handler, caught())

    (record,) = diary.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "handler bad_handler raised ValueError('bad')"
    assert record.exc_info[1].__traceback__ is not None
    assert "bad_handler(None)" in diary.caplog.text


def test_later_failures_are_written_once_a_minute_with_a_count(diary):
    for _ in range(4):
        diary.it.handler_failed(bad_handler, caught())
    diary.caplog.clear()
    diary.clock.now = 60.0
    diary.it.handler_failed(bad_handler, caught())
    (record,) = diary.records

    assert record.getMessage() == "handler bad_handler raised ValueError 4 times more"
    assert record.exc_info is None


def test_a_single_later_failure_is_counted_and_not_traced(diary):
    diary.it.handler_failed(bad_handler, caught())
    diary.caplog.clear()
    diary.clock.now = 90.0
    diary.it.handler_failed(bad_handler, caught())
    (record,) = diary.records

    assert record.getMessage() == "handler bad_handler raised ValueError 1 times more"
    assert record.exc_info is None


def test_failures_are_told_apart_by_handler_and_kind(diary):
    diary.it.handler_failed(bad_handler, caught())
    diary.it.handler_failed(print, caught())
    diary.it.handler_failed(bad_handler, KeyError("x"))

    assert len(diary.lines()) == 3


def test_a_handler_without_a_name_is_shown_as_it_is(diary):
    class Handler:
        def __call__(self, message):
            pass

        def __repr__(self):
            return "<my handler>"

    diary.it.handler_failed(Handler(), ValueError("bad"))
    gap = say.Gap(FILLS, 1, None, "open", 0, Cause.OVERFLOW)
    diary.it.overflowed(Handler(), gap)

    assert all("<my handler>" in line for _, line in diary.lines())


def test_a_slow_handler_is_written_of_once_a_minute_for_each_feed(diary):
    gap = say.Gap(FILLS, 1, None, "open", 0, Cause.OVERFLOW)
    other = say.Gap(Subscription("trades"), 1, None, "open", 0, Cause.OVERFLOW)
    for it in (gap, gap, other):
        diary.it.overflowed(bad_handler, it)

    feed = "userFills(user=0xAbCd…1234)"
    said = f"handler bad_handler is too slow for {feed}: it misses messages"
    assert diary.lines()[0] == ("WARNING", said)


def test_without_repeats_of_its_own_it_has_some_anyway(caplog):
    it = Logs(logging.getLogger("bistoury.test"))
    for _ in range(2):
        it.unreadable(ProtocolError("trades", "bad"))

    assert len(caplog.records) == 1


def test_of_a_thousand_gaps_the_first_are_named_and_the_rest_are_said_to_be_there(
    diary,
):
    def gaps():
        for number in range(1000):
            feed = Subscription("trades", (("coin", f"C{number}"),))
            diary.it.observe(say.Gap(feed, 1, None, "open", 0, Cause.NETWORK))
        return [text for _, text in diary.lines()]

    lines = gaps()
    assert len(lines) == 21
    assert lines[0].startswith("trades(coin=C0)")
    assert lines[-1].startswith("more gaps open (network)")
    assert gaps() == []

    diary.clock.now += 60
    assert len(gaps()) == 21
