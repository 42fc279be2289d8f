"""Paper trading on a venue in this process, in virtual time."""

import asyncio
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from bistoury import (
    Config,
    ConfigError,
    HyperLiquidIntegration,
    SessionClosedError,
    StaleDataError,
)
from bistoury.paper_trading import OrderRejectedError, PaperConfig, PaperTradingEngine
from bistoury.paper_trading import events as said
from bistoury.paper_trading.journal import JournalError, PaperJournal, read
from bistoury.paper_trading.recording import replay
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Silent
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

D = Decimal
PORTS = count(62_000)


def played(scenario, seed=1, settings=None, **options):
    """Run a scenario on an engine that has heard the market for two seconds."""

    async def main():
        chosen = settings or Settings(coins=("BTC", "ETH"), trade_rate=5.0)
        venue = MemoryVenue(Exchange(chosen, seed))
        # A host of its own: the venue's limits are counted by host in one process.
        config = Config(network="local", api_url=f"http://127.0.0.1:{next(PORTS)}")
        client = venue.client(config)
        engine = PaperTradingEngine(client=client, **options)
        await client.connect()
        await engine.start()
        await asyncio.sleep(2)
        try:
            return await scenario(engine, venue)
        finally:
            await engine.stop()
            await client.disconnect()
            venue.stop()

    return run(main())


def test_takes_what_the_book_shows_after_its_latency():
    async def scenario(engine, venue):
        loop = asyncio.get_running_loop()
        decided, began = engine.venue.desk.now, loop.time()
        fill = await engine.market_open("BTC", True, "0.01")
        assert fill.size == D("0.01")
        assert fill.time >= decided + 200
        assert loop.time() - began >= 0.25
        assert engine.positions()[0].size == fill.size
        assert engine.account()["paper"] is True
        assert engine.trouble == ""

    played(scenario)


def test_closes_a_position_it_opened():
    async def scenario(engine, venue):
        await engine.market_open("ETH", False, "0.01")
        fill = await engine.market_close("ETH")
        assert fill.is_buy
        assert engine.positions() == []
        assert len(engine.fills()) == 2
        assert await engine.market_close("ETH") is None

    played(scenario)


def test_refuses_what_the_account_cannot_carry():
    async def scenario(engine, venue):
        with pytest.raises(OrderRejectedError, match="Insufficient margin") as caught:
            await engine.market_open("BTC", True, "100")
        assert caught.value.answer["status"] == "ok"
        assert engine.fills() == []

    played(scenario)


def test_refuses_to_fill_on_a_silent_feed():
    async def scenario(engine, venue):
        venue.exchange.inject(Silent(), venue.now())
        await asyncio.sleep(6)
        with pytest.raises(StaleDataError, match="at most 5 s"):
            await engine.market_open("BTC", True, "0.01")
        assert engine.fills() == []

    played(scenario)


def test_an_order_under_way_when_the_feed_falls_silent_is_not_filled():
    async def scenario(engine, venue):
        venue.exchange.inject(Silent(), venue.now())
        with pytest.raises(StaleDataError):
            await engine.market_open("BTC", True, "0.01")
        assert engine.fills() == []

    played(scenario)


def test_refuses_to_fill_while_disconnected():
    async def scenario(engine, venue):
        await engine.client.disconnect()
        with pytest.raises(StaleDataError):
            await engine.market_open("BTC", True, "0.01")

    played(scenario)


def test_refuses_what_it_does_not_follow_and_sizes_that_are_none():
    async def scenario(engine, venue):
        for coin, size in [("DOGE", "1"), ("BTC", "0"), ("BTC", "-1"), ("BTC", "many")]:
            with pytest.raises(ConfigError):
                await engine.market_open(coin, True, size)
        with pytest.raises(ConfigError, match="one of main"):
            await engine.act({"type": "noop"}, account="nobody")
        with pytest.raises(ConfigError, match="one of main"):
            await engine.market_close("BTC", account="nobody")
        with pytest.raises(ConfigError, match="one of BTC"):
            await engine.market_close("BTD")

    played(scenario, coins=("BTC",))


@pytest.mark.parametrize("coin", ["XYZ", "btc", "@107", "PURR/USDC", "dex:BTC"])
def test_a_coin_the_venue_does_not_list_is_named(coin):
    with pytest.raises(ConfigError, match=f"coins: '{coin}'"):
        played(lambda *_: None, coins=(coin,), settings=Settings(coins=("BTC", "@107")))


