"""Any order, cancel, change, trigger and leverage, in any market: what always holds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts

D = Decimal
CLOID = "0x" + "0" * 31

prices = st.integers(96, 104)
sizes = st.sampled_from(["0.5", "1", "3", "40", "350"])
sides = st.booleans()
oids = st.integers(1, 8)

wishes = st.one_of(
    st.tuples(
        st.just("order"), sides, prices, sizes,
        st.sampled_from(["Gtc", "Ioc", "Alo", "FrontendMarket"]), st.booleans(),
    ),
    st.tuples(
        st.just("trigger"), sides, prices, sizes,
        st.sampled_from(["tp", "sl"]), st.booleans(),
    ),
    st.tuples(
        st.just("group"), sides, prices, sizes,
        st.sampled_from(["normalTpsl", "positionTpsl"]), st.booleans(),
    ),
    st.tuples(st.just("cancel"), oids),
    st.tuples(st.just("modify"), oids, sides, prices, sizes),
    st.tuples(st.just("leverage"), st.integers(1, 40), st.booleans()),
    st.tuples(st.just("schedule"), st.integers(0, 9000)),
    st.tuples(st.just("twap"), sides, st.sampled_from(["5", "20"]), st.booleans()),
    st.tuples(st.just("restart")),
)  # fmt: skip
happenings = st.one_of(
    st.tuples(
        st.just("bbo"), prices, st.integers(1, 3), st.sampled_from(["1", "7", "5000"])
    ),
    st.tuples(st.just("book"), prices, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("trade"), sides, prices, sizes),
    st.tuples(
        st.just("mark"), st.sampled_from([80, 92, 96, 99, 100, 101, 104, 108, 120])
    ),
    st.tuples(st.just("gap"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([10, 900, 4000, 31_000])),
    st.tuples(st.just("quiet"), st.sampled_from([True, False, False])),
)
stories = st.lists(st.one_of(wishes, happenings, happenings), max_size=45)


class Play:
    """Plays a story, and looks at everything after each step."""

    def __init__(self, begun, orders, **config):
        # So little money that it can be lost.
        self.begun, self.config = begun, {"accounts": {"main": D(2000)}, **config}
        self.market = begun(**self.config)
        self.limit, self.trigger = orders
        self.at = 100
        self.gap_since = 0
        self.events = list(self.market.events)
        self.top = (99, 2, "400")
        self.is_quiet = False
        self.budget = D(16)
        """What was shown and traded in all."""

    def step(self, kind, *what):
        self.at += 60
        getattr(self, f"_{kind}")(*what)
        if not self.is_quiet:
            # What arrived is matched, on the same top of the book as before.
            self.at += 150
            self._bbo(*self.top)
        fresh = self.market.events[len(self.events) - self.offset :]
        self.check(fresh)
        self.events += fresh

    offset = 0

    def _order(self, is_buy, px, sz, tif, reduce_only):
        row = self.limit(is_buy, px, sz, tif, reduce_only=reduce_only)
        self.market.order(self.at, row)

    def _trigger(self, is_buy, px, sz, tpsl, is_market):
        row = self.trigger(is_buy, px, sz, tpsl, is_market=is_market)
        self.market.order(self.at, row)

    def _group(self, is_buy, px, sz, grouping, is_market):
        rows = [
            self.trigger(not is_buy, px + 6, sz, "tp", is_market=is_market),
            self.trigger(not is_buy, px - 6, sz, "sl", is_market=is_market),
        ]
        if grouping == "normalTpsl":
            rows.insert(0, self.limit(is_buy, px, sz))
        self.market.order(self.at, *rows, grouping=grouping)

    def _cancel(self, oid):
        self.market.cancel(self.at, oid)

    def _modify(self, oid, is_buy, px, sz):
        change = {"oid": oid, "order": self.limit(is_buy, px, sz)}
        self.market.act(self.at, {"type": "batchModify", "modifies": [change]})

    def _leverage(self, leverage, is_cross):
        action = {"asset": 0, "isCross": is_cross, "leverage": leverage}
        self.market.act(self.at, {"type": "updateLeverage", **action})

    def _schedule(self, after):
        time = self.market.desk.now + after
        self.market.act(self.at, {"type": "scheduleCancel", "time": time})

    def _twap(self, is_buy, sz, randomize):
        row = {"a": 0, "b": is_buy, "s": sz, "r": False, "m": 5, "t": randomize}
        self.market.act(self.at, {"type": "twapOrder", "twap": row})

    def _restart(self):
        accounts = Accounts.folded(self.events, {"BTC": 1})
        self.offset = len(self.events)
        self.market = self.begun(accounts, **self.config)
        self.budget += 16

    def _quiet(self, is_quiet):
        """Let nothing come but what the story tells, or again the book each time."""
        self.is_quiet = is_quiet

    def _bbo(self, bid, spread, sz):
        self.top = (bid, spread, sz)
        self.market.bbo(self.at, (bid, sz), (bid + spread, sz))
        self.budget += 2 * D(sz)

    def _book(self, bid, spread, is_fast):
        bids = [(bid - n, 2) for n in range(3)]
        asks = [(bid + spread + n, 2) for n in range(3)]
        self.market.book(self.at, bids, asks, fast=is_fast)
        self.budget += 12

    def _trade(self, is_buy, px, sz):
        self.market.trade(self.at, "B" if is_buy else "A", px, sz)
        self.budget += D(sz)

    def _mark(self, mark):
        self.market.mark(self.at, mark)

    def _gap(self, is_recovered):
        if not self.gap_since:
            self.gap_since = self.at
            self.market.gap(self.at, since=self.at - 30)
        else:
            status = "recovered" if is_recovered else "unrecoverable"
            since, self.gap_since = self.gap_since - 30, 0
            self.market.gap(self.at, status, since=since, until=self.at)

    def _wait(self, span):
        self.at += span
        self.market.pass_time(self.at)

    def check(self, fresh):
        desk = self.market.desk
        account = self.market.account()
        coin = desk.coin("BTC")
        state = None
        for event in fresh:
            if isinstance(event, said.FeedChanged):
                state = event.state
            if isinstance(event, said.Filled):
                assert event.sz > 0
                assert event.fee >= 0
                assert state in (None, "live")
        # Who rests is open, and in the account with the same size.
        resting = {it.order.oid: it.order for it in coin.resting}
        for oid, order in resting.items():
            assert account.orders[oid].sz == order.sz > 0
            assert account.orders[oid].status == "open"
        for oid in coin.triggers:
            assert account.orders[oid].status == "open"
            assert account.orders[oid].is_trigger
        held = account.positions.get("BTC")
        szi = held.szi if held else D(0)
        for order in account.orders.values():
            assert 0 <= order.sz <= order.orig_sz
            assert order.status in ("open", "waiting", "triggered")
            if order.oid in resting and order.reduce_only:
                assert szi
                assert (szi < 0) is order.is_buy
                assert order.sz <= abs(szi)
        # No two of our own orders would trade with each other.
        bids = [it.px for it in resting.values() if it.is_buy]
        asks = [it.px for it in resting.values() if not it.is_buy]
        assert not bids or not asks or max(bids) < min(asks)

    def settle(self):
        fills = [it for it in self.events if isinstance(it, said.Filled)]
        account = self.market.account()
        held = account.positions.get("BTC")
        signed = sum((it.sz if it.is_buy else -it.sz for it in fills), D(0))
        assert (held.szi if held else D(0)) == signed
        market = [it for it in fills if it.liquidation != "backstop"]
        assert sum((it.sz for it in market), D(0)) <= self.budget
        assert len({it.tid for it in fills}) == len(fills)
        assert [it.seq for it in self.events] == list(range(1, len(self.events) + 1))
        folded = Accounts.folded(self.events, {"BTC": 1})
        assert folded.by_name["main"] == account
        # Where the money went adds up to what is there.
        marks = {"BTC": D(100)}
        totals = account.totals
        parts = totals.price + totals.fees + totals.funding + totals.liquidation
        parts += held.unrealized(D(100)) if held else D(0)
        assert abs(account.value(marks) - account.opened_with - parts) < D("1e-9")
        for order in (*account.done.values(), *account.orders.values()):
            mine = [it for it in fills if it.oid == order.oid]
            done = sum((it.sz for it in mine), D(0))
            if order.status == "filled":
                assert order.sz == 0
            if not order.is_position_tpsl and not order.reduce_only:
                assert done <= order.orig_sz


@pytest.mark.parametrize("on_gap", ["freeze", "pessimistic", "replay_backfill"])
@settings(max_examples=100)
@given(story=stories)
def test_whatever_happens_the_books_are_in_order(begun, orders, on_gap, story):
    play = Play(begun, orders, on_gap=on_gap, restart="keep", seed=1)
    for step in story:
        play.step(*step)
    play.step("wait", 70_000)
    play.settle()
