"""What frames changed, written down as facts, leads another session to the same."""

from __future__ import annotations

from dataclasses import fields
from math import inf

import msgspec
import pytest

from bistoury.session import Policy, facts
from bistoury.session import events as on
from bistoury.session.breaker import Breaker
from bistoury.session.budget import Window
from bistoury.session.facts import UNHEARD, Facts, FeedFacts, LineFacts

WALL = 1_790_000_000.0
T0 = int(WALL * 1000)  # what the venue's clock shows when ours shows 0


class Twins:
    """A session that hears frames, and one that only learns facts and events."""

    def __init__(self, drive, **options):
        self.one, self.other = drive(**options), drive(**options)
        self.one.doubted = lambda event: self.both(lambda it: it.feed(event))

    def both(self, act):
        """Let the same happen to both, after what the one heard was told."""
        self.learn()
        self.other.now = self.one.now
        act(self.one)
        act(self.other)
        assert self.other.effects == self.one.effects
        assert self.other.deadline == self.one.deadline
        return self

    def hear(self, feed, *times, at, **options):
        """Let a frame come to the one of them."""
        self.one.now = at
        self.one.data(feed, *times, **options)
        return self

    def learn(self):
        """Tell the other one what the one knows, through a journal's eyes."""
        session = self.one.session
        known = Facts(
            facts.of_line(session),
            {r: facts.of_feed(e) for r, e in session.registry.routes.items()},
        )
        text = msgspec.json.encode(known)
        facts.apply(msgspec.json.decode(text, type=Facts), self.other.session)

    def until(self, now):
        """Let each deadline of the one come to both."""
        while self.one.deadline <= now:
            at = self.one.deadline
            self.both(lambda it, at=at: it.at(at))
        self.one.now = now
        return self


@pytest.fixture
def twins(drive, feeds):
    """Return two sessions that hold prices, a book, fills and notes."""
    held = feeds.mids(), feeds.bbo(), feeds.fills(), feeds.notes()
    it = Twins(drive)
    it.both(lambda one: one.feed(on.ConnectRequested(WALL)))
    it.both(lambda one: one.want(*held).opened().pong().ack(*held))
    return it.both(lambda one: [one.data(feed) for feed in held])


def test_of_a_session_that_heard_nothing_there_is_nothing_to_tell(drive, feeds):
    it = drive().want(feeds.trades())

    assert facts.of_line(it.session) == LineFacts(None, None, None, False)
    assert facts.of_feed(it.registry.entries[feeds.trades()[0]]) == UNHEARD
    assert Facts().is_empty
    assert not Facts(limits=(1, 2)).is_empty


def test_what_was_heard_is_the_members_of_a_feed(drive, feeds):
    it = drive().want(feeds.fills()).connect().opened().ack(feeds.fills())
    it.now = 1.0
    it.data(feeds.fills(), T0)
    it.now = 5.0
    it.data(feeds.fills(), T0 + 1000, T0 + 3500)

    known = facts.of_feed(it.registry.entries[feeds.fills()[0]])
    assert known == FeedFacts(
        received=2,
        last_at=5.0,
        interval=4.0,
        longest=4.0,
        news_at=5.0,
        delay=5.0 - (T0 + 3500) / 1000,
        venue_time=T0 + 3500,
        newest=T0 + 3500,
    )
    assert facts.of_line(it.session).least_delay == known.delay


def test_what_another_line_had_granted_is_among_the_facts(drive, feeds):
    it = drive().want(feeds.fills())
    entry = it.registry.entries[feeds.fills()[0]]
    entry.continuity.was_granted = True
    assert not facts.of_feed(entry).was_granted  # its own it knows by the events
    entry.continuity.is_shared = True
    known = facts.of_feed(entry)
    assert known.was_granted
    entry.continuity.was_granted = False
    assert not facts.of_feed(entry).was_granted
    route = entry.traits.route
    facts.apply(Facts(feeds={route: known}), it.session)
    facts.apply(Facts(feeds={route: UNHEARD}), it.session)

    assert entry.continuity.was_granted