def test_rules_that_cannot_be_read_are_said_at_once(monkeypatch):
    monkeypatch.setattr(
        "bistoury.paper_trading.engine.universe_of", lambda metas: {}["universe"]
    )
    with pytest.raises(KeyError, match="universe"):
        played(lambda *_: None)


def test_an_engine_of_its_own_says_at_once_that_a_coin_is_wrong():
    async def scenario(engine, venue):
        before = {it for it in asyncio.all_tasks() if "paper" in it.get_name()}
        config = engine.client.config
        client = venue.client(config)
        other = PaperTradingEngine(client=client, coins=("BTC", "NOPE"))
        other._owns_client = True
        with pytest.raises(ConfigError, match="'NOPE'"):
            await other.start()
        assert not client.is_connected()
        after = {it for it in asyncio.all_tasks() if "paper" in it.get_name()}
        assert after <= before

    played(scenario)


def test_a_wrong_coin_found_out_late_is_what_every_verb_raises(monkeypatch):
    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",)), 1))
        config = Config(network="local", api_url=f"http://127.0.0.1:{next(PORTS)}")
        client = venue.client(config)
        engine = PaperTradingEngine(client=client, coins=("NOPE",))
        learn, failures = client.info.get_meta, [OSError("no network")]

        async def get_meta(*given):
            if failures:
                raise failures.pop()
            return await learn(*given)

        monkeypatch.setattr(client.info, "get_meta", get_meta)
        assert not await engine.start()
        await client.connect()
        await asyncio.sleep(5)
        with pytest.raises(ConfigError, match="'NOPE'"):
            await engine.act({"type": "noop"})
        with pytest.raises(ConfigError, match="'NOPE'"):
            engine.open_account("other", "1")
        await engine.stop()
        await client.disconnect()
        venue.stop()

    run(main())


def test_orders_rest_are_changed_and_canceled():
    async def scenario(engine, venue):
        mid = engine.venue.desk.coin("BTC").book.mid
        px = (mid * D("0.9")).quantize(D(1))
        answer = await engine.order("BTC", True, "0.01", px, cloid="0x" + "01" * 16)
        (status,) = answer["response"]["data"]["statuses"]
        oid = status["resting"]["oid"]
        assert [it.oid for it in engine.open_orders()] == [oid]
        row = engine.order_row("BTC", True, "0.02", px - 1)
        answer = await engine.modify(oid, row)
        fresh = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
        assert fresh != oid
        assert (await engine.cancel("BTC", "0x" + "01" * 16))["status"] == "ok"
        assert engine.open_orders() == []
        answer = await engine.cancel("BTC", fresh)
        assert "error" in answer["response"]["data"]["statuses"][0]
        assert (await engine.update_leverage(3, "BTC"))["status"] == "ok"
        assert (await engine.update_leverage(99, "BTC"))["status"] == "err"
        due = engine.venue.desk.now + 9000
        assert (await engine.schedule_cancel(due))["status"] == "ok"
        assert (await engine.schedule_cancel(None))["status"] == "ok"

    played(scenario)


def test_handlers_and_iterators_hear_of_everything():
    async def scenario(engine, venue):
        heard, later = [], []

        async def slowly(event):
            await asyncio.sleep(0.01)
            later.append(event)

        remove = engine.on("fill", heard.append)
        engine.on("order", slowly)

        async def listen():
            return [it async for it in engine.events()]

        task = asyncio.ensure_future(listen())
        await asyncio.sleep(0)
        await engine.market_open("BTC", True, "0.01")
        remove()
        await engine.market_close("BTC")
        await asyncio.sleep(0.1)
        assert {it.is_buy for it in heard} == {True}
        assert later[-1].order.status == "filled"
        with pytest.raises(ConfigError, match="liquidation"):
            engine.on("trade", heard.append)
        await engine.stop()
        events = await task
        assert [it.seq for it in events] == sorted(it.seq for it in events)
        assert all(it.paper for it in events)

    played(scenario)


def test_a_stop_ends_what_is_under_way():
    async def scenario(engine, venue):
        begun = asyncio.Event()

        async def forever(event):
            begun.set()
            await asyncio.sleep(1_000_000)

        engine.on("order", forever)
        await engine.market_open("BTC", True, "0.01")
        await begun.wait()
        task = asyncio.ensure_future(engine.market_open("BTC", True, "0.01"))
        await asyncio.sleep(0.01)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await engine.stop()
        assert loop.time() - before < 2
        with pytest.raises(SessionClosedError, match="stopped"):
            await task

    played(scenario)


