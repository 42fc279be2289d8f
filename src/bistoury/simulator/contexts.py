"""What the venue says about a market besides its trades and orders (§2.15, §6.3)."""

from __future__ import annotations

from typing import Any

from .bars import DAY
from .market import CoinMarket
from .numbers import decimal, rate


def premium(coin: CoinMarket) -> float:
    """Return how far the book is from the oracle. HL: impact prices (§6.3)."""
    oracle = coin.oracle
    above = max(coin.book.bids[0][0] - oracle, 0.0)
    below = max(oracle - coin.book.asks[0][0], 0.0)
    return (above - below) / oracle


def funding(coin: CoinMarket) -> float:
    """Return the hourly funding rate."""
    sampled = premium(coin)
    eight_hours = sampled + min(0.0005, max(-0.0005, 0.0001 - sampled))
    return min(0.04, max(-0.04, eight_hours / 8))


def context(coin: CoinMarket, now: int) -> dict[str, Any]:
    """Return the context of a coin, as its kind has it."""
    return spot(coin, now) if coin.instrument.is_spot else perp(coin, now)


def perp(coin: CoinMarket, now: int) -> dict[str, Any]:
    """Return a perpetual's context. HL: strings on the wire, no time."""
    volume, notional = coin.candles.day()
    places = coin.instrument.px_decimals + coin.instrument.sz_decimals
    book = coin.book
    return {
        "funding": rate(funding(coin)),
        "openInterest": coin.sz(coin.open_interest),
        "prevDayPx": coin.px(coin.backstory.price_at(now - DAY)),
        "dayNtlVlm": decimal(notional, places),
        "premium": rate(premium(coin)),
        "oraclePx": coin.px(round(coin.oracle)),
        "markPx": coin.px(coin.mark),
        "midPx": coin.mid,
        "impactPxs": [coin.px(book.bids[0][0]), coin.px(book.asks[0][0])],
        "dayBaseVlm": coin.sz(volume),
    }


def spot(coin: CoinMarket, now: int) -> dict[str, Any]:
    """Return a spot pair's context."""
    volume, notional = coin.candles.day()
    places = coin.instrument.px_decimals + coin.instrument.sz_decimals
    supply = decimal(coin.instrument.typical_lots * 1_000_003, 2)
    return {
        "prevDayPx": coin.px(coin.backstory.price_at(now - DAY)),
        "dayNtlVlm": decimal(notional, places),
        "markPx": coin.px(coin.mark),
        "midPx": coin.mid,
        "circulatingSupply": supply,
        "coin": coin.instrument.name,
        "totalSupply": supply,
        "dayBaseVlm": coin.sz(volume),
    }
