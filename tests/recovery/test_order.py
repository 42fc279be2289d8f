"""What was missed comes before what followed it, and late rows come too."""

from itertools import pairwise

import msgspec
import pytest

from bistoury.simulator.faults import Cut, Refuse
from bistoury.simulator.ledger import fill_key
from bistoury.simulator.settings import Settings
from bistoury.testing.pair import Pair

USER = "0x" + "ab" * 20
STREAMS = (f"userFills:{USER}", f"orderUpdates:{USER}")
BUSY = Settings(coins=("BTC",), user_rate=3.0, fills_snapshot=1, rows_snapshot=1)


def away(pair, seconds):
    """Lose the connection, and find nobody for a while."""
    pair.exchange.inject(Refuse(status=503), pair.now, seconds)
    pair.exchange.inject(Cut(how="rst"), pair.now, None)


def begun(seed, *feeds, settings=BUSY):
    pair = Pair(seed, settings=settings)
    pair.subscribe(*({"type": feed, "user": USER} for feed in feeds))
    pair.connect()
    pair.run(30)
    return pair


@pytest.mark.parametrize("seed", range(8))
def test_live_rows_wait_until_what_was_missed_before_them_is_delivered(seed, figures):
    pair = begun(seed, "userFills", "orderUpdates")
    since = int(pair.now * 1000)
    for _ in range(4):
        away(pair, 9)
        pair.run(40)
    repeated = 0
    for stream in STREAMS:
        published = pair.exchange.ledger.stream(stream, since)
        times = {key: time for time, key in published}
        repeated += len(pair.delivered[stream]) - len(set(pair.delivered[stream]))
        came = [times[key] for key in pair.delivered[stream] if key in times]
        assert len(came) > 100
        assert all(a <= b for a, b in pairwise(came))
    figures(repeated=repeated)


@pytest.mark.parametrize("seed", range(4))
def test_a_row_that_the_venue_wrote_late_is_found_by_the_overlap(seed):
    pair = begun(seed, "userFills")
    away(pair, 9)
    pair.run(1)
    account = pair.exchange.users.account(USER, int(pair.now * 1000))
    (entry,) = pair.session.registry.entries.values()
    when = entry.continuity.newest - 3000
    late = account.fills[-1] | {"time": when, "tid": 1234567}
    account.fills.append(late)
    pair.run(40)
    stream = STREAMS[0]
    assert pair.delivered[stream].count(fill_key(late)) == 1
    assert len(set(pair.delivered[stream])) == len(pair.delivered[stream])


@pytest.mark.parametrize("seed", range(4))
def test_a_history_that_trails_the_stream_is_read_until_it_has_caught_up(seed):
    trailing = msgspec.structs.replace(BUSY, history_lag=4.0)
    pair = begun(seed, "userFills", settings=trailing)
    since = int(pair.now * 1000)
    for _ in range(4):
        pair.exchange.inject(Cut(how="rst"), pair.now, None)
        pair.run(20)
    until = int((pair.now - 1) * 1000)
    published = pair.exchange.ledger.stream(STREAMS[0], since)
    due = [key for time, key in published if time <= until]
    assert len(due) > 50
    assert [key for key in due if pair.delivered[STREAMS[0]].count(key) != 1] == []