def test_facts_that_were_written_down_are_those_that_are_read():
    line = LineFacts(1.5, None, -WALL, True)
    feed = FeedFacts(*range(1, 12))
    known = Facts(
        line, {"allMids": feed}, (3, None, True), (30, 2000), [(1.0, 1)], [(2.0, 5)]
    )

    assert msgspec.json.decode(msgspec.json.encode(known), type=Facts) == known


def test_json_knows_no_moment_without_end():
    assert [facts.finite(it) for it in (inf, -inf, 0.0, -1.5)] == [
        None,
        None,
        0.0,
        -1.5,
    ]


def test_facts_are_short_and_do_not_change():
    line, feed = LineFacts(1.0, None, None, False), FeedFacts(received=2)

    assert msgspec.json.encode(line) == b"[1.0,null,null,false]"
    assert msgspec.json.encode(feed).startswith(b"[2,0.0,")
    assert msgspec.json.encode(Facts(limits=(1, 2))) == (
        b'{"type":"Facts","limits":[1,2]}'
    )
    for one in (line, feed, Facts()):
        assert type(one).__struct_config__.frozen


def test_all_that_is_known_of_a_feed_is_applied(drive, feeds):
    it = drive().want(feeds.trades())
    known = FeedFacts(*range(1, 13), True, True, 14.0)

    facts.apply(Facts(feeds={"trades:BTC": known, "gone": known}), it.session)

    assert facts.of_feed(it.registry.entries[feeds.trades()[0]]) == known


def test_all_that_is_known_of_a_line_is_applied(drive):
    it, known = drive(), LineFacts(1.0, 2.0, -3.0, True)

    facts.apply(Facts(known), it.session)

    assert facts.of_line(it.session) == known
    assert it.conversation.recovery.least_delay == -3.0


def test_what_others_took_and_broke_is_applied(drive):
    it = drive(connections=Window(30), messages=Window(2000), breaker=Breaker(2, 9.0))
    session = it.session

    facts.apply(
        Facts(
            breaker=(2, 5.0, False),
            limits=(3, 4),
            connections=[(1.0, 1), (2.0, 1)],
            messages=[(2.0, 3)],
        ),
        session,
    )

    assert session.breaker.memory == (2, 5.0, False)
    assert session.breaker.state(13.9) == "open"
    assert (session.connections.room(2.0), session.messages.room(2.0)) == (1, 1)


def test_a_breaker_that_never_failed_is_one_again(drive):
    it = drive()

    facts.apply(Facts(breaker=(0, None, False)), it.session)

    assert it.session.breaker.memory == (0, -inf, False)


def test_nothing_is_known_of_what_is_not_written(drive, feeds):
    it = drive().live(feeds.mids())
    before = facts.of_line(it.session), it.session.breaker.memory

    facts.apply(Facts(), it.session)

    assert (facts.of_line(it.session), it.session.breaker.memory) == before


def test_frames_put_off_the_same_deadlines(twins, feeds):
    for second in range(1, 40):
        twins.until(second).hear(feeds.mids(), at=second)

    twins.until(200)
    assert twins.one.told("Disconnected")
    assert twins.other.told("Disconnected") == twins.one.told("Disconnected")


def test_a_feed_without_news_is_cured_at_the_same_moments(twins, feeds):
    for second in range(1, 300):
        twins.until(second)
        # The prices stand still after a while; the book keeps the line alive.
        moment = T0 + min(second, 20) * 1000
        twins.hear(feeds.mids(), at=second, time=moment)
        twins.hear(feeds.bbo(), at=second, time=T0 + second * 1000)
        if twins.one.state == "live":
            twins.both(lambda it: it.pong())

    rungs = [notice.rung for _, notice in twins.one.told("Stale")]
    assert rungs[:2] == ["warn", "resubscribe"]
    assert twins.other.told("Stale") == twins.one.told("Stale")


