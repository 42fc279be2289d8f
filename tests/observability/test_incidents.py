from __future__ import annotations

import pytest

from bistoury.observability.incidents import Incidents, Moment
from bistoury.observability.verdict import Standing, Verdict
from bistoury.session import Cause, Subscription
from bistoury.session import notices as say

TRADES = Subscription("trades", (("coin", "BTC"),))
USER = "0xAbCd" + "0" * 32 + "1234"
FILLS = Subscription("userFills", (("user", USER),))

OK = Verdict(Standing.OK)
DEGRADED = Verdict(Standing.DEGRADED, ("trades(coin=NOPE) refused: no such coin",))
DOWN = Verdict(Standing.DOWN, ("not live (backoff)",))
OFF = Verdict(Standing.DOWN, ("not live (closed)",), is_off=True)
LOST = say.Disconnected(Cause.NETWORK, None, "reset", 1, 9.0)


def gap(status, subscription=TRADES, rows=0, cause=Cause.NETWORK):
    return say.Gap(subscription, 1000, 2000, status, rows, cause)


class Case:
    def __init__(self):
        self.it = Incidents()
        self.now = 0.0

    def after(self, seconds):
        self.now += seconds
        return self

    def judged(self, verdict):
        self.it.judged(verdict, Moment(self.now, 1e9 + self.now))
        return self

    def said(self, *notices):
        for notice in notices:
            self.it.observe(notice, Moment(self.now, 1e9 + self.now))
        return self

    @property
    def summaries(self):
        return [it.summary(self.now) for it in self.it]

    @property
    def account(self):
        (one,) = self.it
        return one.account(self.now)


@pytest.fixture
def case():
    return Case()


def test_an_outage_says_what_happened_what_was_missed_and_what_became_of_it(case):
    case.judged(DOWN).said(LOST, gap("open"), say.Reconnecting(1, 1.0, Cause.NETWORK))
    case.after(3.0).said(say.Ready(2, 1, 3.0)).judged(OK)

    assert case.summaries[0]["open"]
    assert case.summaries[0]["fate"] == "1 gap open"

    case.after(2.0).said(gap("recovered", rows=7))

    told = case.account
    assert (told["kind"], told["cause"], told["open"]) == ("outage", "network", False)
    assert told["title"] == "connection 1 lost after 9.0 s: network (reset)"
    assert (told["seconds"], told["attempts"], told["losses"]) == (3.0, 1, 1)
    assert told["fate"] == "1 gap recovered, 7 rows came back"
    assert [it["text"] for it in told["steps"]] == [
        "connection 1 lost after 9.0 s: network (reset)",
        "reconnection attempt #1 in 1.0 s (network)",
        "connection 2 ready: 1 subscription after 3.0 s",
    ]
    (missed,) = told["missed"]
    assert (missed["status"], missed["recovered_count"]) == ("recovered", 7)


def test_a_gap_that_stays_is_named_although_others_came_back(case):
    case.judged(DOWN).said(LOST, gap("open"), gap("open", FILLS)).judged(OK)
    case.said(gap("recovered", FILLS), gap("unrecoverable"))

    assert case.account["fate"] == "1 gap unrecoverable, 1 recovered"
    assert not case.account["open"]


def test_every_gap_of_a_feed_is_named(case):
    case.judged(DOWN).said(LOST)
    case.said(gap("open"), gap("unrecoverable"), gap("open"), gap("recovered", rows=3))

    missed = [it["status"] for it in case.account["missed"]]
    assert missed == ["unrecoverable", "recovered"]


def test_what_is_lost_is_named_before_what_came_back(case):
    feeds = [Subscription("trades", (("coin", str(n)),)) for n in range(200)]
    case.judged(DOWN).said(LOST, *(gap("open", it) for it in feeds))
    case.said(*(gap("recovered", it) for it in feeds[:-1]))
    case.said(gap("unrecoverable", feeds[-1]))

    told = case.account
    assert told["missed"][-1]["subscription"] == str(feeds[-1])
    assert (len(told["missed"]), told["missed_left_out"]) == (60, 140)