def test_an_hour_that_nobody_saw_is_paid_by_the_venues_history():
    async def scenario(engine, venue):
        await engine.market_open("BTC", True, "0.01")
        # Silence from before the hour until after it.
        await asyncio.sleep(3600 - venue.now() % 3600 - 60)
        venue.exchange.inject(Silent(), venue.now(), 120)
        await asyncio.sleep(400)
        (paid,) = engine.accounts["main"].fundings
        assert paid.is_estimated
        assert paid.time % 3_600_000 == 0
        rows = await engine.client.info.get_funding_rate("BTC", paid.time - 1)
        assert paid.rate == D(rows[0]["fundingRate"])
        assert engine.venue.solvency.due == {}

    played(scenario, settings=Settings(coins=("BTC", "ETH"), trade_rate=0.05))


def test_whoever_shows_every_order_is_heard():
    async def scenario(engine, venue):
        book = engine.venue.desk.coin("BTC")
        whole = {"coin": "BTC", "time": engine.venue.desk.now, "levels": [[], []]}
        engine.hear_orders({"channel": "l4Book", "data": {"Snapshot": whole}})
        assert book.resting.orders is not None
        engine.hear_orders({"channel": "paper:orders_lost", "data": {"coin": "BTC"}})
        assert book.resting.orders is None
        with pytest.raises(ConfigError, match="l4Book"):
            engine.hear_orders({"channel": "paper:act", "data": {}})
        with pytest.raises(ConfigError, match="levels"):
            engine.hear_orders(
                {"channel": "l4Book", "data": {"Snapshot": {**whole, "levels": 1}}}
            )

    played(scenario)


def test_several_accounts_stand_side_by_side():
    async def scenario(engine, venue):
        await engine.market_open("BTC", True, "0.01", account="other")
        assert engine.positions() == []
        assert len(engine.positions("other")) == 1
        engine.open_account("third", "500")
        assert engine.account("third")["equity"] == 500
        engine.open_account("other", "70")
        assert engine.positions("other") == []

    config = PaperConfig(accounts={"main": D(10_000), "other": D(5000)})
    played(scenario, paper=config)


def test_a_connection_that_is_cut_fills_nothing_until_it_is_back():
    async def scenario(engine, venue):
        told = []
        engine.on("feed_state", told.append)
        await engine.client.reconnect()
        with pytest.raises(StaleDataError):
            await engine.market_open("BTC", True, "0.01")
        await engine.client.wait_ready(10)
        await asyncio.sleep(3)
        assert (await engine.market_open("BTC", True, "0.01")).size == D("0.01")
        states = [it.state for it in told if it.coin == "BTC"]
        assert states == ["gap", "live"]

    played(scenario)


def test_a_market_where_nothing_happens_can_be_traded_on():
    async def scenario(engine, venue):
        told = []
        engine.on("feed_state", told.append)
        await asyncio.sleep(900)
        assert (await engine.market_open("BTC", True, "0.01")).size == D("0.01")
        degraded = engine.report()["degraded"]["BTC"]
        assert degraded["share"] < 0.02, [(it.state, it.reason) for it in told]

    quiet = Settings(coins=("BTC", "ETH"), trade_rate=0.001, quotes_per_trade=1.0)
    played(scenario, settings=quiet)


@pytest.mark.parametrize("is_kept", [True, False])
def test_it_reports_and_explains_with_a_journal_and_without(tmp_path, is_kept):
    async def scenario(engine, venue):
        await engine.market_open("BTC", True, "0.01")
        told = engine.report()
        assert told["fills"] == len(engine.fills())
        assert told["assumptions"]["entry_latency"] == "constant(0.2)"
        assert "took" in engine.explain(1)["why"]
        with pytest.raises(ConfigError, match="tid"):
            engine.explain(999)
        with pytest.raises(ConfigError, match="one of main"):
            engine.report("nobody")

    played(scenario, journal=tmp_path / "paper.db" if is_kept else None)


# What survives


def test_accounts_survive_in_the_journal(tmp_path):
    path = tmp_path / "paper.db"

    async def first(engine, venue):
        await engine.market_open("BTC", True, "0.01")
        for it in tmp_path.iterdir():
            assert it.stat().st_mode & 0o777 == 0o600, it.name
        px = (engine.venue.desk.coin("BTC").book.mid * D("0.9")).quantize(D(1))
        await engine.order("BTC", True, "0.01", px)
        return engine.account(), engine.positions()

    async def second(engine, venue):
        return engine.account(), engine.positions(), engine.open_orders()

    account, held = played(first, journal=path)
    again, still, orders = played(second, journal=path)
    assert still == held
    assert again["cash"] == account["cash"]
    assert orders == []
    statuses = [
        it.order.status for it in read(path) if isinstance(it, said.OrderChanged)
    ]
    assert statuses[-1] == "canceled"


