from __future__ import annotations

from types import SimpleNamespace

import pytest

from bistoury.errors import RequestError
from bistoury.paper_trading.server.greeting import greeting

BEST = {"px": "99.0", "sz": "1.0", "n": 1}
BOOK = {"coin": "BTC", "time": 7, "levels": [[BEST], []]}


@pytest.fixture
def client():
    async def request(body):
        it.asked.append(body)
        if isinstance(it.answer, Exception):
            raise it.answer
        return it.answer

    it = SimpleNamespace(asked=[], answer=BOOK, info=SimpleNamespace(request=request))
    return it


async def test_a_book_is_as_it_is_now(client):
    body = {"type": "l2Book", "coin": "BTC", "nSigFigs": 5}

    assert await greeting(client, body) == {"channel": "l2Book", "data": BOOK}
    assert client.asked == [body]


async def test_the_best_prices_are_the_books_first_rows(client):
    message = await greeting(client, {"type": "bbo", "coin": "BTC"})

    assert message["data"] == {"coin": "BTC", "time": 7, "bbo": [BEST, None]}
    assert client.asked == [{"type": "l2Book", "coin": "BTC"}]


async def test_mids_are_wrapped_as_the_feed_does(client):
    client.answer = {"BTC": "100.0"}
    message = await greeting(client, {"type": "allMids"})

    assert message == {"channel": "allMids", "data": {"mids": {"BTC": "100.0"}}}


@pytest.mark.parametrize(
    "body",
    [
        {"type": "trades", "coin": "BTC"},
        {"type": "l2Book", "coin": "BTC", "fast": True},
    ],
)
async def test_others_wait_for_their_next_message(client, body):
    assert await greeting(client, body) is None
    assert client.asked == []


@pytest.mark.parametrize("answer", [None, {}, RequestError("l2Book", "no", 500)])
async def test_without_an_answer_the_next_message_will_do(client, answer):
    client.answer = answer

    assert await greeting(client, {"type": "bbo", "coin": "BTC"}) is None
