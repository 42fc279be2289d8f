"""What a read of the venue's history makes of its answers; the laws play the rest."""

from __future__ import annotations

import asyncio

import pytest

from bistoury.hyperliquid import history
from bistoury.session import Subscription
from bistoury.session.effects import Backfill

USER = "0x" + "ab" * 20
T0 = 1_790_000_000_000


def order(oid, size, at, original="1.0"):
    names = ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz")
    return dict(
        zip(names, ("BTC", "B", "1", size, oid, at, original), strict=True),
        cloid=None,
        reduceOnly=False,
    )


class Info:
    """Answers with what it was given."""

    def __init__(self, **answers):
        self.answers = answers

    def __getattr__(self, name):
        async def answer(*_, **__):
            return self.answers.get(name, [])

        return answer


def read(info, feed="orderUpdates", *, reading=1, delivered=0, key=None, **more):
    """Return what a read from a second before T0 on finds."""
    subscription = Subscription(feed, tuple(sorted({"user": USER, **more}.items())))
    wanted = Backfill(subscription, 1, reading, T0 - 1_000, delivered, key)
    return asyncio.run(history.read(info, wanted))


def rows(found):
    return [
        (row["order"]["oid"], row["status"], row["order"]["sz"])
        for update in found.updates
        for _, _, row in update.items
    ]


def test_an_order_placed_meanwhile_and_untouched_is_open_with_its_size():
    info = Info(open_orders=[order(1, "1.0", T0), order(2, "1.0", T0 - 5_000)])

    assert rows(read(info)) == [(1, "open", "1.0")]


@pytest.mark.parametrize(("reading", "told"), [(1, []), (2, [(1, "open", "0.4")])])
def test_of_an_order_that_is_partly_gone_what_is_left_is_told_last(reading, told):
    info = Info(open_orders=[order(1, "0.4", T0)])

    assert rows(read(info, reading=reading)) == told


def test_what_the_history_tells_of_an_order_goes_before_what_is_open():
    said = {
        "order": order(1, "0.4", T0),
        "status": "open",
        "statusTimestamp": T0 + 500,
    }
    info = Info(historical_orders=[said], open_orders=[order(1, "0.4", T0)])

    assert rows(read(info, reading=2)) == [(1, "open", "0.4")]


def test_a_history_without_the_order_that_was_delivered_trails():
    filled = {
        "order": order(1, "0.0", T0),
        "status": "filled",
        "statusTimestamp": T0 + 500,
    }

    assert read(Info(), delivered=T0 + 500).trails
    assert not read(Info(), delivered=0).trails
    assert not read(Info(historical_orders=[filled]), delivered=T0 + 500).trails
    assert read(Info(historical_orders=[filled]), delivered=T0 + 501).trails


@pytest.mark.parametrize(
    ("key", "trails"),
    [
        ((1, "open", T0 + 501, "0.4"), False),
        ((1, "open", T0 + 501, "0.40"), False),
        ((1, "open", T0 + 501, "0.5"), False),  # it was filled further since
        ((1, "open", T0 + 501, "0.3"), True),  # a list of before that
        ((2, "open", T0 + 501, "0.4"), True),
        ((1, "filled", T0 + 501, ""), True),
        (None, True),
    ],
)
def test_an_order_that_is_still_open_shows_its_last_change(key, trails):
    info = Info(open_orders=[order(7, "1.0", T0), order(1, "0.4", T0)])

    assert read(info, delivered=T0 + 501, key=key).trails is trails


class Whole(list):
    complete = True


FILL = {
    "coin": "BTC",
    "time": T0 + 500,
    "tid": 1,
    "oid": 1,
    "hash": "0x",
    "px": "1",
    "sz": "1",
}


@pytest.mark.parametrize(("delivered", "trails"), [(500, False), (501, True)])
def test_the_events_of_a_user_show_what_was_delivered_last(delivered, trails):
    info = Info(
        user_fills_by_time=Whole([FILL]),
        twap_slice_fills_by_time=Whole(),
        user_funding=Whole(),
    )

    assert read(info, "userEvents", delivered=T0 + delivered).trails is trails


def test_a_row_that_cannot_be_read_leaves_it_incomplete():
    info = Info(recent_trades=[{"x": 1}])
    subscription = Subscription("trades", (("coin", "BTC"),))
    found = asyncio.run(history.read(info, Backfill(subscription, 1, 1, T0)))

    assert not found.is_complete
