from __future__ import annotations

import asyncio

import pytest

from bistoury.mailbox import Mailbox
from bistoury.observability.handlers import handlers, late
from bistoury.session import Subscription
from bistoury.testing.virtual_time import run

BTC = Subscription("trades", (("coin", "BTC"),))


class Quiet:
    """Hears of handlers' trouble and says nothing."""

    def handler_failed(self, handler, error):
        raise AssertionError(error)

    def handler_slow(self, handler, seconds, waiting):
        pass


async def on_trade(message):
    await asyncio.sleep(1)


def box(handler, limit=10):
    return Mailbox(handler, lambda item: item, Quiet(), limit)


def test_tells_what_waits_what_was_done_and_how_long_it_took():
    async def main():
        it = box(on_trade)
        for number in range(13):
            it.put(number)
        it.put("state", "book")
        it.put("newer", "book")
        (before,) = handlers([(BTC, it)])
        await asyncio.sleep(100)
        (after,) = handlers([("trades", it)])
        return before, after

    before, after = run(main())
    assert before == {
        "handler": "on_trade",
        "of": "trades(coin=BTC)",
        "waiting": 11,
        "room": 10,
        "conflated": 1,
        "overflowed": 3,
        "calls": 0,
        "errors": 0,
        "busy_seconds": 0.0,
        "slowest_seconds": 0.0,
    }
    assert (after["of"], after["waiting"], after["calls"]) == ("trades", 0, 11)
    assert after["busy_seconds"] >= after["slowest_seconds"] > 0


@pytest.mark.parametrize(("waiting", "is_late"), [(5, False), (6, True)])
def test_who_has_more_than_half_its_room_taken_is_behind(waiting, is_late):
    async def main():
        it = box(on_trade)
        for number in range(waiting):
            it.put(number)
        said = late([(BTC, it)])
        it.close()
        return said

    sentence = "handler on_trade is behind on trades(coin=BTC): 6 of 10 messages wait"
    assert run(main()) == ([sentence] if is_late else [])


def test_calls_are_counted_whether_they_raise_or_not(monkeypatch):
    def bad(number):
        if number:
            raise ValueError

    monkeypatch.setattr(Quiet, "handler_failed", lambda *_: None)
    it = box(bad)
    for number in range(3):
        it.put(number)
    (found,) = handlers([(BTC, it)])

    assert (found["calls"], found["errors"]) == (3, 2)