def test_an_engine_that_is_started_again_goes_on(tmp_path):
    async def scenario(engine, venue):
        await engine.market_open("BTC", True, "0.01")
        held = engine.positions()
        await engine.stop()
        assert engine.positions() == held
        await engine.start()
        await asyncio.sleep(2)
        assert engine.positions() == held
        assert (await engine.market_close("BTC")).size == D("0.01")

    played(scenario, journal=tmp_path / "paper.db")
    played(scenario)


def test_what_the_journal_holds_is_followed_whatever_is_wanted_now(tmp_path):
    async def first(engine, venue):
        await engine.market_open("ETH", True, "0.1")

    async def second(engine, venue):
        assert engine.coins == ("BTC", "ETH")
        desk = engine.venue.desk
        assert desk.coin("ETH").health.state == "live"
        assert set(desk.marks()) == {"BTC", "ETH"}
        assert (await engine.market_close("ETH")).size == D("0.1")
        await engine.stop()
        await engine.start()
        assert engine.coins == ("BTC",)

    played(first, journal=tmp_path / "paper.db")
    played(second, journal=tmp_path / "paper.db", coins=["BTC"])


def test_a_journal_with_a_coin_that_is_not_listed_is_refused(tmp_path):
    path = tmp_path / "paper.db"

    async def first(engine, venue):
        await engine.market_open("ETH", True, "0.1")

    played(first, journal=path)
    facts = read(path)
    with pytest.raises(JournalError, match=r"paper\.db: it holds ETH, which is not"):
        elsewhere = Settings(coins=("BTC",))
        played(lambda *_: None, journal=path, coins=["BTC"], settings=elsewhere)
    assert read(path) == facts


