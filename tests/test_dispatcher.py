from __future__ import annotations

import asyncio

import pytest

from bistoury.dispatcher import Dispatcher
from bistoury.mailbox import Mailbox
from bistoury.session import Cause, Subscription, Traits, Update
from bistoury.session.notices import Gap
from bistoury.session.registry import Entry
from bistoury.testing.virtual_time import run

BTC = Subscription("trades", (("coin", "BTC"),))
ETH = Subscription("trades", (("coin", "ETH"),))
BOOK = Subscription("l2Book", (("coin", "BTC"),))


class Reporter:
    """Hears of handlers' trouble."""

    def __init__(self):
        self.failures, self.gaps, self.rows = [], [], 0

    def handler_failed(self, handler, error):
        self.failures.append((handler, error))

    def handler_slow(self, handler, seconds, waiting):
        pass

    def missed(self, rows):
        self.rows += rows

    def overflowed(self, handler, gap):
        self.gaps.append((handler, gap))


class Desk:
    """A dispatcher, and what its handlers got."""

    def __init__(self):
        self.reporter = Reporter()
        self.it = Dispatcher(
            lambda update: update.frame.decode(),
            lambda update: update.frame.decode() + "!",
            self.reporter,
            venue_now=lambda: self.now,
        )
        self.now = 1000

    def listen(self, key, handler, *, is_raw=False, limit=None):
        outlet = self.it.mailbox(handler, is_raw=is_raw)
        if limit is not None:
            outlet = Mailbox(
                handler,
                lambda update: update.frame.decode(),
                self.reporter,
                limit,
            )
        self.it.add(key, outlet, is_raw=is_raw)
        return outlet

    def deliver(self, subscription, text, *, raw=False, **facts):
        is_lossless = subscription.feed != "l2Book"
        entry = Entry(subscription, Traits("x", is_lossless=is_lossless))
        update = Update("x", text.encode(), **facts)
        (self.it.deliver_raw if raw else self.it.deliver)(entry, update)


@pytest.fixture
def desk():
    return Desk()


def slow(seen, pause=1.0):
    async def handler(message):
        await asyncio.sleep(pause)
        seen.append(message)

    return handler


# Who gets what


def test_an_update_goes_to_those_who_want_its_subscription(desk):
    seen, others = [], []
    desk.listen(BTC, seen.append)
    desk.listen(ETH, others.append)
    desk.deliver(BTC, "one")
    desk.deliver(BTC, "two")

    assert seen == ["one", "two"]
    assert others == []


def test_an_update_goes_to_those_who_want_its_type(desk):
    seen = []
    desk.listen("trades", seen.append)
    for subscription in (BTC, ETH, BOOK):
        desk.deliver(subscription, str(subscription))

    assert seen == ["trades(coin=BTC)", "trades(coin=ETH)"]


def test_every_handler_of_a_subscription_gets_every_update(desk):
    first, second, by_type = [], [], []
    desk.listen(BTC, first.append)
    desk.listen(BTC, second.append)
    desk.listen("trades", by_type.append)
    desk.deliver(BTC, "one")

    assert first == second == by_type == ["one"]


def test_what_nobody_wants_goes_nowhere(desk):
    desk.deliver(BTC, "one")
    desk.deliver(BTC, "one", raw=True)

    assert desk.reporter.failures == []


def test_one_who_raises_disturbs_nobody_else(desk):
    seen = []

    def bad(message):
        raise ValueError(message)

    desk.listen(BTC, bad)
    desk.listen(BTC, seen.append)
    desk.deliver(BTC, "one")
    desk.deliver(BTC, "two")

    assert seen == ["one", "two"]
    assert [str(error) for _, error in desk.reporter.failures] == ["one", "two"]
    assert {handler for handler, _ in desk.reporter.failures} == {bad}


def test_states_are_conflated_and_events_are_not(desk):
    async def main():
        books, trades = [], []
        desk.listen(BOOK, slow(books))
        desk.listen(BTC, slow(trades))
        for n in range(4):
            desk.deliver(BOOK, f"book {n}")
            desk.deliver(BTC, f"trade {n}")
        await asyncio.sleep(100)

        assert books == ["book 3"]
        assert trades == ["trade 0", "trade 1", "trade 2", "trade 3"]

    run(main())


def test_a_slow_handler_keeps_nobody_waiting(desk):
    async def main():
        slow_one, quick = [], []
        desk.listen(BTC, slow(slow_one, pause=60))
        desk.listen(BTC, quick.append)
        for n in range(3):
            desk.deliver(BTC, str(n))

        assert quick == ["0", "1", "2"]
        assert slow_one == []
        await asyncio.sleep(1000)

    run(main())


# Leaving


