"""
A seeded market: one random number generator per coin, one block at a time.

A coin's events happen at exponential intervals and are published at the end of
their block, so the market is the same however ``advance`` is called. Everything
else (mids, contexts, bars) is read off the book and the trades, which is why it
all agrees.
"""

from __future__ import annotations

import heapq
from collections import deque
from random import Random
from typing import Any

from .backstory import Backstory
from .bars import MINUTE, Bar, closing
from .book import Book, Level
from .candles import Candles
from .chance import happens
from .instruments import Instrument, instruments
from .ledger import Ledger, bar_key, trade_key
from .numbers import decimal
from .settings import Settings

ZERO_HASH = "0x" + "0" * 64

Trade = dict[str, Any]


class CoinMarket:
    """One coin: its book, its trades, its bars."""

    def __init__(
        self, instrument: Instrument, settings: Settings, seed: int, start: int
    ) -> None:
        self.instrument = instrument
        self.rng = Random(f"{seed}:{instrument.name}")
        self.book = Book(self.rng, instrument.start_ticks, instrument.typical_lots)
        trades = settings.rate_of(instrument.name, instrument.trade_rate)
        self._rate = trades * (1.0 + settings.quotes_per_trade) / 1000.0
        self._trade_share = 1.0 / (1.0 + settings.quotes_per_trade)
        self.backstory = Backstory(
            f"{seed}:{instrument.name}",
            start=start,
            ticks=instrument.start_ticks,
            rate=trades,
            lots=instrument.typical_lots,
            span=int(settings.history * 1000),
        )
        self.candles = Candles(self.backstory)
        kept = max(settings.trades_replay, settings.recent_trades, 1)
        self.recent: deque[Trade] = deque(maxlen=kept)
        self.last = instrument.start_ticks
        self.oracle = float(instrument.start_ticks)
        self.open_interest = instrument.typical_lots * 20_000
        self.pending: list[Trade] = []
        self.next_event = float(start)
        self._wait()

    def px(self, ticks: int) -> str:
        """Write a price."""
        return decimal(ticks, self.instrument.px_decimals)

    def sz(self, lots: int) -> str:
        """Write a size."""
        return decimal(lots, self.instrument.sz_decimals)

    @property
    def mid(self) -> str:
        """The mean of the best bid and the best ask."""
        return decimal(self.book.twice_mid * 5, self.instrument.px_decimals + 1)

    @property
    def mark(self) -> int:
        """The mark price in ticks: a median, as the venue's is (§6.4)."""
        book = self.book
        touch = sorted((book.bids[0][0], book.asks[0][0], self.last))[1]
        return sorted((round(self.oracle), touch, book.twice_mid // 2))[1]

    def level(self, level: Level) -> dict[str, Any]:
        """Write a level of the book."""
        return {"px": self.px(level[0]), "sz": self.sz(level[1]), "n": level[2]}

    def bar(self, bar: Bar, interval: str) -> dict[str, Any]:
        """Write a bar (§2.7)."""
        return {
            "t": bar.time,
            "T": closing(bar.time, interval),
            "s": self.instrument.name,
            "i": interval,
            "o": self.px(bar.open),
            "c": self.px(bar.close),
            "h": self.px(bar.high),
            "l": self.px(bar.low),
            "v": self.sz(bar.volume),
            "n": bar.trades,
        }

    def step(self, block: int, stamp: int) -> None:
        """Let happen what happens before the end of ``block`` (ms)."""
        while self.next_event < block:
            if self.rng.random() < self._trade_share:
                self._trade(stamp)
            else:
                self.book.stir(self.rng)
            self._wait()
        mid = self.book.twice_mid / 2
        self.oracle += (mid - self.oracle) * 0.05

    def print(self, trade: Trade, ticks: int, lots: int) -> None:
        """Publish a trade with this block; users' fills come in here too."""
        self.pending.append(trade)
        self.last = ticks
        self.candles.add(trade["time"], ticks, lots)

    def trade(
        self, stamp: int, ticks: int, lots: int, *, buys: bool, **given: Any
    ) -> Trade:
        """Write a trade (§2.9)."""
        return {
            "coin": self.instrument.name,
            "side": "B" if buys else "A",
            "px": self.px(ticks),
            "sz": self.sz(lots),
            "time": stamp,
            **given,
        }

    def _trade(self, stamp: int) -> None:
        rng = self.rng
        buys = rng.random() < self.book.upward_chance
        # HL: trades of one transaction share its hash; the system's have none.
        digest = ZERO_HASH if happens(rng, 0.1) else f"0x{rng.getrandbits(256):064x}"
        taker = f"0x{rng.getrandbits(160):040x}"
        for ticks, lots in self.book.take(rng, buys=buys):
            maker = f"0x{rng.getrandbits(160):040x}"
            users = [taker, maker] if buys else [maker, taker]
            trade = self.trade(
                stamp,
                ticks,
                lots,
                buys=buys,
                hash=digest,
                tid=rng.getrandbits(50),
                users=users,
            )
            self.print(trade, ticks, lots)
            self.open_interest += lots if happens(rng, 0.5) else -lots
            self.open_interest = max(self.open_interest, 0)

    def _wait(self) -> None:
        if self._rate > 0:
            self.next_event += self.rng.expovariate(self._rate)
        else:
            self.next_event = float("inf")


class Market:
    """All coins, from ``start`` (venue ms) on."""

    def __init__(
        self, settings: Settings, seed: int, start: int, ledger: Ledger
    ) -> None:
        self._block = max(1, round(settings.block * 1000))
        self._ledger = ledger
        self.start = start // self._block * self._block
        self.coins = {
            name: CoinMarket(instrument, settings, seed, self.start)
            for name, instrument in instruments(settings.coins).items()
        }
        self._by_place = list(self.coins.values())
        self._heap = [
            (self.block_after(coin.next_event), place)
            for place, coin in enumerate(self._by_place)
            if coin.next_event != float("inf")
        ]
        heapq.heapify(self._heap)
        self._next_minute = (self.start // MINUTE + 1) * MINUTE
        self._rolled = self.start // MINUTE * MINUTE

    @property
    def next_at(self) -> int:
        """When (ms) there is something to do."""
        if not self._heap:
            return self._next_minute
        return min(self._heap[0][0], self._next_minute)

    def block_after(self, moment: float) -> int:
        """Return the end (ms) of the block that ``moment`` (ms) falls into."""
        return (int(moment) // self._block + 1) * self._block

    def block_at(self, time: int) -> int:
        """Return the time of the last block by ``time``."""
        return max(self.start, time // self._block * self._block)

    def step(self, block: int, stamp: int) -> list[CoinMarket]:
        """Run the coins whose block ends at ``block``; their trades say ``stamp``."""
        self._next_minute = (block // MINUTE + 1) * MINUTE
        minute = stamp // MINUTE * MINUTE
        if minute > self._rolled:
            self._rolled = minute
            self._roll(stamp)
        ran: list[CoinMarket] = []
        while self._heap and self._heap[0][0] <= block:
            place = self._heap[0][1]
            coin = self._by_place[place]
            coin.step(block, stamp)
            heapq.heapreplace(self._heap, (self.block_after(coin.next_event), place))
            ran.append(coin)
        return ran

    def seal(self, coin: CoinMarket) -> list[Trade]:
        """End a coin's block: write its trades down and return them."""
        trades, coin.pending = coin.pending, []
        stream = f"trades:{coin.instrument.name}"
        for trade in trades:
            self._ledger.record(stream, trade["time"], trade_key(trade))
            coin.recent.append(trade)
        return trades

    def mids(self, dex: str) -> dict[str, str]:
        """Return the mids of one dex. HL: the main dex includes spot (§2.1)."""
        return {
            name: coin.mid
            for name, coin in self.coins.items()
            if coin.instrument.dex == dex
        }

    def _roll(self, stamp: int) -> None:
        for name, coin in self.coins.items():
            for interval, bar in coin.candles.roll(stamp):
                key = bar_key(coin.bar(bar, interval))
                self._ledger.record(f"candle:{name},{interval}", bar.time, key)
