"""A connection that comes and goes: told once, and never a reason to hide an outage."""

from __future__ import annotations

from datetime import time

import pytest

from bistoury.session import Cause
from bistoury.session import notices as say


def mostly_away(desk, hours=1):
    """Lose six connections in a hurry, then be up for 30 s after every 240 s."""
    for _ in range(6):
        desk.flap(away=3, back=17, lost=False)
    for _ in range(round(hours * 3600 / 270)):
        desk.flap(away=240, back=30, lost=False)
    return desk


def test_500_flaps_in_an_hour_are_two_notifications_and_a_digest(desk):
    for _ in range(500):
        desk.flap(away=2.0, back=5.2)
    hour = [message for at, message in desk.sent if at <= 3600]
    assert len(hour) <= 2

    desk.run(3600)

    kinds = [kind for kind, _ in desk.told]
    assert kinds.count("open") <= 2
    assert kinds.count("digest") == 1
    assert desk.told[-1] == ("close", "flapping")
    assert len(desk.sent) <= 4
    (digest,) = [it for it in desk.messages if it.kind == "digest"]
    assert " losses, " in digest.body
    assert "the longest 2.0 s" in digest.body
    assert "gaps that cannot be recovered" in digest.body
    # The end sums up all of it, and not what is left since the digest.
    assert "500 losses, the longest 2.0 s, 16 min 40 s in all" in desk.messages[-1].body
    assert "500 gaps that cannot be recovered" in desk.messages[-1].body


def test_a_grave_outage_is_told_although_the_connection_flaps(desk):
    for _ in range(20):
        desk.flap()
    count = len(desk.sent)
    desk.amiss(down="gone for good").run(301)

    assert [(it.kind, it.rule) for it in desk.messages[count:]] == [("open", "down")]


def test_losses_that_were_asked_for_are_no_flapping(desk):
    for _ in range(50):
        desk.said(say.Disconnected(Cause.USER, None, "", 1, 5.0)).run(5)

    assert desk.sent == []


def test_a_connection_that_is_mostly_away_is_down(desk):
    mostly_away(desk, hours=4)

    opened = [(at, it.rule) for at, it in desk.sent if it.kind == "open"]
    assert [rule for _, rule in opened] == ["flapping", "down"]
    assert opened[1][0] < 600
    assert desk.messages[1].severity == "critical"
    # It is not back because it is for half a minute.
    assert ("close", "down") not in desk.told

    desk.well().run(1200)
    closed = [it.rule for it in desk.messages if it.kind == "close"]
    assert closed == ["down", "flapping"]


def test_at_night_an_outage_is_told_though_flapping_was_not(make_desk):
    desk = make_desk(quiet="23:00-07:00")
    desk.clock = time(2, 0)
    mostly_away(desk)

    # Six short losses are for the morning; the first long one is not.
    assert desk.told[0] == ("open", "down")
    assert desk.sent[0][0] == 120 + 61
    assert {rule for _, rule in desk.told} == {"down"}
    # Back once, and from then on mostly away.
    assert desk.told == [("open", "down"), ("close", "down"), ("open", "down")]


def test_short_losses_that_take_half_of_the_time_are_critical_at_night(make_desk):
    desk = make_desk(quiet="23:00-07:00")
    desk.clock = time(2, 0)
    for _ in range(100):
        desk.flap(away=6, back=5, lost=False)

    assert desk.told == [("open", "down")]
    assert "losses in 10 minutes, down for" in desk.messages[0].body


def test_a_connection_that_is_down_is_not_told_to_be_steady(desk):
    for _ in range(6):
        desk.flap(away=3, back=17, lost=False)
    desk.said(say.Disconnected(Cause.NETWORK, None, "reset", 1, 5.0))
    desk.amiss(down="gone").run(8000)
    told = [("open", "flapping"), ("open", "down"), ("digest", "digest")]
    assert desk.told == told  # one digest of the losses, none of their absence

    desk.said(say.Ready(2, 1, 8000)).well().run(30)
    assert desk.told[3:] == [("close", "down"), ("close", "flapping")]


@pytest.mark.parametrize("rule", ["stale", "refused", "slow_handler"])
def test_flapping_hides_no_trouble_of_another_kind(desk, rule):
    for _ in range(20):
        desk.flap()
    count = len(desk.sent)
    desk.amiss(**{rule: ["userFills(me)"]}).run(100)

    assert [(it.kind, it.rule) for it in desk.messages[count:]] == [("open", rule)]


def test_what_the_end_of_flapping_tells_is_in_no_digest_as_well(desk):
    for _ in range(20):
        desk.flap()
    desk.run(20_000)

    assert desk.told == [("open", "gap"), ("open", "flapping"), ("close", "flapping")]
    assert "held back: gap 17" in desk.messages[-1].body


def test_the_end_of_flapping_counts_no_loss_of_an_earlier_day(desk):
    for _ in range(3):
        desk.flap(lost=False).run(1000)
    for _ in range(8):
        desk.flap(lost=False)
    desk.run(1000)

    assert "\n8 losses, " in desk.messages[-1].body


def test_a_few_losses_that_cost_nothing_are_no_message(desk):
    for _ in range(3):
        desk.flap(lost=False).run(1000)
    desk.run(10_000)

    assert desk.sent == []


def test_flapping_of_the_evening_holds_nothing_back_once_it_is_over(make_desk):
    desk = make_desk(quiet="23:00-07:00")
    for _ in range(8):
        desk.flap(lost=False)
    desk.clock = time(23, 30)
    desk.run(1000).amiss(down="gone").run(100)

    assert desk.told == [("open", "flapping"), ("open", "down")]
