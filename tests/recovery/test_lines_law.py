"""
The second law over two lines: both, or one that takes over from the other.

Whatever happens to them that TCP lets happen, each published event comes once or lies
in a gap that says so, every gap is settled, and the client is well in the end. What a
lost connection missed is not told long after rows from behind it.
"""

import asyncio
import os
from random import Random, SystemRandom

import pytest

from bistoury import Config
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Delay, DropAcks, Garble, Refuse, Rest, Silent
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.oracle import Oracle, stream_of
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

USERS = ("0x" + "ab" * 20, "0x" + "cd" * 20)
MANY = dict.fromkeys(
    (
        *("connections", "connections_per_minute", "subscriptions", "users"),
        "messages_per_minute",
    ),
    10**6,
)
FIXED = int(os.environ.get("SOAK_SEEDS", "18")) // 3
FRESH = [SystemRandom().randrange(10**9) for _ in range(max(1, FIXED // 3))]
AT_ONCE = 2.5
"""Seconds within which a gap is told: a line's proof, and the tick that looks at it."""
WAYS = {
    "redundancy": {"redundancy": 2},
    "rotation": {"rotate_after": 20},
    "both": {"redundancy": 2, "rotate_after": 25},
}


def fault(rng, number, kinds):
    """Return what befalls a connection (or all), and for how long."""
    which = rng.choice(kinds)
    return {
        "cut": lambda: (Cut(how=rng.choice(("rst", "eof")), connection=number), None),
        # Longer than it takes to be found out, or all of it comes in the end.
        "dead": lambda: (Silent(connection=number), rng.uniform(27, 60)),
        "held": lambda: (
            Silent(direction="out", hold=True, connection=number),
            rng.uniform(1, 20),
        ),
        "deaf": lambda: (
            Silent(direction="in", connection=number),
            rng.uniform(27, 60),
        ),
        "refuse": lambda: (Refuse(status=503), rng.uniform(1, 20)),
        "delay": lambda: (
            Delay(seconds=rng.uniform(0.1, 3), connection=number),
            rng.uniform(2, 20),
        ),
        "acks": lambda: (
            DropAcks(every=rng.randint(1, 4), connection=number),
            rng.uniform(1, 15),
        ),
        "garble": lambda: (
            Garble(probability=0.2, how=("truncated",), connection=number),
            rng.uniform(0.5, 6),
        ),
        "rest": lambda: (Rest(status=500), rng.uniform(1, 20)),
    }[which]()


LOSSES = ("cut", "cut", "dead", "refuse", "rest")
KINDS = (*LOSSES, "held", "deaf", "delay", "acks", "garble")
"""Losses end a connection; what only disturbs it may be found out later."""


class Order:
    """Notes what came how long before the news of a gap that it lies behind."""

    def __init__(self, oracle):
        self.oracle, self.late = oracle, []
        self._came = {}

    def handler(self, stream, user=""):
        came = self._came.setdefault(stream, [])

        def take(message):
            self.oracle.deliver(message, user)
            data = message["data"]
            rows = data["fills"] if stream.startswith("userFills") else data
            name = "statusTimestamp" if user else "time"
            now = asyncio.get_running_loop().time()
            came.extend((row[name], now) for row in rows)

        return take

    def gap(self, gap):
        self.oracle.gap(gap)
        now, stream = asyncio.get_running_loop().time(), stream_of(gap.subscription)
        if gap.status == "open":
            came = self._came.get(stream, ())
            late = [it for it in came if it[0] > gap.since and now - it[1] > AT_ONCE]
            self.late += [(stream, gap.since, now, len(late))] if late else []


async def story(seed, options, kinds=KINDS):
    rng = Random(seed)
    settings = Settings(
        coins=("BTC", "ETH"),
        trade_rate=3.0,
        user_rate=0.5,
        history=3600.0,
        history_lag=rng.choice((0.0, 1.0, 3.0)),
        limits=Limits.none(),
    )
    venue = MemoryVenue(Exchange(settings, seed))
    exchange, oracle = venue.exchange, Oracle(venue.exchange.ledger)
    client = venue.client(
        Config(api_url="http://127.0.0.1:31", limits=MANY), rng=Random(seed), **options
    )
    order = Order(oracle)
    client.on("gap", order.gap)
    await client.connect()
    streams = []
    for coin in ("BTC", "ETH"):
        streams.append(f"trades:{coin}")
        await client.subscribe_trades(coin, order.handler(streams[-1]))
    for user in USERS:
        streams += [f"userFills:{user}", f"orderUpdates:{user}"]
        await client.subscribe_user_fills(user, order.handler(streams[-2]))
        await client.subscribe_order_updates(user, order.handler(streams[-1], user))
    await client.subscribe_all_mids(lambda _: None)
    assert await client.wait_ready(20)
    since, until = int(venue.now() * 1000) + 1, venue.now() + 150
    silent_until = 0.0
    while venue.now() < until:
        await asyncio.sleep(rng.expovariate(0.1))
        held = sorted(exchange.subscriptions())
        # What is dead for all comes to life for those that opened meanwhile.
        is_one = kinds is LOSSES or rng.random() < 0.8
        number = rng.choice(held) if held and is_one else None
        if held or kinds is not LOSSES:
            what, lasts = fault(rng, number, kinds)
            swallows = isinstance(what, Silent) and not what.hold
            # A second silence would end the first one before it is found out.
            if not swallows or venue.now() >= silent_until:
                exchange.inject(what, venue.now(), lasts)
            if swallows:
                silent_until = max(silent_until, venue.now() + lasts)
        venue.turn()
    if kinds is LOSSES:  # what was dead does not come back to life
        exchange.inject(Cut(how="rst"), venue.now())
        venue.turn()
    else:  # nor does it before it can have been found out
        await asyncio.sleep(max(0.0, silent_until - venue.now()))
    exchange.heal(venue.now())
    venue.turn()
    await asyncio.sleep(150)
    rows = oracle.accounts(streams, since, int(venue.now() * 1000) - 8_000)
    stats = client.get_reconnection_stats()
    health = await client.get_connection_health()
    await client.disconnect()
    venue.stop()
    return rows, stats, health, order.late


@pytest.mark.parametrize("seed", [*range(FIXED), *FRESH])
@pytest.mark.parametrize("way", WAYS)
def test_the_law_holds_over_two_lines(way, seed):
    rows, stats, health, _ = run(story(seed, WAYS[way]))

    assert [(row.stream, row.lost) for row in rows if row.lost] == []
    assert [(row.stream, row.repeated) for row in rows if row.repeated] == []
    assert sum(row.published for row in rows) > 1_000
    assert stats["gaps"]["open"] == 0
    assert (health["is_healthy"], health["reasons"]) == (True, [])


@pytest.mark.parametrize("seed", [*range(FIXED), *FRESH])
def test_a_loss_is_told_before_what_lies_behind_it(seed):
    *_, late = run(story(seed, WAYS["redundancy"], LOSSES))

    assert late == []
