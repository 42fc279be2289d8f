"""
How many market messages a second a paper venue takes, with orders resting in it.

Frames of ten coins come from the local venue and are decoded and taken at a given
rate in real time, while orders are sent; and once as fast as possible, for the
processor time each kind of message costs. Then how long a journal takes to become
accounts again.

    python bench/paper.py --seconds 10
    python bench/paper.py --clock core    # on a machine that others use too
    python bench/paper.py --profile
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.feeding import bodies
from bistoury.paper_trading.journal import PaperJournal
from bistoury.paper_trading.numbers import rounded_to_figures
from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.universe import Universe
from bistoury.paper_trading.venue import ACT, PaperVenue
from bistoury.simulator import Limits, Settings
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.outputs import Send
from bistoury.simulator.settings import Cadences

COINS = ("BTC", "ETH", "SOL", "HYPE", "DOGE", "kPEPE", "XRP", "AVAX", "C000", "C001")
OPENED = 1_790_000_000.0
SLICE = 0.002
"""How often a paced run looks at the clock, in seconds."""

decode = msgspec.json.Decoder().decode


class Wall:
    """Real time: whoever else runs on the machine is in it."""

    def now(self) -> float:
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Core:
    """The time of a core of one's own: what was computed, and what was waited."""

    def __init__(self) -> None:
        self._waited = 0.0

    def now(self) -> float:
        return time.process_time() + self._waited

    def sleep(self, seconds: float) -> None:
        self._waited += seconds


CLOCKS = {"wall": Wall, "core": Core}


def frames(count: int) -> tuple[Universe, list[tuple[int, bytes]]]:
    """Return the rules of ten coins, and what the local venue says of them."""
    settings = Settings(
        coins=COINS,
        trade_rate=30.0,
        limits=Limits.none(),
        block=0.05,
        cadences=Cadences(l2_book=5.0, l2_book_fast=0.5, asset_ctx=1.0),
    )
    exchange = Exchange(settings, 1)
    now = OPENED
    number = exchange.connect(now)
    assert isinstance(number, int)
    for coin in COINS:
        for body in bodies(coin):
            request = {"method": "subscribe", "subscription": body}
            exchange.receive(number, msgspec.json.encode(request), now)
    found: list[tuple[int, bytes]] = []
    while len(found) < count:
        now += 0.05
        exchange.advance(now)
        at = round(now * 1000)
        found += [
            (at, it.frame) for it in exchange.take_output() if isinstance(it, Send)
        ]
    _, meta = exchange.info({"type": "meta"}, now)
    assert isinstance(meta, dict)
    return Universe.from_meta(meta), found[:count]


def order(universe: Universe, coin: str, px: Decimal, *, is_buy: bool) -> dict:
    """Write an order worth about 20 USD that rests at ``px``."""
    it = universe.by_coin[coin]
    size = max(Decimal(20) / px, Decimal(1).scaleb(-it.sz_decimals) * 2)
    return {
        "a": it.asset,
        "b": is_buy,
        "p": str(px),
        "s": str(size.quantize(Decimal(1).scaleb(-it.sz_decimals))),
        "r": False,
        "t": {"limit": {"tif": "Gtc"}},
    }


def ladder(venue: PaperVenue, count: int) -> list[dict]:
    """Write ``count`` orders on both sides of every coin, up to 5 % away."""
    rows = []
    each = count // len(COINS) // 2
    for coin in COINS:
        book = venue.desk.coin(coin).book
        places = venue.desk.universe.by_coin[coin].px_decimals
        for side in (book.bids, book.asks):
            assert side.best is not None
            for n in range(each):
                away = Decimal(n) / each / 20
                px = side.best.px * (1 - away if side.is_bid else 1 + away)
                px = rounded_to_figures(px, places)
                rows.append(order(venue.desk.universe, coin, px, is_buy=side.is_bid))
    return rows


def prepared(universe: Universe, found: list, resting: int) -> tuple[PaperVenue, int]:
    """Return a venue with ``resting`` orders, and how many frames that took."""
    config = PaperConfig(accounts={"main": Decimal(100_000_000)}, value_every=60.0)
    venue = PaperVenue(universe, config)
    venue.start(found[0][0])
    place, asked = 0, False
    for at, frame in found:
        place += 1
        venue.take(at, decode(frame))
        if (
            not asked
            and all(venue.desk.coin(it).health.state == "live" for it in COINS)
            and at > found[0][0] + 1000
        ):
            asked = True
            action = {"type": "order", "orders": ladder(venue, resting)}
            data = {"number": 1, "account": "main", "action": action}
            venue.take(at, {"channel": ACT, "data": data})
        if any(isinstance(it, said.Replied) for it in venue.drain()):
            break
    return venue, place


def flat_out(universe: Universe, found: list, resting: int) -> dict:
    """Take everything as fast as possible; return what a message costs."""
    venue, place = prepared(universe, found, resting)
    rest = found[place:]
    kinds, spent = Counter(), defaultdict(float)
    began = time.process_time()
    facts = 0
    for at, frame in rest:
        before = time.process_time()
        message = decode(frame)
        venue.take(at, message)
        if venue.desk.output:
            facts += len(venue.drain())
        kind = message["channel"]
        kinds[kind] += 1
        spent[kind] += time.process_time() - before
    used = time.process_time() - began
    return {
        "messages": len(rest),
        "processor_seconds": round(used, 3),
        "messages_per_second": round(len(rest) / used),
        "resting_at_the_end": sum(len(it.resting) for it in venue.desk.coins.values()),
        "facts": facts,
        "microseconds": {
            kind: round(spent[kind] / number * 1e6, 1) for kind, number in kinds.items()
        },
        "mix": dict(kinds),
    }


