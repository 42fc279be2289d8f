"""What a person reads of a replayed journal."""

from bistoury.recorder.replay import Told
from bistoury.recorder.story import Outage, Step, tell
from bistoury.session import Cause, Subscription
from bistoury.session import notices as say

NOON = 1_790_000_000.0 // 86400 * 86400 + 43200
USER = "0x" + "1a" * 20
FILLS = Subscription("userFills", (("user", USER),))


def trades(coin):
    return Subscription("trades", (("coin", coin),))


def at(seconds, notice, line=1, wall=NOON):
    return Told(1, line, seconds, None if wall is None else wall + seconds, notice)


def lost(reason="reset", number=1):
    return say.Disconnected(Cause.NETWORK, None, reason, number, 9.0)


def gap(subscription, status, found=0):
    since, until = int(NOON * 1000), int(NOON * 1000) + 2500
    until = None if status == "open" else until
    return say.Gap(subscription, since, until, status, found, Cause.NETWORK)


def test_steps_come_in_order_with_the_time_of_day():
    story = tell([at(0.25, say.Connected(1)), at(1, say.Ready(1, 3, 1.0))])
    assert story == [
        Step("12:00:00.250", "connection 1 open"),
        Step("12:00:01.000", "connection 1 ready: 3 subscriptions after 1.0 s"),
    ]


def test_an_outage_stands_together_with_why_and_until_when():
    (outage,) = tell(
        [
            at(10, lost()),
            at(10, say.Reconnecting(1, 1.0, Cause.NETWORK)),
            at(11, lost("refused", 2)),
            at(11, say.Reconnecting(2, 2.0, Cause.NETWORK)),
            at(13, say.Ready(3, 3, 3.0)),
        ]
    )
    assert outage.step == Step(
        "12:00:10.000",
        "outage 1: network (reset), until 12:00:13.000, 3.0 s, 2 attempts",
    )
    assert len(outage.steps) == 5


def test_an_outage_that_does_not_end_says_so():
    (outage,) = tell([at(10, lost()), at(10, say.Reconnecting(1, 1.0, Cause.NETWORK))])
    assert "not over when the journal ends, 1 attempt" in outage.step.text


def test_outages_of_two_lines_are_told_apart():
    first, second = tell(
        [
            at(1, lost()),
            at(2, lost(), line=2),
            at(3, say.Ready(1, 1, 2.0)),
            at(5, say.Ready(2, 1, 3.0), line=2),
        ]
    )
    assert isinstance(first, Outage)
    assert "line 2: outage 2" in second.step.text
    assert [len(it.steps) for it in (first, second)] == [2, 2]


def test_gaps_of_one_moment_are_one_line():
    coins = [f"C{number}" for number in range(7)]
    (opened,) = tell([at(1, gap(trades(coin), "open")) for coin in coins])
    assert opened.text.startswith("7 gaps open (network): trades(coin=C0)")
    assert opened.text.endswith("and 2 more")


def test_what_could_not_be_recovered_is_named_with_its_stretch():
    story = tell(
        [
            at(1, gap(trades("BTC"), "recovered", 3)),
            at(1, gap(trades("ETH"), "unrecoverable")),
        ]
    )
    assert [it.text for it in story] == [
        "1 gap recovered (network), 3 rows found: trades(coin=BTC)",
        "1 gap unrecoverable (network): trades(coin=ETH) from 12:00:00.000 to 12:00:02.500",
    ]


def test_of_complaints_of_one_moment_the_last_has_all():
    (step,) = tell([at(1, say.Degraded(("a",))), at(1, say.Degraded(("a", "b")))])
    assert step.text == "degraded: a; b"


def test_addresses_are_short():
    (step,) = tell([at(1, gap(FILLS, "open"))])
    assert "0x1a1a…1a1a" in step.text


def test_without_a_time_of_day_it_counts_seconds():
    (step,) = tell([at(1.5, say.Connected(1), wall=None)])
    assert step.at.strip() == "1.500"


def test_routine_is_not_told():
    routine = [say.Granted(FILLS), say.Started(FILLS), say.Stable(1)]
    assert tell([at(1, notice) for notice in routine]) == []
