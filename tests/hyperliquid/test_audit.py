"""The audit of trades: the client against a venue in this process, in virtual time."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

from bistoury import (
    Config,
    ConfigError,
    HyperLiquidIntegration,
    SubscriptionRefusedError,
)
from bistoury.errors import RequestError
from bistoury.hyperliquid.audit import MOST_MINUTES, TradeAudit
from bistoury.session import Cause, Subscription
from bistoury.session.notices import Gap
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import (
    Cut,
    Delay,
    Lose,
    Refuse,
    RefuseSubscriptions,
    Rest,
)
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

MINUTE = 60_000


class Audience:
    """A client that follows trades with an audit, and all it heard."""

    def __init__(self, venue, network="local", redundancy=1):
        self.venue = venue
        self.client = HyperLiquidIntegration(
            Config(network=network), transport=venue, redundancy=redundancy
        )
        self.client.__dict__["info"] = venue.info()
        self.verdicts = []
        self.gaps = []
        self.delivered = Counter()
        self.sizes = {}
        self.client.on("audit", self.verdicts.append)
        self.client.on("gap", self.gaps.append)

    def take(self, message):
        for row in message["data"]:
            key = row["coin"], row["time"] // MINUTE * MINUTE
            self.delivered[key] += 1
            self.sizes[key] = self.sizes.get(key, Decimal(0)) + Decimal(row["sz"])

    async def follow(self, coin="BTC", **options):
        return await self.client.subscribe_trades(
            coin, self.take, audit=True, **options
        )

    def published(self, coin, minute):
        rows = self.venue.exchange.ledger.stream(f"trades:{coin}")
        return sum(time // MINUTE * MINUTE == minute for time, _ in rows)

    async def bar(self, coin, minute):
        bars = await self.client.info.get_candles(
            coin, "1m", minute, minute + MINUTE - 1
        )
        return bars[0]

    async def agree_with_the_venue(self):
        """Check every verdict against the venue's own ledger and bars."""
        for verdict in self.newest().values():
            key = verdict.coin, verdict.minute
            bar = await self.bar(*key)
            assert verdict.expected_count == self.published(*key) == bar["n"]
            assert verdict.delivered_count == self.delivered[key]
            assert verdict.missing_count == bar["n"] - self.delivered[key]
            assert verdict.missing_size == Decimal(bar["v"]) - self.sizes.get(key, 0)
            is_complete = verdict.missing_count == 0
            assert verdict.status == ("complete" if is_complete else "missing")

    def newest(self):
        return {(it.coin, it.minute): it for it in self.verdicts}

    @property
    def missing(self):
        return sum(it.missing_count for it in self.newest().values())


def played(scenario, *, network="local", seed=1, redundancy=1, **settings):
    async def main():
        settings.setdefault("coins", ("BTC", "ETH"))
        settings.setdefault("trade_rate", 2.0)
        venue = MemoryVenue(Exchange(Settings(**settings), seed))
        audience = Audience(venue, network, redundancy)
        try:
            await audience.client.connect()
            await scenario(audience)
        finally:
            await audience.client.disconnect()
            venue.stop()

    run(main())


def test_every_whole_minute_is_complete_when_nothing_was_lost():
    async def scenario(it):
        await it.follow()
        began = it.venue.now() * 1000
        await asyncio.sleep(310)

        assert len(it.verdicts) == 4
        assert {verdict.status for verdict in it.verdicts} == {"complete"}
        assert all(verdict.minute > began for verdict in it.verdicts)
        assert all(verdict.is_calibrated for verdict in it.verdicts)
        assert "complete" in str(it.verdicts[0])
        await it.agree_with_the_venue()
        totals = (await it.client.get_connection_health())["audit"]
        assert (totals["complete"], totals["missing"]) == (4, 0)
        assert Decimal(totals["coins"]["BTC"]["missing_size"]) == 0

    played(scenario)