def paced(universe: Universe, found: list, given: argparse.Namespace) -> dict:
    """Take ``rate`` messages a second in real time, and send orders meanwhile."""
    venue, place = prepared(universe, found, given.resting)
    clock, rate, seconds = CLOCKS[given.clock](), given.rate, given.seconds
    config = venue.config
    wanted = float(config.entry_latency[9:-1]) + float(config.response_latency[9:-1])
    rest = found[place:]
    gc.collect()
    began = clock.now()
    start = venue.desk.now + 1
    # Their times are stretched to the rate, so that the venue's clock is the wall's.
    sent, done, lag = {}, [], []
    number, taken, total = 1, 0, int(rate * seconds)
    used = time.process_time()
    while taken < total:
        elapsed = clock.now() - began
        due = min(int(elapsed * rate), total)
        now = start + int(elapsed * 1000)
        for index in range(taken, due):
            message = decode(rest[index % len(rest)][1])
            at = start + int(index / rate * 1000)
            stamp(message, at)
            venue.take(max(at, venue.desk.now), message)
        lag.append(due - taken)
        taken = due
        venue.advance(now)
        for event in venue.drain():
            if isinstance(event, said.Replied) and event.command in sent:
                moment = clock.now()
                done.append(moment - sent.pop(event.command) - wanted)
        if elapsed * 20 > number:  # twenty orders a second
            number += 1
            coin = COINS[number % len(COINS)]
            bid = venue.desk.coin(coin).book.bids.best
            if bid is not None:
                action = {
                    "type": "order",
                    "orders": [order(universe, coin, bid.px, is_buy=True)],
                }
                data = {"number": number, "account": "main", "action": action}
                sent[number] = clock.now()
                venue.take(now, {"channel": ACT, "data": data})
        spare = SLICE - (clock.now() - began - elapsed)
        if spare > 0:
            clock.sleep(spare)
    took = clock.now() - began
    done.sort()
    return {
        "clock": given.clock,
        "rate": rate,
        "seconds": round(took, 2),
        "messages": taken,
        "dropped": total - taken,
        "behind_seconds": round(took - seconds, 3),
        "processor_share": round((time.process_time() - used) / took, 3),
        "most_taken_at_once": max(lag),
        "orders_answered": len(done),
        "answer_beyond_latency_ms": {
            "p50": round(statistics.median(done) * 1000, 2) if done else None,
            "p99": round(done[int(len(done) * 0.99)] * 1000, 2) if done else None,
        },
    }


def reopened(orders: int) -> dict:
    """Fold a journal in which each order was placed, answered, filled and done."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        journal = PaperJournal(path)
        journal.append(history(orders))
        began = time.process_time()
        accounts = Accounts.folded(journal.events(), {"BTC": 1})
        used = time.process_time() - began
        journal.close()
        facts = accounts.last_seq
        return {
            "facts": facts,
            "processor_seconds": round(used, 3),
            "seconds_a_million": round(used / facts * 1e6, 1),
            "bytes_a_fact": round(path.stat().st_size / facts),
        }


def history(orders: int) -> Iterator[said.Event]:
    """Yield what a journal keeps of so many orders that were filled at once."""
    cash = Decimal(100_000)
    yield said.AccountOpened(seq=1, at=1, account="main", cash=cash)
    for number in range(1, orders + 1):
        named = {"at": number, "account": "main"}
        is_buy, px, sz = number % 2 == 1, Decimal("64000.5"), Decimal("0.01")
        placed = said.Order(
            oid=number,
            account="main",
            coin="BTC",
            asset=0,
            is_buy=is_buy,
            px=px,
            sz=sz,
            orig_sz=sz,
            tif="Gtc",
            nonce=number,
        )
        done = msgspec.structs.replace(placed, status="filled", sz=Decimal(0))
        answer = {"status": "ok", "response": {"type": "order"}}
        filled = said.Filled(
            seq=number * 4,
            coin="BTC",
            oid=number,
            tid=number,
            is_buy=is_buy,
            px=px,
            sz=sz,
            time=number,
            crossed=False,
            start_position=Decimal(0),
            direction="Open Long",
            closed_pnl=Decimal(0),
            fee=Decimal("0.1"),
            **named,
        )
        yield said.OrderChanged(seq=number * 4 - 2, order=placed, **named)
        yield said.Settled(seq=number * 4 - 1, nonce=number, answer=answer, **named)
        yield filled
        yield said.OrderChanged(seq=number * 4 + 1, order=done, **named)


def stamp(message: dict, at: int) -> None:
    """Let a message say that it is of ``at``."""
    data = message["data"]
    if isinstance(data, list):
        for row in data:
            row["tid"] += at  # another trade
            row["time"] = at
    elif "time" in data:
        data["time"] = at


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rate", type=int, default=20_000, help="messages a second")
    parser.add_argument("--resting", type=int, default=500, help="orders that rest")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument(
        "--frames", type=int, default=60_000, help="frames to take from"
    )
    parser.add_argument(
        "--journal", type=int, default=30_000, help="orders in the journal to reopen"
    )
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="core: as if nobody else ran"
    )
    parser.add_argument("--profile", action="store_true", help="say where time goes")
    given = parser.parse_args()
    universe, found = frames(given.frames)
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(flat_out, universe, found, given.resting)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    result = {"flat_out": flat_out(universe, found, given.resting)}
    result["paced"] = paced(universe, found, given)
    result["reopened"] = reopened(given.journal)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