def test_a_handler_that_was_removed_is_not_called(desk):
    seen, stays = [], []
    outlet = desk.listen(BTC, seen.append)
    desk.listen(BTC, stays.append)
    desk.it.remove(BTC, outlet)
    desk.deliver(BTC, "one")

    assert seen == []
    assert stays == ["one"]
    assert outlet.is_closed
    assert len(desk.it.outlets()) == 1


def test_a_handler_that_was_removed_gets_none_of_the_queued_messages(desk):
    async def main():
        seen = []
        outlet = desk.listen(BTC, slow(seen))
        for n in range(3):
            desk.deliver(BTC, str(n))
        desk.it.remove(BTC, outlet)
        await asyncio.sleep(100)

        assert seen == []

    run(main())


def test_removing_twice_or_from_elsewhere_is_fine(desk):
    outlet = desk.listen(BTC, print)
    desk.it.remove(BTC, outlet)
    desk.it.remove(BTC, outlet)
    desk.it.remove(ETH, outlet)

    assert desk.it.outlets() == []


def test_a_handler_may_remove_itself_and_others_while_it_is_called(desk):
    seen = []
    outlets = []

    def first(message):
        seen.append(("first", message))
        for outlet in outlets:
            desk.it.remove(BTC, outlet)

    outlets += [desk.listen(BTC, first)]
    outlets += [desk.listen(BTC, lambda message: seen.append(("second", message)))]
    desk.listen(BTC, lambda message: seen.append(("third", message)))
    desk.deliver(BTC, "one")
    desk.deliver(BTC, "two")

    assert seen == [("first", "one"), ("third", "one"), ("third", "two")]


def test_a_handler_that_is_added_while_another_is_called_gets_the_next_update(desk):
    seen, late = [], []

    def first(message):
        seen.append(message)
        if len(seen) == 1:
            desk.listen(BTC, late.append)

    desk.listen(BTC, first)
    desk.deliver(BTC, "one")
    desk.deliver(BTC, "two")

    assert late == ["two"]


def test_a_coroutine_handler_may_remove_itself(desk):
    async def main():
        seen = []

        async def once(message):
            seen.append(message)
            desk.it.remove(BTC, outlet)

        outlet = desk.listen(BTC, once)
        desk.deliver(BTC, "one")
        desk.deliver(BTC, "two")
        await asyncio.sleep(1)

        assert seen == ["one"]

    run(main())


def test_knows_every_outlet(desk):
    outlets = [
        desk.listen(BTC, print),
        desk.listen("trades", print),
        desk.listen(BTC, print, is_raw=True),
    ]

    assert set(desk.it.outlets()) == set(outlets)


# As the venue sent it


def test_raw_handlers_get_raw_frames_and_nothing_else(desk):
    raw, plain = [], []
    assert not desk.it.has_raw(BTC)
    outlet = desk.listen(BTC, raw.append, is_raw=True)
    desk.listen(BTC, plain.append)
    assert desk.it.has_raw(BTC)
    assert not desk.it.has_raw(ETH)
    desk.deliver(BTC, "one")
    desk.deliver(BTC, "one", raw=True)
    desk.deliver(ETH, "two", raw=True)

    assert raw == ["one!"]
    assert plain == ["one"]
    desk.it.remove(BTC, outlet)
    assert not desk.it.has_raw(BTC)
    desk.deliver(BTC, "three", raw=True)
    assert raw == ["one!"]


def test_a_closed_raw_handler_is_not_called(desk):
    raw = []
    outlet = desk.listen(BTC, raw.append, is_raw=True)
    outlet.close()
    desk.deliver(BTC, "one", raw=True)

    assert raw == []


def test_raw_states_are_conflated_too(desk):
    async def main():
        books, trades = [], []
        desk.listen(BOOK, slow(books), is_raw=True)
        desk.listen(BTC, slow(trades), is_raw=True)
        for n in range(3):
            desk.deliver(BOOK, str(n), raw=True)
            desk.deliver(BTC, str(n), raw=True)
        await asyncio.sleep(100)

        assert books == ["2!"]
        assert trades == ["0!", "1!", "2!"]

    run(main())


# Gaps


class Reader:
    """An outlet that hears of gaps in order, as a stream does."""

    def __init__(self, limit=10):
        self.seen, self.limit, self.is_closed = [], limit, False
        self.depth = 1
        self.handler = self.put
        self.is_typed, self.direct_call = False, None

    @property
    def has_room(self):
        return len(self.seen) < self.limit

    def put(self, item, conflate=None):
        if self.has_room:
            self.seen.append(item.frame.decode())
            return True
        return False

    def put_gap(self, gap):
        self.seen.append((gap.status, gap.missed_count))
        self.limit += 1

    def close(self):
        self.is_closed = True


