from __future__ import annotations

from datetime import time

import pytest

from bistoury.alerting.plan import AlertPlan
from bistoury.alerting.rules import RULES
from bistoury.session import Cause, Subscription

USER = "userFills(me)"


def test_an_outage_is_one_opening_and_one_closing_with_the_same_key(desk):
    desk.amiss(down="not live (backoff)").run(200).well().run(100)

    assert desk.told == [("open", "down"), ("close", "down")]
    (opened_at, opened), (_, closed) = desk.sent
    assert opened_at == 61.0
    assert opened.key == closed.key
    assert (opened.severity, closed.severity) == ("critical", "info")
    assert "not live" in opened.body
    assert "after 3 min 20 s" in closed.body
    assert "3 gaps recovered" in closed.body


def test_what_heals_in_time_is_no_message(desk):
    desk.amiss(down="x").run(59).well().run(500)

    assert desk.sent == []


def test_a_short_recovery_in_an_outage_is_not_told_as_its_end(desk):
    desk.amiss(down="x").run(100).well().run(5).amiss(down="x").run(100).well().run(60)

    assert desk.told == [("open", "down"), ("close", "down")]


def test_recovery_does_not_reset_the_floor(desk):
    for _ in range(4):
        desk.amiss(down="x").run(100).well().run(100)

    # At 61 and, the floor of 900 s not being over before the end, never again.
    assert desk.told == [("open", "down"), ("close", "down")]


def test_a_trouble_that_outlasts_the_floor_is_told_then(desk):
    desk.amiss(down="x").run(100).well().run(100)
    desk.amiss(down="x").run(2000)

    assert desk.told == [("open", "down"), ("close", "down"), ("open", "down")]
    assert desk.sent[2][0] == 961.0


def test_while_the_connection_is_down_nothing_else_is_news(desk):
    desk.amiss(down="x", stale="trades(coin=BTC)", breaker="9 attempts", refused="y")
    desk.run(800)

    assert desk.told == [("open", "down")]


@pytest.mark.parametrize("rule", ["stale", "refused", "breaker"])
def test_every_lasting_rule_opens_and_closes(desk, rule):
    desk.amiss(**{rule: "what it is about"}).run(100).well().run(60)

    assert desk.told == [("open", rule), ("close", rule)]
    assert "what it is about" in desk.messages[0].body
    assert desk.messages[1].title == RULES[rule].closed


@pytest.mark.parametrize("rule", ["stale", "refused"])
def test_a_feed_that_joins_a_trouble_is_told_and_each_has_its_end(desk, rule):
    desk.amiss(**{rule: ["NOPE"]}).run(2000)
    desk.amiss(**{rule: ["NOPE", USER]}).run(100)
    desk.amiss(**{rule: ["NOPE"]}).run(30)
    desk.well().run(30)

    told = [(it.kind, it.key, it.body.split("\n")[1]) for it in desk.messages]
    assert told == [
        ("open", f"{rule}-1", "NOPE"),
        ("open", f"{rule}-2", USER),
        ("close", f"{rule}-2", USER),
        ("close", f"{rule}-1", "NOPE"),
    ]


def test_a_feed_is_told_again_while_another_is_refused_for_days(desk):
    desk.amiss(refused=["NOPE"]).run(1000)
    for _ in range(2):
        desk.amiss(refused=["NOPE", USER]).run(1000)
        desk.amiss(refused=["NOPE"]).run(1000)

    told = [(it.kind, it.body.split("\n")[1]) for it in desk.messages]
    assert told == [("open", "NOPE"), *[("open", USER), ("close", USER)] * 2]


def test_a_trouble_that_moves_from_feed_to_feed_is_told_of_both(desk):
    desk.amiss(stale=["A"]).run(1000).amiss(stale=["B"]).run(1000)

    assert desk.told == [("open", "stale"), ("close", "stale"), ("open", "stale")]
    assert "B" in desk.messages[2].body


def test_a_feed_that_joins_is_held_to_the_floor_and_a_thousand_are_one_message(desk):
    desk.amiss(stale=["first"]).run(100)
    desk.amiss(stale=["first", *map(str, range(1000))]).run(2000)

    assert [at for at, _ in desk.sent] == [61.0, 961.0]
    assert "and 992 more" in desk.messages[1].body
    desk.well().run(30)
    closing = desk.messages[-1].body
    assert "and 992 more" in closing
    assert len(closing) < 500


def test_a_feed_that_comes_back_for_a_moment_is_no_second_trouble(desk):
    for _ in range(5):
        desk.amiss(stale=["A", "B"]).run(300).amiss(stale=["A"]).run(300)
    desk.well().run(30)

    assert desk.told == [("open", "stale"), ("close", "stale")]
    assert desk.messages[1].body.split("\n")[1:] == ["A", "B"]


