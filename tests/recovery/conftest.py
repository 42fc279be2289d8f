"""A session and a venue on an imaginary wire, and the account of what came of it."""

from types import SimpleNamespace

import pytest

from bistoury.session.notices import Gap
from bistoury.simulator.plan import FaultPlan
from bistoury.simulator.settings import Settings
from bistoury.testing.oracle import Oracle
from bistoury.testing.pair import Pair

USER = "0x" + "ab" * 20
WANTED = (
    {"type": "allMids"},
    {"type": "trades", "coin": "BTC"},
    {"type": "l2Book", "coin": "ETH"},
    {"type": "candle", "coin": "BTC", "interval": "1m"},
    {"type": "userFills", "user": USER},
    {"type": "orderUpdates", "user": USER},
    {"type": "userFundings", "user": USER},
    {"type": "userNonFundingLedgerUpdates", "user": USER},
)
STREAMS = (
    "trades:BTC",
    f"userFills:{USER}",
    f"orderUpdates:{USER}",
    f"userFundings:{USER}",
    f"userNonFundingLedgerUpdates:{USER}",
)

# A venue that makes recovery hard: three rows in its snapshots, and a history that
# trails the stream by four seconds.
HARD = Settings(
    coins=("BTC", "ETH"),
    trade_rate=1.0,
    user_rate=0.05,
    history=3600.0,
    history_lag=4.0,
    fills_snapshot=3,
    rows_snapshot=3,
)


@pytest.fixture
def story():
    """Play a seed through a plan, heal, and return what the oracle says."""

    def play(seed, kinds, *, plan=None, settings=HARD, wanted=WANTED, seconds=300.0):
        plan = plan or FaultPlan.random(seed, seconds, kinds)
        pair = Pair(seed, settings=settings, plan=plan)
        oracle = Oracle(pair.exchange.ledger)
        pair.on_message = oracle.deliver
        pair.subscribe(*wanted)
        pair.connect()
        pair.run(seconds)
        pair.heal()
        pair.run(240.0)
        granted = {}
        for at, notice in pair.notices:
            if isinstance(notice, Gap):
                oracle.gap(notice)
            if type(notice).__name__ == "Granted":
                granted.setdefault(notice.subscription.feed, at)
        until = int((pair.now - 1) * 1000)
        rows = [
            oracle.account(stream, int(granted[stream.split(":")[0]] * 1000), until)
            for stream in STREAMS
            if stream.split(":")[0] in granted
        ]
        return SimpleNamespace(pair=pair, oracle=oracle, rows=rows, plan=plan)

    return play
