from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from aiohttp import web

from bistoury.errors import ConfigError, RequestError
from bistoury.hyperliquid.info import Info

USER = "0x" + "AbCd" * 10
START, END = 1_750_000_000_000, 1_750_003_600_000


class Venue:
    """Answers with what is under the request's type, or what that returns."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    async def answer(self, request):
        body = await request.json()
        self.asked.append(body)
        answer = self.answers[body["type"]]
        return web.json_response(answer(body) if callable(answer) else answer)


@pytest.fixture
async def venue():
    venue = Venue()
    app = web.Application()
    app.router.add_post("/info", venue.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    venue.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield venue
    await runner.cleanup()


@pytest.fixture
async def info(venue):
    async with Info(venue.url, first_wait=0.001) as info:
        yield info


STRETCH = {"startTime": START, "endTime": END}
OF_USER = {"user": USER.lower()}

QUESTIONS = [
    (lambda it: it.get_all_mids(), {"type": "allMids"}, {}),
    (lambda it: it.get_all_mids("xyz"), {"type": "allMids", "dex": "xyz"}, {}),
    (lambda it: it.get_meta(), {"type": "meta"}, {}),
    (lambda it: it.get_meta(""), {"type": "meta"}, {}),
    (lambda it: it.get_meta_and_contexts(), {"type": "metaAndAssetCtxs"}, []),
    (lambda it: it.get_spot_meta(), {"type": "spotMeta"}, {}),
    (lambda it: it.exchange_status(), {"type": "exchangeStatus"}, {}),
    (lambda it: it.get_order_book("ETH"), {"type": "l2Book", "coin": "ETH"}, {}),
    (
        lambda it: it.get_order_book("ETH", 5, 2),
        {"type": "l2Book", "coin": "ETH", "nSigFigs": 5, "mantissa": 2},
        {},
    ),
    (
        lambda it: it.get_candles("ETH", "1m", START, END),
        {"type": "candleSnapshot", "req": {"coin": "ETH", "interval": "1m", **STRETCH}},
        [],
    ),
    (
        lambda it: it.get_candles(
            "ETH", "1m", datetime.fromtimestamp(START / 1000, UTC)
        ),
        {
            "type": "candleSnapshot",
            "req": {"coin": "ETH", "interval": "1m", "startTime": START},
        },
        [],
    ),
    (
        lambda it: it.get_funding_rate("ETH", START, END),
        {"type": "fundingHistory", "coin": "ETH", **STRETCH},
        [],
    ),
    (
        lambda it: it.get_funding_rate("ETH", end=END),
        {
            "type": "fundingHistory",
            "coin": "ETH",
            "startTime": END - 86_400_000,
            "endTime": END,
        },
        [],
    ),
    (lambda it: it.recent_trades("ETH"), {"type": "recentTrades", "coin": "ETH"}, []),
    (lambda it: it.user_fills(USER), {"type": "userFills", **OF_USER}, []),
    (
        lambda it: it.user_fills(USER, aggregate_by_time=True),
        {"type": "userFills", **OF_USER, "aggregateByTime": True},
        [],
    ),
    (
        lambda it: it.user_fills_by_time(USER, START, END),
        {"type": "userFillsByTime", **OF_USER, **STRETCH},
        [],
    ),
    (lambda it: it.user_funding(USER), {"type": "userFunding", **OF_USER}, []),
    (
        lambda it: it.ledger_updates(USER, START),
        {"type": "userNonFundingLedgerUpdates", **OF_USER, "startTime": START},
        [],
    ),
    (
        lambda it: it.historical_orders(USER),
        {"type": "historicalOrders", **OF_USER},
        [],
    ),
    (
        lambda it: it.open_orders(USER, "xyz"),
        {"type": "frontendOpenOrders", **OF_USER, "dex": "xyz"},
        [],
    ),
    (
        lambda it: it.order_status(USER, 5),
        {"type": "orderStatus", **OF_USER, "oid": 5},
        {},
    ),
    (
        lambda it: it.twap_slice_fills(USER),
        {"type": "userTwapSliceFills", **OF_USER},
        [],
    ),
    (
        lambda it: it.twap_slice_fills_by_time(USER, START, END),
        {"type": "userTwapSliceFillsByTime", **OF_USER, **STRETCH},
        [],
    ),
    (lambda it: it.twap_history(USER), {"type": "twapHistory", **OF_USER}, []),
    (lambda it: it.account_state(USER), {"type": "clearinghouseState", **OF_USER}, {}),
    (lambda it: it.spot_state(USER), {"type": "spotClearinghouseState", **OF_USER}, {}),
]


@pytest.mark.parametrize(("ask", "body", "answer"), QUESTIONS)
async def test_a_verb_asks_as_the_venue_wants_it(venue, info, ask, body, answer):
    venue.answers[body["type"]] = answer

    assert await ask(info) == answer
    assert venue.asked == [body]


async def test_funding_rates_are_by_default_those_of_a_day(venue, info):
    venue.answers["fundingHistory"] = []

    await info.get_funding_rate("ETH")

    a_day_ago = time.time() * 1000 - 86_400_000
    assert abs(venue.asked[0]["startTime"] - a_day_ago) < 60_000


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda it: it.get_order_book("B TC"), "coin"),
        (lambda it: it.get_order_book("BTC", 9), "n_sig_figs"),
        (lambda it: it.get_candles("", "1m", START), "coin"),
        (lambda it: it.get_candles("BTC", "2m", START), "interval"),
        (lambda it: it.get_candles("BTC", "1m", None), "start"),
        (lambda it: it.get_candles("BTC", "1m", END, START), "start"),
        (lambda it: it.get_candles("BTC", "1m", datetime(2025, 6, 1)), "start"),  # noqa: DTZ001
        (lambda it: it.get_funding_rate("BTC", START, "now"), "end"),
        (lambda it: it.get_all_mids("a b"), "dex"),
        (lambda it: it.user_fills("0x12"), "user"),
        (lambda it: it.user_fills_by_time(USER, END, START), "start"),
        (lambda it: it.order_status(USER, "five"), "oid"),
        (lambda it: it.get_historical_candles_bulk(["BTC"], ["2m"], START), "interval"),
        (
            lambda it: it.get_historical_candles_bulk(
                ["BTC"], ["1m"], START, concurrency=0
            ),
            "concurrency",
        ),
    ],
)
async def test_a_bad_argument_is_refused_before_anything_is_sent(
    venue, info, ask, field
):
    with pytest.raises(ConfigError) as caught:
        await ask(info)

    assert caught.value.field == field
    assert venue.asked == []


@pytest.mark.parametrize(
    ("ask", "type_"),
    [
        (lambda it: it.get_order_book("NOSUCH"), "l2Book"),
        (lambda it: it.get_candles("NOSUCH", "1m", START, END), "candleSnapshot"),
        (lambda it: it.get_funding_rate("NOSUCH", START), "fundingHistory"),
        (lambda it: it.recent_trades("NOSUCH"), "recentTrades"),
    ],
)
async def test_a_coin_the_venue_does_not_know_is_said_by_name(venue, info, ask, type_):
    venue.answers[type_] = None

    with pytest.raises(RequestError, match="knows nothing of 'NOSUCH'"):
        await ask(info)

    assert len(venue.asked) == 1


@pytest.mark.parametrize(
    ("answer", "detail"), [(None, "null"), ([], "list"), ("no", "str")]
)
async def test_an_answer_of_another_kind_is_an_error(venue, info, answer, detail):
    venue.answers["allMids"] = answer

    with pytest.raises(RequestError, match=detail):
        await info.get_all_mids()


def fills(count):
    return [
        {"time": START + number // 2, "coin": "ETH", "oid": number, "tid": 0}
        for number in range(count)
    ]


def served(rows, limit):
    def answer(body):
        return [
            row
            for row in rows
            if body["startTime"] <= row["time"] <= body.get("endTime", row["time"])
        ][:limit]

    return answer


async def test_a_long_stretch_is_read_page_by_page(venue, info):
    rows = fills(4500)
    venue.answers["userFillsByTime"] = served(rows, 2000)

    found = await info.user_fills_by_time(USER, START)

    assert found == rows
    assert found.complete
    assert len(venue.asked) == 3


async def test_pages_do_not_go_beyond_the_end(venue, info):
    rows = [{"time": END, "delta": {"coin": f"C{n}"}} for n in range(500)]
    venue.answers["userFunding"] = served(rows, 500)

    found = await info.user_funding(USER, START, END)

    assert found == rows
    assert not found.complete
    assert len(venue.asked) == 1


async def test_aggregated_fills_are_asked_for_until_there_is_no_news(venue, info):
    rows = [{**row, "time": START + row["oid"]} for row in fills(3)]
    venue.answers["userFillsByTime"] = served(rows, 2)

    found = await info.user_fills_by_time(USER, START, aggregate_by_time=True)

    assert found == rows
    assert len(venue.asked) == 3


async def test_rows_without_a_time_are_an_error(venue, info):
    venue.answers["userFunding"] = [{"coin": "ETH"}] * 500

    with pytest.raises(RequestError, match="rows that cannot be read"):
        await info.user_funding(USER)


def bars(body):
    return [{"s": body["req"]["coin"], "i": body["req"]["interval"]}]


async def test_candles_come_in_bulk_with_progress(venue, info):
    venue.answers["candleSnapshot"] = bars
    progress = []

    found = await info.get_historical_candles_bulk(
        ["BTC", "ETH", "BTC"],
        ["1m", "1h"],
        START,
        END,
        lambda done, total: progress.append((done, total)),
    )

    assert list(found) == [("BTC", "1m"), ("BTC", "1h"), ("ETH", "1m"), ("ETH", "1h")]
    assert all(rows == [{"s": c, "i": i}] for (c, i), rows in found.items())
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]


async def test_progress_may_be_a_coroutine_function(venue, info):
    venue.answers["candleSnapshot"] = bars
    progress = []

    async def show(done, total):
        progress.append((done, total))

    await info.get_historical_candles_bulk("BTC", "1m", START, progress=show)

    assert progress == [(1, 1)]


async def test_nothing_in_bulk_is_nothing(venue, info):
    assert await info.get_historical_candles_bulk([], ["1m"], START) == {}


async def test_the_first_failure_ends_the_bulk(venue, info):
    venue.answers["candleSnapshot"] = lambda body: (
        None if body["req"]["coin"] == "NOSUCH" else bars(body)
    )

    with pytest.raises(RequestError, match="knows nothing of 'NOSUCH'"):
        await info.get_historical_candles_bulk(["BTC", "NOSUCH", "ETH"], ["1m"], START)