def test_no_closing_holds_an_address(desk):
    desk.amiss(stale=[f"userFills(user=0x{'ab' * 20})"]).run(100).well().run(30)

    assert desk.messages[1].body.endswith("userFills(user=0xabab…abab)")


def test_gaps_for_good_are_one_message_however_many_feeds(desk, make_gap):
    for number in range(100):
        feed = Subscription("trades", (("coin", f"C{number}"),))
        desk.said(make_gap("open", feed), make_gap("unrecoverable", feed))
    desk.run(60)

    assert desk.told == [("open", "gap")]
    assert "trades(coin=C0)" in desk.messages[0].body
    assert len(desk.messages[0].body) < 2000


def test_a_recovered_gap_is_no_message(desk, make_gap):
    desk.said(make_gap("open"), make_gap("recovered")).run(600)

    assert desk.sent == []


def test_gaps_of_an_outage_that_was_told_are_told_with_its_end(desk, make_gap):
    desk.amiss(down="x").said(make_gap("open")).run(100)
    desk.said(make_gap("unrecoverable"), make_gap("open"))
    desk.well().run(5).said(make_gap("recovered")).run(100)

    assert desk.told == [("open", "down"), ("close", "down")]
    lost = "trades(coin=BTC) from 00:00:01 to 00:00:02 UTC (network)"
    assert desk.messages[1].body == f"after 1 min 40 s\n3 gaps recovered\n{lost}"


def test_a_message_counts_the_gaps_that_it_has_no_room_to_name(desk, make_gap):
    for number in range(100):
        feed = Subscription("trades", (("coin", f"C{number}"),))
        desk.said(make_gap("open", feed), make_gap("unrecoverable", feed))
    desk.run(30)

    assert desk.messages[0].body.endswith("and 92 more")


def test_a_slow_handler_opens_and_closes(desk, make_gap):
    desk.said(make_gap("open", cause=Cause.OVERFLOW)).run(30)
    desk.said(make_gap("unrecoverable", cause=Cause.OVERFLOW)).run(60)

    assert desk.told == [("open", "slow_handler"), ("close", "slow_handler")]


def test_in_quiet_hours_only_what_is_critical_is_told_and_the_rest_at_their_end(
    make_desk, make_gap
):
    desk = make_desk(quiet="23:00-07:00")
    desk.clock = time(3, 0)
    desk.amiss(refused="trades(coin=NOPE)").run(300).well().run(30)
    desk.said(make_gap("open"), make_gap("unrecoverable")).run(60)
    assert desk.sent == []
    desk.amiss(down="x").run(100)
    assert desk.told == [("open", "down")]

    desk.well().run(100)
    desk.clock = time(7, 0)
    desk.run(5)

    assert desk.told[-1] == ("digest", "digest")
    assert "refused 1" in desk.messages[-1].body
    assert "gap 1" in desk.messages[-1].body


@pytest.mark.parametrize("is_back", [True, False])
def test_in_quiet_hours_the_end_of_a_warning_waits_for_the_morning(make_desk, is_back):
    desk = make_desk(quiet="23:00-07:00")
    desk.amiss(refused=["NOPE"]).run(100)
    desk.clock = time(3, 0)
    desk.well().run(600)
    assert desk.told == [("open", "refused")]

    if is_back:  # nobody was told that it was over
        desk.amiss(refused=["NOPE"]).run(10)
    desk.clock = time(7, 0)
    desk.run(5)
    assert len(desk.sent) == (1 if is_back else 2)
    desk.well().run(20)
    assert desk.told == [("open", "refused"), ("close", "refused")]
    assert "after 11 min" in desk.messages[1].body or not is_back


def test_a_digest_says_nothing_about_what_there_was_none_of(make_desk):
    desk = make_desk(floor=3600)
    for _ in range(2):
        desk.amiss(stale=["A"]).run(100).well().run(100)
    desk.run(4000)

    assert desk.told[-1] == ("digest", "digest")
    assert desk.messages[-1].body == "held back: stale 1"


def test_a_disconnect_that_was_asked_for_is_not_told_as_a_recovery(desk):
    desk.amiss(down="x").run(100)
    desk.amiss(off="").run(600)
    assert desk.told == [("open", "down")]

    desk.well().run(30)
    assert desk.told == [("open", "down"), ("close", "down")]


def test_the_time_in_which_nobody_asked_for_data_is_no_outage(desk):
    for _ in range(5):
        desk.flap(lost=False)
    desk.amiss(down="x").run(30).amiss(off="").run(500)
    count = len(desk.sent)
    desk.amiss(down="x").run(60)
    assert desk.told[count:] == []

    desk.run(300)
    assert desk.told[count:] == [("open", "down")]


def test_a_calm_day_has_no_digest(desk):
    desk.run(20_000)

    assert desk.sent == []


def test_every_setting_that_a_rule_names_exists():
    settings = set(AlertPlan.__struct_fields__)

    assert {it.after for it in RULES.values() if it.after} <= settings