def test_frames_lost_on_a_living_connection_are_counted_to_the_trade():
    async def scenario(it):
        await it.follow()
        it.venue.exchange.inject(Lose(type="trades", probability=0.2), it.venue.now())
        await asyncio.sleep(400)

        await it.agree_with_the_venue()
        assert it.missing > 20
        assert it.gaps == []
        worst = max(it.verdicts, key=lambda verdict: verdict.missing_count)
        assert (
            f"{worst.missing_count} trades, {worst.missing_size} size missing"
            in str(worst)
        )
        totals = (await it.client.get_connection_health())["audit"]
        assert totals["missing_count"] == it.missing

    played(scenario)


def test_lost_bars_do_not_hide_lost_trades():
    async def scenario(it):
        await it.follow()
        it.venue.exchange.inject(Lose(probability=0.3), it.venue.now())
        await asyncio.sleep(400)

        await it.agree_with_the_venue()
        assert it.missing > 20
        assert all(verdict.is_confirmed for verdict in it.verdicts)

    played(scenario)


def test_without_a_history_what_is_missing_is_the_least():
    async def scenario(it):
        await it.follow()
        it.venue.exchange.inject(Lose(type="trades", probability=0.2), it.venue.now())
        it.venue.exchange.inject(Rest(types=("candleSnapshot",)), it.venue.now())
        await asyncio.sleep(200)

        missing = [verdict for verdict in it.verdicts if verdict.status == "missing"]
        assert missing
        assert not any(verdict.is_confirmed for verdict in missing)
        assert "at least" in str(missing[0])

    played(scenario)


def test_an_outage_longer_than_the_replay_is_measured():
    async def scenario(it):
        await it.follow()
        await asyncio.sleep(70)
        it.venue.exchange.inject(Refuse(), it.venue.now(), 100)
        it.venue.exchange.inject(Cut(), it.venue.now())
        it.venue.turn()
        await asyncio.sleep(400)

        await it.agree_with_the_venue()
        (lost,) = [gap for gap in it.gaps if gap.status == "unrecoverable"]
        assert lost.subscription.feed == "trades"
        truth = sum(
            it.published("BTC", minute) - it.delivered["BTC", minute]
            for _, minute in it.newest()
        )
        assert it.missing == truth > 100
        measured = [verdict.gap for verdict in it.verdicts if verdict.gap is not None]
        assert measured[-1].missed_count == truth
        assert measured[-1].since == lost.since

    played(scenario)


def test_a_short_outage_that_the_replay_covers_leaves_its_minute_complete():
    async def scenario(it):
        await it.follow()
        await asyncio.sleep(70)
        it.venue.exchange.inject(Cut(), it.venue.now())
        it.venue.turn()
        await asyncio.sleep(200)

        assert [gap.status for gap in it.gaps if gap.subscription.feed == "trades"] == [
            "open",
            "recovered",
        ]
        assert {verdict.status for verdict in it.verdicts} == {"complete"}
        await it.agree_with_the_venue()

    played(scenario, trade_rate=0.5)


def test_trades_that_come_later_than_their_bars_are_not_missing_in_the_end():
    async def scenario(it):
        await it.follow()
        late = Delay(type="trades", seconds=3.0)
        it.venue.exchange.inject(late, it.venue.now())
        await asyncio.sleep(200)

        assert {verdict.status for verdict in it.verdicts} == {"complete"}
        await it.agree_with_the_venue()

    played(scenario)


def test_two_coins_are_audited_apart():
    async def scenario(it):
        await it.follow("BTC")
        await it.follow("ETH")
        lost = Lose(type="trades", coin="ETH", probability=0.3)
        it.venue.exchange.inject(lost, it.venue.now())
        await asyncio.sleep(250)

        await it.agree_with_the_venue()
        by_coin = {coin: [] for coin in ("BTC", "ETH")}
        for verdict in it.verdicts:
            by_coin[verdict.coin].append(verdict.status)
        assert set(by_coin["BTC"]) == {"complete"}
        assert "missing" in by_coin["ETH"]

    played(scenario)


def test_the_last_to_unsubscribe_ends_the_audit_and_the_bars():
    async def scenario(it):
        first = await it.follow()
        second = await it.client.subscribe(
            {"type": "trades", "coin": "BTC"}, audit=True
        )
        await first.unsubscribe()
        await asyncio.sleep(130)
        heard = len(it.verdicts)
        await second.unsubscribe()
        await asyncio.sleep(130)

        assert heard > 0
        assert len(it.verdicts) == heard
        assert set().union(*it.venue.exchange.subscriptions().values()) == set()
        assert (await it.client.get_connection_health())["audit"]["coins"] == {}

    played(scenario)