def test_a_feed_that_falls_behind_is_found_out_at_the_same_moment(twins, feeds):
    for second in range(1, 30):
        late = 0 if second < 10 else 5
        twins.until(second)
        twins.hear(feeds.bbo(), at=second, time=T0 + (second - late) * 1000)

    behind = [it for _, it in twins.one.told("Stale") if it.age_seconds == 5.0]
    assert [it.rung for it in behind] == ["warn"]
    assert twins.other.told("Stale") == twins.one.told("Stale")


def test_a_silence_that_may_have_cost_something_is_doubted_by_both(twins, feeds):
    for second in range(1, 10):
        twins.until(second).hear(feeds.mids(), at=second)
    twins.until(16.5).hear(feeds.mids(), at=16.5)

    assert twins.one.told("Gap")
    assert twins.other.told("Gap") == twins.one.told("Gap")


def test_a_gap_begins_where_the_venues_own_clock_says(twins, feeds):
    ahead = 7_000  # milliseconds by which the venue's clock is ahead of ours
    twins.hear(feeds.bbo(), at=1.0, time=T0 + ahead + 500)
    twins.until(5).both(lambda it: it.lost())

    gaps = {it.subscription: it.since for _, it in twins.one.told("Gap")}
    # Of the notes nothing told the time: only the smallest delay knows it.
    assert gaps[feeds.notes()[0]] == T0 + ahead - 500
    assert twins.other.told("Gap") == twins.one.told("Gap")


def test_rows_that_wait_beyond_measure_are_let_go_by_both(twins, feeds, monkeypatch):
    monkeypatch.setattr("bistoury.session.continuity.MOST_HELD", 3)
    twins.both(lambda it: it.lost())
    twins.until(twins.one.session.retry_at)
    twins.both(lambda it: it.opened().pong().ack(feeds.fills()))
    at = twins.one.now
    twins.hear(feeds.fills(), T0, T0 + 1, T0 + 2, at=at)
    assert twins.one.registry.entries[feeds.fills()[0]].continuity.is_full

    twins.until(at + 1.5)
    assert len(twins.one.delivered) > len(twins.other.delivered)


def test_every_number_of_the_fast_lane_is_among_the_facts(twins, feeds):
    """Compare all that the two know, whoever added a member to it."""
    for second in range(1, 20):
        twins.until(second)
        twins.hear(feeds.mids(), at=second, time=T0 + second * 1000)
        twins.hear(feeds.fills(), T0 + second * 1000, at=second)
    twins.both(lambda it: it.adopt(Policy()))

    differs = set(_differences(twins.one.session, twins.other.session))
    assert differs <= _TOLD_TO_NOBODY


_TOLD_TO_NOBODY = {
    # Statistics.
    *("conversation.received", "conversation.data_at", "conversation.unrouted"),
    "continuity.duplicates",
    # Which rows and states are new, for those who get them.
    *("continuity._memory", "continuity._last_frame", "continuity._accepted_at"),
    *("continuity._source", "continuity.has_history", "continuity._said"),
    *("continuity._aside", "continuity._copies"),
    # What a read of history has to show, for those who read it.
    "continuity.newest_key",
    # When to look at a feed's rhythm again.
    *(
        f"{table}.{name}"
        for table in ("entries", "routes", "_routes", "_occupied", "_promising")
        for name in ("look_at", "looked", "shown")
    ),
}
_ELSEWHERE = {"rng", "numbers", "_numbers", "continuities", "_effects", "effects"}


def _differences(one, other, path=""):
    """Yield the members that differ, deep down, by the last two names of their way."""
    if not hasattr(one, "__dataclass_fields__"):
        if isinstance(one, dict):
            for key in one:
                yield from _differences(one[key], other[key], path)
        elif one != other:
            yield path
        return
    for name in (it.name for it in fields(one)):
        if name in _ELSEWHERE:
            continue
        here = f"{path.rpartition('.')[2]}.{name}".lstrip(".")
        if here in _TOLD_TO_NOBODY:
            continue
        yield from _differences(getattr(one, name), getattr(other, name), here)
