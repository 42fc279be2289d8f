"""``kill -9`` while orders flow: nothing acknowledged is lost, nothing done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.journal import read
from bistoury.simulator import Limits, Settings, Venue
from bistoury.simulator.settings import Cadences

TRADER = Path(__file__).with_name("trader.py")
SRC = Path(__file__).parents[2] / "src"
KILLS = int(os.environ.get("PAPER_KILLS", "6"))
EACH = 60
"""Orders a life would send if it were not cut short."""


async def live_and_die(url, journal, first, count, rng):
    """Let a trader live for a while; return what it said was acknowledged."""
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(TRADER), url, str(journal), str(first), str(count)),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    acknowledged, after = set(), rng.randrange(1, 25) if rng else None
    while line := await asyncio.wait_for(process.stdout.readline(), 100):
        words = line.decode().split()
        if not line.endswith(b"\n"):
            break
        if words[0].isdigit() and words[1] == "ok":
            acknowledged.add(int(words[0]))
        if after is not None and len(acknowledged) >= after:
            if rng.random() < 0.7:
                await asyncio.sleep(rng.random() * 0.02)
            process.send_signal(signal.SIGKILL)
            after = None
    await asyncio.wait_for(process.wait(), 30)
    return acknowledged, process.returncode


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * KILLS)
async def test_kills_lose_nothing_acknowledged_and_repeat_nothing(tmp_path):
    journal, rng = tmp_path / "paper.db", Random(KILLS)
    settings = Settings(
        coins=("BTC",),
        trade_rate=200.0,
        block=0.01,
        limits=Limits.none(),
        cadences=Cadences(l2_book=0.2, l2_book_fast=0.05, asset_ctx=0.1),
    )
    acknowledged, killed, first = set(), 0, 1
    async with Venue(settings, seed=3) as venue:
        while killed < KILLS:
            said_so, code = await live_and_die(venue.url, journal, first, EACH, rng)
            killed += code == -signal.SIGKILL
            acknowledged |= said_so
            # A bot that was killed knows only what it heard: it asks for the rest again.
            first = max(acknowledged) - 3 if acknowledged else 1
            first = max(first, 1)
        rest, code = await live_and_die(venue.url, journal, first, 8, None)
        assert code == 0
        acknowledged |= rest
    events = read(journal)
    answered = Counter(it.nonce for it in events if isinstance(it, said.Settled))
    assert acknowledged <= set(answered), "an acknowledged order is not in the journal"
    assert max(answered.values()) == 1, "an order was answered for twice"
    orders = {
        it.order.oid: it.order
        for it in events
        if isinstance(it, said.OrderChanged | said.Rejected)
    }
    placed = Counter(it.cloid for it in orders.values())
    assert max(placed.values()) == 1, "an order was placed or refused twice"
    assert {f"0x{nonce:032x}" for nonce in acknowledged} <= set(placed)
    # The facts are without a hole, and make the account that a new life begins with.
    assert [it.seq for it in events] == list(range(1, len(events) + 1))
    account = Accounts.folded(events, {"BTC": 1}).by_name["main"]
    cash = account.opened_with
    for it in events:
        if isinstance(it, said.Filled):
            cash -= (it.px * it.sz if it.is_buy else -it.px * it.sz) + it.fee
        elif isinstance(it, said.FundingPaid):
            cash += it.usdc
    assert account.raw_usd == cash
    assert len({it.tid for it in events if isinstance(it, said.Filled)}) == sum(
        isinstance(it, said.Filled) for it in events
    )