def test_a_handler_of_the_same_bars_keeps_them():
    async def scenario(it):
        bars = []
        await it.client.subscribe_candle("BTC", "1m", bars.append)
        audited = await it.follow()
        await audited.unsubscribe()
        bars.clear()
        await asyncio.sleep(10)

        assert bars

    played(scenario)


def test_the_audit_goes_on_after_a_reconnect():
    async def scenario(it):
        await it.follow()
        await asyncio.sleep(20)
        await it.client.disconnect()
        await it.client.connect()
        await asyncio.sleep(200)

        assert len(it.verdicts) >= 2
        await it.agree_with_the_venue()

    played(scenario)


def test_only_trades_can_be_audited():
    async def scenario(it):
        with pytest.raises(ConfigError, match="audit"):
            await it.client.subscribe({"type": "allMids"}, audit=True)
        assert it.venue.exchange.subscriptions() == {1: set()}

    played(scenario)


def test_bars_that_are_refused_leave_nothing_behind():
    async def scenario(it):
        it.venue.exchange.inject(RefuseSubscriptions(type="candle"), it.venue.now())
        with pytest.raises(SubscriptionRefusedError):
            await it.follow()
        await asyncio.sleep(1)
        assert it.venue.exchange.subscriptions() == {1: set()}
        assert (await it.client.get_connection_health())["audit"]["coins"] == {}

    played(scenario)


def test_a_gap_that_another_line_covers_leaves_every_minute_complete():
    async def scenario(it):
        await it.follow()
        for _ in range(8):
            await asyncio.sleep(29)
            newest = max(it.venue.exchange.subscriptions())
            it.venue.exchange.inject(Cut(connection=newest), it.venue.now())
            it.venue.turn()
        assert it.gaps == []
        assert {verdict.status for verdict in it.verdicts} == {"complete"}
        assert len(it.verdicts) == 3
        await it.agree_with_the_venue()

    played(scenario, redundancy=2)


def test_a_real_venue_is_uncalibrated_until_an_hour_agreed():
    async def scenario(it):
        await it.follow()
        await asyncio.sleep(62 * 60)

        said = [verdict.is_calibrated for verdict in it.verdicts]
        assert said == [False] * 59 + [True] * (len(said) - 59)
        assert len(said) >= 60
        assert "(uncalibrated)" in str(it.verdicts[0])
        assert "(uncalibrated)" not in str(it.verdicts[-1])

    played(scenario, network="testnet", coins=("BTC",), trade_rate=0.5)


TRADES = Subscription("trades", (("coin", "BTC"),))
BARS = Subscription("candle", (("coin", "BTC"), ("interval", "1m")))


def started(**options):
    """Return an audit whose first partly seen minute is 10."""
    audit = TradeAudit("BTC", 5.0, **options)
    audit.take_bar(bar(10, 1), 0.0, is_followed=True)
    return audit


def bar(minute, count, size="1"):
    return {"t": minute * MINUTE, "n": count, "v": size}


def trade(minute, size="1"):
    return {"time": minute * MINUTE + 7, "sz": size}


def gap(status, since, until=None, subscription=TRADES):
    since, until = since * MINUTE, until and until * MINUTE
    return Gap(subscription, since, until, status, 0, Cause.NETWORK)


def test_nothing_is_said_before_a_later_bar_came_and_the_grace_passed():
    audit = started()
    audit.take_trades([trade(11)], 1.0)
    audit.take_bar(bar(11, 1), 1.0, is_followed=True)
    assert audit.judge(100.0) == []
    audit.take_bar(bar(12, 1), 101.0, is_followed=True)
    assert audit.judge(105.0) == []
    (verdict,) = audit.judge(106.0)
    assert (verdict.minute, verdict.status) == (11 * MINUTE, "complete")
    assert audit.judge(200.0) == []


