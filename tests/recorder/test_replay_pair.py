"""
A journal replays to what happened, whatever went wrong.

A session and a venue play some minutes with faults drawn from a seed; the journal of
it, read by new sessions, leads to the same notices at the same moments.
"""

from random import Random

import pytest

from bistoury.recorder.journal import Journal
from bistoury.recorder.replay import read
from bistoury.session import Policy
from bistoury.session import events as on
from bistoury.simulator.plan import FaultPlan
from bistoury.simulator.settings import Settings
from bistoury.testing.pair import Pair

USER = "0x" + "1" * 40
BODIES = (
    {"type": "allMids"},
    {"type": "trades", "coin": "BTC"},
    {"type": "trades", "coin": "ETH"},
    {"type": "l2Book", "coin": "BTC"},
    {"type": "candle", "coin": "BTC", "interval": "1m"},
    {"type": "bbo", "coin": "ETH"},
    {"type": "activeAssetCtx", "coin": "BTC"},
    {"type": "userFills", "user": USER},
    {"type": "orderUpdates", "user": USER},
    {"type": "userEvents", "user": USER},
)
SECONDS = 300.0


def fail(error):
    raise error


def play(seed, path, **options):
    """Play a seed and write its journal."""
    rng = Random(f"{seed}:journal")
    journal = Journal(path, failed=fail, **options)
    pair = Pair(
        seed,
        settings=Settings(coins=("BTC", "ETH"), trade_rate=1.0, user_rate=0.5),
        plan=FaultPlan.random(seed, SECONDS),
        latency=rng.choice((0.002, 0.02, 0.2)),
        journal=journal,
    )
    wanted = {}

    def change():
        number = rng.randrange(len(BODIES))
        if number in wanted:
            pair.unsubscribe(wanted.pop(number))
        else:
            (wanted[number],) = pair.subscribe(BODIES[number])

    for _ in range(rng.randint(1, 12)):
        change()
    pair.connect()
    end = pair.now + SECONDS
    while pair.now < end:
        pair.run(min(rng.expovariate(1 / 30), end - pair.now))
        match rng.randrange(8):
            case 0:
                change()
            case 1:
                pair.feed(on.ReconnectRequested("user"))
            case 2:
                pair.feed(on.PolicyChanged(Policy(message_timeout=rng.uniform(5, 40))))
            case 3:
                pair.feed(on.CloseRequested())
                pair.run(rng.uniform(0, 3))
                pair.connect()
            case _:
                pass
    journal.file.flush()
    return pair


@pytest.mark.parametrize("seed", range(40))
def test_a_journal_replays_to_the_same_notices_at_the_same_moments(seed, tmp_path):
    path = tmp_path / "journal.jsonl"
    pair = play(seed, path)

    replayed = read(path)
    assert replayed.differs == replayed.damage == ""
    same = [(at, hidden(str(notice))) for at, notice in pair.notices]
    assert [(it.at, hidden(str(it.notice))) for it in replayed.told] == same
    assert len(same) > 20


def hidden(text):
    """Return a sentence without its address, which the journal has another for."""
    return "".join(
        word[:2] if word.startswith("0x") else word
        for word in text.replace("=", "= ").split(" ")
    )
