"""What the tests of paper trading share: a market that says what it is told to."""

from __future__ import annotations

from itertools import count

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.universe import Universe
from bistoury.paper_trading.venue import PaperVenue

START = 1_790_000_000_000
"""When the tests begin, in ms: 26 minutes and 40 seconds before an hour."""

META = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "ETH", "szDecimals": 4, "maxLeverage": 25, "marginTableId": 25},
        {"name": "DOGE", "szDecimals": 0, "maxLeverage": 10, "marginTableId": 10},
        {
            "name": "ISO",
            "szDecimals": 2,
            "maxLeverage": 5,
            "marginTableId": 5,
            "onlyIsolated": True,
            "marginMode": "strictIsolated",
        },
    ],
    "marginTables": [
        [
            56,
            {
                "description": "tiered 40x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 40},
                    {"lowerBound": "150000000.0", "maxLeverage": 20},
                ],
            },
        ]
    ],
    "collateralToken": 0,
}


class Market:
    """A paper venue, and the market it hears of; times are ms after ``START``."""

    def __init__(self, folded=None, start=START, **config):
        config = {
            "entry_latency": "constant(0.1)",
            "cancel_latency": "constant(0.1)",
            "response_latency": "constant(0.05)",
            **config,
        }
        self.config = PaperConfig(**config)
        self.venue = PaperVenue(Universe.from_meta(META), self.config, folded)
        self.venue.start(start)
        self.events = []
        self.taken = []
        self._numbers = count(1)
        self._tids = count(1)
        self.answers = {}
        self._drain()

    @property
    def desk(self):
        return self.venue.desk

    def account(self, name="main"):
        return self.desk.accounts.by_name[name]

    def send(self, at, channel, data, **flags):
        message = {"channel": channel, "data": data, **flags}
        self.taken.append((START + at, message))
        self.venue.take(START + at, message)
        return self._drain()

    def pass_time(self, at):
        self.venue.advance(START + at)
        return self._drain()

    def stop(self):
        """End the venue at this moment."""
        self.venue.stop(self.desk.now)
        return self._drain()

    def bbo(self, at, bid, ask, *, coin="BTC", time=None):
        sides = [row(*bid) if bid else None, row(*ask) if ask else None]
        stamp = START + (at if time is None else time)
        return self.send(at, "bbo", {"coin": coin, "time": stamp, "bbo": sides})

    def book(self, at, bids, asks, *, coin="BTC", fast=False, time=None):
        data = {
            "coin": coin,
            "time": START + (at if time is None else time),
            "levels": [[row(*it) for it in bids], [row(*it) for it in asks]],
        }
        return self.send(at, "l2Book", {**data, "fast": True} if fast else data)

    def trade(self, at, side, px, sz, *, coin="BTC", time=None, tid=None, **flags):
        data = [
            {
                "coin": coin,
                "side": side,
                "px": str(px),
                "sz": str(sz),
                "time": START + (at if time is None else time),
                "hash": "0x00",
                "tid": next(self._tids) if tid is None else tid,
            }
        ]
        return self.send(at, "trades", data, **flags)

    def mark(self, at, mark, *, coin="BTC", oracle=None, funding="0.0000125"):
        ctx = {
            "markPx": str(mark),
            "oraclePx": str(oracle or mark),
            "funding": funding,
            "midPx": str(mark),
        }
        return self.send(at, "activeAssetCtx", {"coin": coin, "ctx": ctx})

    def gap(self, at, status="open", *, coin="BTC", feed="trades", since=0, until=0):
        data = {
            "feed": feed,
            "coin": coin,
            "since": START + since,
            "until": START + until,
            "status": status,
        }
        return self.send(at, "paper:gap", data)

    def act(self, at, action, account="main", nonce=None, **more):
        """Ask for something; return its number, by which ``answers`` has the answer."""
        number = next(self._numbers)
        data = {
            "number": number,
            "account": account,
            "action": action,
            "nonce": nonce,
            **more,
        }
        self.send(at, "paper:act", data)
        return number

    def order(self, at, *orders, grouping="na", **more):
        action = {"type": "order", "orders": list(orders), "grouping": grouping}
        return self.act(at, action, **more)

    def cancel(self, at, *oids, asset=0, **more):
        rows = [{"a": asset, "o": oid} for oid in oids]
        return self.act(at, {"type": "cancel", "cancels": rows}, **more)

    def statuses(self, number):
        """Return the statuses that a command was answered with."""
        return self.answers[number]["response"]["data"]["statuses"]

    def of(self, kind):
        return [it for it in self.events if isinstance(it, kind)]

    @property
    def fills(self):
        return self.of(said.Filled)

    def _drain(self):
        fresh = self.venue.drain()
        self.events += fresh
        for event in fresh:
            if isinstance(event, said.Replied):
                self.answers[event.command] = event.answer
        return fresh


def row(px, sz, n=1):
    return {"px": str(px), "sz": str(sz), "n": n}


def limit(is_buy, px, sz, tif="Gtc", *, asset=0, reduce_only=False, cloid=None):
    """Write an order as the venue takes it."""
    made = {
        "a": asset,
        "b": is_buy,
        "p": str(px),
        "s": str(sz),
        "r": reduce_only,
        "t": {"limit": {"tif": tif}},
    }
    return {**made, "c": cloid} if cloid else made


def trigger(is_buy, trigger_px, sz, tpsl, *, asset=0, px=None, is_market=True, r=True):
    """Write a trigger as the venue takes it."""
    kind = {"isMarket": is_market, "triggerPx": str(trigger_px), "tpsl": tpsl}
    return {
        "a": asset,
        "b": is_buy,
        "p": str(px or trigger_px),
        "s": str(sz),
        "r": r,
        "t": {"trigger": kind},
    }


@pytest.fixture(autouse=True)
def _nothing_breaks(caplog):
    """Fail where a command broke: the venue goes on as if it had only been refused."""
    yield
    broken = [it for it in caplog.get_records("call") if it.exc_info]
    assert [it.getMessage() for it in broken] == []


@pytest.fixture
def market():
    """A market with a book of BTC: 99 and 101, with more behind."""
    made = Market()
    made.book(
        0,
        [("99", "1"), ("98", "2"), ("97", "5")],
        [("101", "1"), ("102", "2"), ("103", "5")],
    )
    made.mark(0, "100")
    return made


@pytest.fixture(scope="session")
def begun():
    """A maker of markets, for tests that need settings of their own."""

    def make(folded=None, start=START, **config):
        made = Market(folded, start, **config)
        made.book(
            0,
            [("99", "1"), ("98", "2"), ("97", "5")],
            [("101", "1"), ("102", "2"), ("103", "5")],
        )
        made.mark(0, "100")
        return made

    return make


@pytest.fixture(scope="session")
def orders():
    """The two ways of writing an order."""
    return limit, trigger
