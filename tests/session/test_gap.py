from __future__ import annotations

from math import inf

from bistoury.session import Cause
from bistoury.session.gap import OpenGap


def test_a_new_gap_is_being_made_good_by_nobody():
    gap = OpenGap(3, 1_000, Cause.NETWORK)

    assert (gap.number, gap.since, gap.cause) == (3, 1_000, Cause.NETWORK)
    assert (gap.reading, gap.is_reading, gap.failures) == (0, False, 0)
    assert (gap.read_at, gap.hold_until, gap.granted_at) == (inf, inf, inf)
    assert (gap.asked_at, gap.watched_from) == (-inf, inf)
    assert (gap.delivered, gap.key) == (0, None)
    assert (gap.next_cause, gap.next_since) == (None, 0)
    assert (gap.reached, gap.is_broken, gap.recovered_before) == (0, False, 0)