def test_a_gap_is_told_to_whoever_reads_the_feed(desk):
    reader, raw, other, closed = Reader(), Reader(), Reader(), Reader()
    desk.it.add(BTC, reader)
    desk.it.add(BTC, raw, is_raw=True)
    desk.it.add(ETH, other)
    desk.it.add(BTC, closed)
    closed.close()
    desk.it.tell(Gap(BTC, 1, None, "open", 0, Cause.NETWORK))

    assert reader.seen == raw.seen == [("open", None)]
    assert other.seen == closed.seen == []


# Overflow


def test_an_overflow_is_a_gap_that_is_told_once_and_counted(desk):
    reader = Reader(limit=1)
    desk.it.add(BTC, reader)
    desk.deliver(BTC, "one", time=10)
    desk.deliver(BTC, "two", time=20, oldest=15, items=[(15, 1, 1), (20, 2, 2)])
    desk.deliver(BTC, "three", time=30)

    ((handler, gap),) = desk.reporter.gaps
    assert handler == reader.put
    assert gap == Gap(BTC, 15, None, "open", 0, Cause.OVERFLOW)
    assert desk.reporter.rows == 3
    assert reader.seen == ["one", ("open", None)]


def test_an_overflow_ends_when_there_is_room_again(desk):
    reader = Reader(limit=1)
    desk.it.add(BTC, reader)
    for n in range(4):
        desk.deliver(BTC, str(n), time=10 * n)
    reader.limit += 5
    desk.deliver(BTC, "last", time=50)

    assert [gap for _, gap in desk.reporter.gaps] == [
        Gap(BTC, 10, None, "open", 0, Cause.OVERFLOW),
        Gap(BTC, 10, 30, "unrecoverable", 0, Cause.OVERFLOW, missed_count=3),
    ]
    assert reader.seen == ["0", ("open", None), ("unrecoverable", 3), "last"]
    desk.deliver(BTC, "and on", time=60)
    assert len(desk.reporter.gaps) == 2


def test_an_overflow_ends_without_a_next_message_once_its_reader_is_past_it(desk):
    reader = Reader(limit=1)
    desk.it.add(BTC, reader)
    for n in range(3):
        desk.deliver(BTC, str(n), time=10 * n)
    desk.it.look()
    assert [gap.status for _, gap in desk.reporter.gaps] == ["open"]
    reader.depth = 0
    desk.it.look()
    desk.it.look()

    assert [gap.status for _, gap in desk.reporter.gaps] == ["open", "unrecoverable"]
    assert desk.reporter.gaps[-1][1].until == 20
    assert reader.seen == ["0", ("open", None), ("unrecoverable", 2)]


def test_a_late_frame_does_not_shorten_an_overflow(desk):
    reader = Reader(limit=0)
    desk.it.add(BTC, reader)
    for time in (50, 40):
        reader.limit = len(reader.seen)
        desk.deliver(BTC, "x", time=time)
    reader.limit = 99
    desk.deliver(BTC, "last", time=60)

    assert desk.reporter.gaps[-1][1].until == 50


def test_an_overflow_of_rows_without_a_time_of_their_own_begins_and_ends_with_them(
    desk,
):
    reader = Reader(limit=0)
    desk.it.add(BTC, reader)
    reader.put_gap = lambda gap: None
    for bar in (60_000, 120_000, 180_000):  # as bars come: history that is rewritten
        desk.deliver(BTC, "bar", oldest=bar, items=[(bar, bar, {})])
    reader.limit = 1
    desk.deliver(BTC, "next", oldest=240_000, items=[(240_000, 1, {})])

    settled = desk.reporter.gaps[-1][1]
    assert (settled.since, settled.until) == (60_000, 180_000)


def test_an_overflow_of_what_the_venue_does_not_date_is_dated_by_when_it_came(desk):
    reader = Reader(limit=0)
    desk.it.add(BTC, reader)
    reader.put_gap = lambda gap: None
    for desk.now in (2000, 3000):
        desk.deliver(BTC, "notification")
    desk.now, reader.limit = 4000, 1
    desk.deliver(BTC, "next")

    settled = desk.reporter.gaps[-1][1]
    assert (settled.since, settled.until) == (2000, 3000)


def test_each_listener_overflows_by_itself(desk):
    small, large = Reader(limit=0), Reader()
    desk.it.add(BTC, small)
    desk.it.add(BTC, large)
    desk.deliver(BTC, "one", time=1)

    assert len(desk.reporter.gaps) == 1
    assert large.seen == ["one"]