def test_two_engines_do_not_write_one_journal(tmp_path):
    path = tmp_path / "paper.db"

    async def scenario(engine, venue):
        other = PaperTradingEngine(client=engine.client, journal=path)
        with pytest.raises(JournalError, match="locked"):
            await other.start()

    played(scenario, journal=path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is full")
def test_a_recording_that_cannot_be_written_does_not_end_the_trading(tmp_path, caplog):
    async def scenario(engine, venue):
        assert (await engine.market_open("BTC", True, "0.01")).size == D("0.01")

    played(scenario, recording="/dev/full", journal=tmp_path / "paper.db")
    told = [it.getMessage() for it in caplog.records if "recording" in it.getMessage()]
    assert len(told) == 1
    assert "No space left" in told[0]
    assert any(isinstance(it, said.Filled) for it in read(tmp_path / "paper.db"))


def test_a_recording_that_cannot_be_made_is_named_at_the_start(tmp_path):
    for place in (tmp_path / "none" / "paper.log", tmp_path):
        with pytest.raises(ConfigError, match="recording"):
            played(lambda *_: None, recording=place)


def test_a_recording_is_never_written_over(tmp_path):
    recording, journal = tmp_path / "paper.log", tmp_path / "paper.db"
    recording.touch()  # nothing is lost with an empty one

    async def scenario(engine, venue):
        await engine.stop()
        written = recording.read_bytes()
        assert written.count(b"paper:begin") == 1
        with pytest.raises(ConfigError, match="expected a new file"):
            await engine.start()
        assert recording.read_bytes() == written

    played(scenario, recording=recording, journal=journal)


@pytest.mark.parametrize(
    "given", [{"nonce": "5"}, {"nonce": 1 << 70}, {"expires_after": 1.5}]
)
def test_a_number_that_is_none_is_refused_before_it_is_written(given):
    async def scenario(engine, venue):
        with pytest.raises(ConfigError, match="whole number"):
            await engine.act({"type": "noop"}, **given)
        with pytest.raises(ConfigError, match="printed"):
            engine.open_account("a\nb", "1")

    played(scenario)


def test_a_journal_from_the_future_is_named_and_waits(tmp_path):
    path = tmp_path / "paper.db"
    journal = PaperJournal(path)
    facts = [said.AccountOpened(at=1 << 42, seq=1, account="main", cash=D(5))]
    journal.append(facts)
    journal.close()

    async def scenario(engine, venue):
        assert not engine.is_ready
        with pytest.raises(JournalError, match="s in the future"):
            await engine.act({"type": "noop"})
        assert "s in the future" in engine.trouble

    played(scenario, journal=path)
    assert read(path) == facts


def test_nothing_is_acknowledged_that_cannot_be_written(tmp_path):
    async def scenario(engine, venue):
        def fail(batch):
            raise JournalError("here", "disk full")

        engine._writer._journal.append = fail
        with pytest.raises(JournalError, match="disk full"):
            await engine.market_open("BTC", True, "0.01")
        with pytest.raises(JournalError, match="disk full"):
            await engine.act({"type": "noop"})
        assert "disk full" in engine.trouble

    played(scenario, journal=tmp_path / "paper.db")


@pytest.mark.parametrize("name", ["paper.log", "paper.log.gz"])
def test_a_recording_of_a_live_run_makes_the_same_facts_again(tmp_path, name):
    recording, journal = tmp_path / name, tmp_path / "paper.db"

    async def scenario(engine, venue):
        for number in range(6):
            px = engine.venue.desk.coin("BTC").book.bids.best.px
            await engine.order("BTC", True, "0.002", px)
            if number == 2:
                await engine.client.reconnect()
                await engine.client.wait_ready(10)
                await asyncio.sleep(2)
            await engine.market_open("ETH", number % 2 == 0, "0.1")
            await asyncio.sleep(1)

    config = PaperConfig(entry_latency="lognormal(0.1, 0.5)", seed=11)
    played(scenario, recording=recording, journal=journal, paper=config)
    lived = [said.encode(it) for it in read(journal)]
    again = [said.encode(it) for it in replay(recording).events]
    assert again == lived
    assert sum(b'"Filled"' in it for it in lived) > 5


def test_a_recording_that_begins_with_an_old_journal_makes_the_same_facts(tmp_path):
    journal = tmp_path / "paper.db"

    async def scenario(engine, venue):
        await engine.market_open("BTC", True, "0.01")

    played(scenario, journal=journal)
    before = len(read(journal))
    played(scenario, journal=journal, recording=tmp_path / "paper.log", seed=2)
    lived = [said.encode(it) for it in read(journal)[before:]]
    assert [said.encode(it) for it in replay(tmp_path / "paper.log").events] == lived


# It comes back, and it stays away from the real thing


def test_without_a_venue_it_goes_on_trying():
    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",)), 1))
        client = HyperLiquidIntegration(
            Config(network="local"), transport=venue, rest=venue.info()
        )
        engine = PaperTradingEngine(client=client, coins=["BTC"])
        assert await engine.start() is False
        assert not engine.is_ready
        with pytest.raises(StaleDataError):
            await engine.market_open("BTC", True, "0.01")
        await client.connect()
        await asyncio.sleep(3)
        assert (await engine.market_open("BTC", True, "0.01")).size == D("0.01")
        await engine.stop()
        await client.disconnect()
        venue.stop()

    run(main())


def test_nothing_in_it_can_reach_order_entry(root):
    folder = root / "src" / "bistoury" / "paper_trading"
    # A server may be in it, but nothing that asks another one, or holds a key.
    ways = ("ClientSession", "import requests", "urllib", "http.client", "websockets")
    for path in folder.rglob("*.py"):
        text = path.read_text()
        for word in (*ways, "import aiohttp", "private_key", '/exchange", json'):
            assert word not in text, f"{path.name} mentions {word}"
    # What it asks over REST is asked by the client, which knows no other path.
    asked = [it.read_text() for it in (folder.parent / "hyperliquid").rglob("*.py")]
    assert not any('/exchange"' in text for text in asked)


@pytest.mark.parametrize(
    "options",
    [
        {"cash": "0"},
        {"cash": "many"},
        {"max_data_age": 0},
        {"coins": ()},
        {"paper": PaperConfig(queue="fifo")},
        {"paper": PaperConfig(value_every=0.0004)},
        {"paper": PaperConfig(live_within=float("nan"))},
        {"paper": PaperConfig(on_gap="hope")},
        {"paper": PaperConfig(accounts={})},
        {"paper": PaperConfig(accounts={"main": 5})},
        {"paper": PaperConfig(accounts={"": D(5)})},
        {"paper": PaperConfig(entry_latency="soon")},
    ],
    ids=str,
)
def test_a_setting_that_is_not_allowed_is_named(options):
    with pytest.raises(ConfigError):
        PaperTradingEngine(Config(network="local"), **options)
