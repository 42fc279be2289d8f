"""Trading through every kind of loss: no fill is dated where nobody was looking."""

import asyncio
from itertools import count, pairwise
from random import Random

import pytest

from bistoury import BistouryError, Config
from bistoury.paper_trading import PaperConfig, PaperTradingEngine
from bistoury.paper_trading import events as said
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Flap, Freeze, Refuse, Silent
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

COIN = "BTC"
PORTS = count(61_000)
SECONDS = 240

# What is done, and for how long.
LOSSES = {
    "reset": (Cut(how="rst"), 0),
    "closed": (Cut(code=1001), 0),
    "rotation": (Cut(code=1000, reason="Expired"), 0),
    "inactive": (Cut(code=1000, reason="Inactive"), 0),
    "mute": (Silent(), 45),
    "frozen": (Freeze(), 45),
    "flapping": (Flap(after=2.0), 20),
    "away": (Refuse(status=503), 25),
}


class Trip:
    """An engine that trades all the time, and what was really lost."""

    def __init__(self, venue, engine):
        self.venue = venue
        self.engine = engine
        self.arrived = []
        self.gaps = []
        self.outages = []
        self.facts = []
        self.heard = {}
        self._since = {}

    def listen(self):
        client = self.engine.client
        for kind in ("bbo", "l2Book", "trades"):
            client.add_message_handler(kind, self._arrived)
        client.on("gap", self._gap)
        for name in ("order", "fill", "reject", "feed_state"):
            self.engine.on(name, self.facts.append)

    def _arrived(self, message):
        if message.get("recovered") or message.get("snapshot"):
            return
        data = message["data"]
        for row in data if isinstance(data, list) else [data]:
            if row["coin"] == COIN:
                fast = ":fast" if row.get("fast") else ""
                self.heard[f"{message['channel']}{fast}:{COIN}:"] = row["time"]
                self.arrived.append((self.venue.now() * 1000, row["time"]))

    def _gap(self, gap):
        """Remember a gap; what was heard before it opened is not in it."""
        feed = feed_of(gap)
        if gap.status == "open":
            heard = self.heard.get(feed, 0)
            self._since[feed] = max(gap.since or 0, heard)
        else:
            self.gaps.append((feed, self._since[feed], gap))

    async def trade(self, rng):
        """Take and offer, as quickly as answers come."""
        engine = self.engine
        while True:
            try:
                book = engine.venue.desk.coin(COIN).book
                if rng.random() < 0.5:
                    await engine.market_open(COIN, rng.random() < 0.5, "0.001")
                else:
                    level = (
                        book.bids if (buys := rng.random() < 0.5) else book.asks
                    ).best
                    if level is not None:
                        await engine.order(COIN, buys, "0.001", level.px)
            except BistouryError:
                pass
            await asyncio.sleep(0.1)
            if len(engine.open_orders()) > 20:
                for it in engine.open_orders()[:10]:
                    await engine.cancel(COIN, it.oid)

    async def lose(self, fault, lasts, rng):
        """Break the connection now and then."""
        while True:
            await asyncio.sleep(15 + 10 * rng.random())
            began = self.venue.now() * 1000
            number = self.venue.exchange.inject(fault, self.venue.now(), lasts or None)
            if isinstance(fault, Refuse):
                self.venue.exchange.inject(Cut(how="rst"), self.venue.now())
            self.venue.turn()
            assert number is not None
            await asyncio.sleep(lasts)
            self.outages.append(began)

    def blind(self):
        """Yield the stretches of which nothing came: no book in three seconds."""
        for (at, before), (later, after) in pairwise(self.arrived):
            if later - at > 3000:
                yield before, after

    @property
    def fills(self):
        return [it for it in self.facts if isinstance(it, said.Filled)]


def feed_of(gap):
    """Return how causes begin that are of the feed of a gap."""
    fast = ":fast" if gap.subscription.get("fast") else ""
    return f"{gap.subscription.feed}{fast}:{COIN}:"


def travelled(name, seed=1, **config):
    fault, lasts = LOSSES[name]

    async def main():
        settings = Settings(coins=(COIN,), trade_rate=10.0, limits=Limits.none())
        venue = MemoryVenue(Exchange(settings, seed))
        # A host of its own: the venue's limits are counted by host in one process.
        config_of = Config(api_url=f"http://127.0.0.1:{next(PORTS)}", network="local")
        client = venue.client(config_of, rng=Random(seed))
        engine = PaperTradingEngine(
            client=client, coins=[COIN], cash="1000000", paper=PaperConfig(**config)
        )
        trip = Trip(venue, engine)
        await client.connect()
        trip.listen()
        await engine.start()
        await asyncio.sleep(2)
        tasks = [
            asyncio.ensure_future(trip.trade(Random(f"{seed}:trade"))),
            asyncio.ensure_future(trip.lose(fault, lasts, Random(f"{seed}:lose"))),
        ]
        await asyncio.sleep(SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.stop()
        await client.disconnect()
        venue.stop()
        return trip

    return run(main())


@pytest.mark.parametrize("name", LOSSES)
def test_no_fill_is_dated_inside_a_gap_whatever_was_lost(name):
    trip = travelled(name)
    assert len(trip.outages) >= 3
    assert len(trip.fills) > 40
    blind = list(trip.blind())
    assert trip.gaps
    for made in trip.fills:
        # Where nothing arrived, by the tape.
        assert not any(since < made.time < until for since, until in blind), made
        # What the client itself calls a gap, of the feed that caused the fill.
        for feed, since, gap in trip.gaps:
            if made.cause.startswith(feed):
                assert not since < made.time < gap.until, (made, gap)
        assert made.quality in ("live", "stale_book", "estimated_queue", "uncertain")
        assert made.data_age <= 12_000


@pytest.mark.parametrize(
    ("on_gap", "qualities"),
    [
        ("freeze", {"live", "stale_book", "estimated_queue", "uncertain"}),
        (
            "replay_backfill",
            {"live", "stale_book", "estimated_queue", "uncertain", "backfilled"},
        ),
        ("pessimistic", {"live", "stale_book", "estimated_queue", "uncertain"}),
    ],
)
def test_resting_orders_are_treated_as_configured(on_gap, qualities):
    trip = travelled("reset", on_gap=on_gap)
    blind = list(trip.blind())
    assert {it.quality for it in trip.fills} <= qualities
    for made in trip.fills:
        assert not any(since < made.time < until for since, until in blind), made


def test_orders_that_rested_through_a_lost_stretch_say_so():
    trip = travelled("mute")
    lost = [it for _, _, it in trip.gaps if it.status == "unrecoverable"]
    assert lost
    assert any(
        isinstance(it, said.OrderChanged) and it.order.is_uncertain for it in trip.facts
    )


def test_degraded_time_is_told():
    trip = travelled("away")
    states = [it.state for it in trip.facts if isinstance(it, said.FeedChanged)]
    assert states.count("gap") >= 3
    assert states[-1] == "live" or "live" in states