def test_what_goes_on_is_not_forgotten_for_what_is_over(case):
    case.judged(DEGRADED).after(9).judged(DOWN).said(LOST, gap("open", FILLS))
    case.after(9).judged(DEGRADED)
    for _ in range(60):
        case.after(9).judged(DOWN).said(LOST).after(1).judged(DEGRADED)
    case.said(gap("recovered", FILLS)).judged(OK)

    assert case.it.count == 62
    assert len(case.summaries) == 50
    assert [it["number"] for it in case.summaries[:3]] == [1, 2, 15]
    assert case.summaries[1]["fate"] == "1 gap recovered"


def test_nothing_in_an_account_holds_an_address(case):
    case.judged(DOWN).said(LOST, gap("open", FILLS), say.Refused(FILLS, USER, True))

    assert USER not in str(case.account)
    assert "0xAbCd…1234" in str(case.account)


def test_what_is_refused_for_days_hides_no_outage(case):
    case.judged(DEGRADED).after(9).judged(DOWN).said(LOST).after(1).judged(DEGRADED)

    kinds = [(it["kind"], it["until"] is None) for it in case.summaries]
    assert kinds == [("degraded", True), ("outage", False)]


def test_a_gap_without_an_outage_is_an_incident(case):
    case.judged(OK).said(gap("open", cause=Cause.OVERFLOW))
    assert case.summaries[0]["open"]

    case.after(1).said(gap("unrecoverable", cause=Cause.OVERFLOW))

    assert case.account["kind"] == "gap"
    assert case.account["cause"] == "overflow"
    assert not case.account["open"]


BEHIND = Verdict(Standing.DEGRADED, (f"handler f is behind on {TRADES}: 4 of 3 wait",))


@pytest.mark.parametrize("delay", [1.0, 20.0])
def test_a_gap_that_was_the_first_sign_of_a_trouble_is_no_second_incident(case, delay):
    case.judged(OK).said(gap("open", cause=Cause.OVERFLOW))
    case.after(delay).judged(BEHIND)
    case.after(3).said(gap("unrecoverable", cause=Cause.OVERFLOW)).judged(BEHIND)
    assert case.summaries[0]["open"]

    case.after(3).judged(OK)
    assert (case.account["kind"], case.account["cause"]) == ("degraded", "overflow")
    assert case.account["seconds"] == delay + 6
    assert case.account["title"] == BEHIND.reasons[0]
    assert case.account["fate"] == "1 gap unrecoverable"


def test_a_gap_a_moment_before_a_loss_is_part_of_the_outage(case):
    case.judged(OK).said(gap("open")).after(0.5).judged(DOWN).said(LOST)
    case.after(5).judged(OK).said(gap("recovered"))

    assert (case.account["kind"], case.account["title"]) == ("outage", str(LOST))
    assert case.account["fate"] == "1 gap recovered"


def test_a_gap_is_no_sign_of_what_has_nothing_to_do_with_it(case):
    case.judged(OK).said(gap("open")).after(60).judged(DEGRADED)
    case.after(60).judged(DOWN).said(LOST)

    assert [it["kind"] for it in case.summaries] == ["gap", "degraded", "outage"]


def test_a_disconnect_that_was_asked_for_ends_the_incident(case):
    case.judged(DOWN).said(LOST).after(5).judged(OFF)

    assert case.account["seconds"] == 5.0
    assert not case.account["open"]


def test_a_long_outage_keeps_its_first_and_its_last_steps(case):
    case.judged(DOWN).said(LOST)
    for number in range(1, 501):
        case.said(say.Reconnecting(number, 1.0, Cause.NETWORK))

    told = case.account
    assert told["steps"][0]["text"].startswith("connection 1 lost")
    assert "#500" in told["steps"][-1]["text"]
    assert len(told["steps"]) + told["steps_left_out"] == 501
    assert told["attempts"] == 500


def test_a_thousand_flaps_of_a_thousand_feeds_are_bounded(case):
    feeds = [Subscription("trades", (("coin", str(n)),)) for n in range(200)]
    for _ in range(100):
        case.after(1).judged(DOWN).said(LOST, *(gap("open", it) for it in feeds))
        case.after(1).judged(OK).said(*(gap("recovered", it) for it in feeds))

    assert case.it.count == 100
    assert len(case.summaries) == 50
    told = list(case.it)[-1].account(case.now)
    assert len(told["missed"]) + told["missed_left_out"] == 200
    assert case.it.find(1) is None
    assert case.it.find(100) is list(case.it)[-1]