def test_each_feed_of_one_listener_overflows_by_itself(desk):
    reader = Reader(limit=0)
    reader.put_gap = lambda gap: None
    desk.it.add("trades", reader)
    desk.deliver(BTC, "one", time=1)
    desk.deliver(ETH, "two", time=2)

    assert [gap.subscription for _, gap in desk.reporter.gaps] == [BTC, ETH]


def test_a_full_mailbox_is_reported_by_the_name_people_know(desk):
    async def main():
        handler = slow([])
        desk.listen(BTC, handler, limit=2)
        for n in range(5):
            desk.deliver(BTC, str(n), time=n)
        assert [it for it, _ in desk.reporter.gaps] == [handler]
        assert desk.reporter.rows == 3
        await asyncio.sleep(100)

    run(main())


def test_the_overflow_of_a_listener_that_leaves_is_settled_and_forgotten(desk):
    reader, stays = Reader(limit=0), Reader(limit=0)
    for it in (reader, stays):
        it.put_gap = lambda gap: None
        desk.it.add(BTC, it)
    desk.deliver(BTC, "one", time=7)
    desk.it.remove(BTC, reader)

    assert [gap.status for _, gap in desk.reporter.gaps] == [
        "open",
        "open",
        "unrecoverable",
    ]
    assert [place[0] for place in desk.it._overflows] == [stays]


# What is taken away before its reader comes to it


def dropped(desk, key, outlet, *updates, wanted=(BTC, ETH, BOOK)):
    entries = [
        Entry(it, Traits(str(it), is_lossless=it.feed != "l2Book")) for it in wanted
    ]
    desk.it.dropped(key, outlet, list(updates), entries)


def of(subscription, time, **facts):
    return Update(str(subscription), b"", time=time, **facts)


def test_what_is_dropped_is_a_gap_with_bounds_and_a_count(desk):
    outlet = desk.listen(BTC, print)
    rows = [(12, 1, 1), (20, 2, 2)]
    dropped(desk, BTC, outlet, of(BTC, 20, oldest=12, items=rows), of(BTC, 30))

    assert desk.reporter.gaps == [
        (print, Gap(BTC, 12, None, "open", 0, Cause.OVERFLOW)),
        (print, Gap(BTC, 12, 30, "unrecoverable", 0, Cause.OVERFLOW, missed_count=3)),
    ]
    assert desk.reporter.rows == 3
    assert desk.it._overflows == {}


def test_nobody_knows_when_that_came_which_was_not_dated_and_has_waited(desk):
    outlet = desk.listen(BTC, print)
    dropped(desk, BTC, outlet, of(BTC, 0), of(BTC, 0))

    told = [(it.since, it.until) for _, it in desk.reporter.gaps]
    assert told == [(None, None), (None, desk.now)]


def test_nothing_is_told_where_nothing_was_dropped_or_nobody_wants_the_feed(desk):
    outlet = desk.listen(BTC, print)
    dropped(desk, BTC, outlet)
    dropped(desk, BTC, outlet, of(BTC, 5), wanted=(ETH,))

    assert desk.reporter.gaps == []


def test_a_state_that_is_dropped_is_no_gap_unless_every_one_was_wanted(desk):
    dropped(desk, BOOK, desk.listen(BOOK, print), of(BOOK, 5))
    assert desk.reporter.gaps == []
    dropped(desk, BOOK, desk.it.mailbox(print, conflate=False), of(BOOK, 5))
    assert [gap.subscription for _, gap in desk.reporter.gaps] == [BOOK, BOOK]


def test_who_wants_the_newest_only_hears_of_no_gap(desk):
    dropped(desk, BTC, desk.it.mailbox(print, conflate=True), of(BTC, 5))
    assert desk.reporter.gaps == []


def test_what_a_reader_of_a_type_misses_is_told_for_each_subscription(desk):
    outlet = desk.listen("trades", print)
    dropped(desk, "trades", outlet, of(BTC, 5), of(ETH, 6), of(ETH, 7))

    settled = [gap for _, gap in desk.reporter.gaps if gap.status != "open"]
    assert [(it.subscription, it.since, it.until) for it in settled] == [
        (BTC, 5, 5),
        (ETH, 6, 7),
    ]


def test_what_had_no_room_is_settled_with_what_is_dropped_before_it(desk):
    reader = Reader(limit=1)
    reader.backlog = desk.it.mailbox(print).backlog
    desk.it.add(BTC, reader)
    desk.deliver(BTC, "one", time=10)
    desk.deliver(BTC, "two", time=20)
    dropped(desk, BTC, reader, of(BTC, 10))

    told = [(it.since, it.until, it.status) for _, it in desk.reporter.gaps]
    assert told == [
        (20, None, "open"),
        (20, 20, "unrecoverable"),
        (10, None, "open"),
        (10, 10, "unrecoverable"),
    ]
