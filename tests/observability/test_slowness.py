from __future__ import annotations

from bistoury.observability.slowness import SlowHandler


def test_says_who_was_slow_how_long_it_took_and_what_waits():
    news = SlowHandler("bot.on_trade", 2.345, 17)
    assert str(news) == "handler bot.on_trade took 2.3 s, 17 messages wait"