def test_the_last_version_of_a_bar_counts_however_late():
    audit = started()
    audit.take_trades([trade(11), trade(11)], 1.0)
    audit.take_bar(bar(11, 1), 1.0, is_followed=True)
    audit.take_bar(bar(12, 1), 2.0, is_followed=True)
    audit.take_bar(bar(11, 2, "2"), 5.0, is_followed=True)
    assert audit.judge(7.5) == []
    (verdict,) = audit.judge(10.0)
    assert (verdict.status, verdict.expected_count) == ("complete", 2)


def test_a_minute_under_an_open_gap_waits_for_its_end():
    audit = started()
    audit.take_bar(bar(11, 1), 1.0, is_followed=True)
    audit.take_bar(bar(12, 1), 2.0, is_followed=True)
    audit.take_gap(gap("open", 11))
    assert audit.judge(60.0) == []
    audit.take_trades([trade(11)], 60.0)
    audit.take_gap(gap("recovered", 11, 12))
    (verdict,) = audit.judge(65.0)
    assert verdict.status == "complete"


def test_a_trade_recovered_after_the_verdict_corrects_it():
    audit = started()
    audit.take_bar(bar(11, 2, "2"), 1.0, is_followed=True)
    audit.take_bar(bar(12, 1), 2.0, is_followed=True)
    audit.take_trades([trade(11)], 3.0)
    assert audit.judge(8.0) == []
    audit.take_history(audit.take_questions(), [bar(11, 2, "2")], 9.0)
    (verdict,) = audit.judge(9.0)
    assert (verdict.status, verdict.missing_count) == ("missing", 1)
    assert audit.totals["missing_count"] == 1
    audit.take_trades([trade(11)], 20.0)
    (verdict,) = audit.judge(25.0)
    assert (verdict.status, verdict.minute) == ("complete", 11 * MINUTE)
    assert (audit.totals["missing"], audit.totals["missing_count"]) == (0, 0)


def test_a_bar_that_knows_less_than_was_delivered_says_nothing():
    audit = started()
    audit.take_trades([trade(11), trade(11)], 1.0)
    audit.take_bar(bar(11, 1), 1.0, is_followed=True)
    audit.take_bar(bar(12, 1), 2.0, is_followed=True)
    audit.judge(10.0)
    audit.take_history(audit.take_questions(), None, 11.0)
    assert audit.judge(11.0) == []


def test_a_question_nobody_will_answer_is_asked_again():
    audit = started()
    audit.take_bar(bar(11, 1), 1.0, is_followed=True)
    audit.take_bar(bar(12, 1), 2.0, is_followed=True)
    audit.judge(10.0)
    asked = audit.take_questions()
    assert asked == [11 * MINUTE]
    audit.ask_again(asked)
    assert audit.judge(20.0) == []
    assert audit.take_questions() == asked


def test_nothing_is_judged_before_the_trades_are_followed():
    audit = TradeAudit("BTC", 5.0)
    audit.take_bar(bar(10, 1), 0.0, is_followed=False)
    audit.take_bar(bar(11, 1), 60.0, is_followed=True)
    audit.take_bar(bar(12, 1), 120.0, is_followed=True)
    assert audit.judge(200.0) == []
    assert audit.take_questions() == []


def test_memory_is_bounded_and_what_it_forgets_unjudged_is_counted():
    audit = started()
    audit.take_gap(gap("open", 11))
    for minute in range(11, 511):
        audit.take_trades([trade(minute)], minute * 60.0)
        audit.take_bar(bar(minute, 1), minute * 60.0, is_followed=True)
        audit.judge(minute * 60.0)
    assert len(audit.minutes) == MOST_MINUTES
    assert audit.totals["unjudged"] == 500 - MOST_MINUTES


def test_a_history_that_cannot_be_read_leaves_the_client_well():
    async def scenario(it):
        class Broken:
            async def get_candles(self, *_):
                raise RequestError("candleSnapshot", "no", 500)

            async def close(self):
                """Nothing was open."""

        it.client.__dict__["info"] = Broken()
        await it.follow()
        it.venue.exchange.inject(Lose(type="trades", probability=0.5), it.venue.now())
        await asyncio.sleep(130)
        assert it.client.is_connected()
        assert any(verdict.status == "missing" for verdict in it.verdicts)

    played(scenario)
