"""
Which messages the benchmarks send: Hyperliquid's shapes, pre-encoded and seeded.

A message is a template with two holes, its time and a running number, so that no
two of them are the same and each is news, as on the real wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

COINS = ("BTC", "ETH", "SOL", "HYPE")
MIDS = 500
LEVELS = 20
VARIANTS = 64
"""Different bodies for each kind and coin."""

KINDS = ("trades", "l2Book", "bbo", "candle", "activeAssetCtx")
MIXES: dict[str, dict[str, int]] = {
    # Out of a hundred. Mids come once a second in life, all else far more often.
    "mixed": {
        "trades": 26,
        "l2Book": 20,
        "bbo": 34,
        "candle": 9,
        "activeAssetCtx": 10,
        "allMids": 1,
    },
    "trades": {"trades": 1},
    "l2Book": {"l2Book": 1},
    "bbo": {"bbo": 1},
    # What every client of the comparison with Rust can be asked for.
    "market": {"trades": 26, "l2Book": 20, "bbo": 34},
}

_TIME, _NUMBER = 111_111_111_111_1, 222_222_222_222_2
_FIRST = 1_000_000_000
_TID = re.compile(r'"tid":"([^"]*)"')


def subscriptions(mix: str, coins: tuple[str, ...] = COINS) -> list[dict[str, str]]:
    """Return what to subscribe to in order to get a mix."""
    found: list[dict[str, str]] = []
    for kind in MIXES[mix]:
        if kind == "allMids":
            found.append({"type": kind})
            continue
        for coin in coins:
            more = {"interval": "1m"} if kind == "candle" else {}
            found.append({"type": kind, "coin": coin, **more})
    return found


def messages(
    mix: str,
    count: int,
    *,
    begin_ms: int,
    coins: tuple[str, ...] = COINS,
    levels: int = LEVELS,
    seed: int = 1,
) -> Iterator[bytes]:
    """Yield ``count`` messages; venue time passes by a millisecond each."""
    rng = Random(seed)
    templates = {
        (kind, coin): [
            _template(kind, coin, levels, Random(f"{seed}{kind}{coin}{number}"))
            for number in range(VARIANTS if len(coins) <= len(COINS) else 2)
        ]
        for kind in MIXES[mix]
        for coin in coins
    }
    kinds, weights = list(MIXES[mix]), list(MIXES[mix].values())
    for number in range(count):
        kind = rng.choices(kinds, weights)[0]
        body = rng.choice(templates[kind, rng.choice(coins)])
        yield body % {b"t": begin_ms + number, b"n": _FIRST + number}


def _template(kind: str, coin: str, levels: int, rng: Random) -> bytes:
    data = _BODIES[kind](coin, rng, levels)
    text = json.dumps({"channel": kind, "data": data}, separators=(",", ":"))
    text = text.replace("%", "%%").replace(str(_TIME), "%(t)d")
    text = text.replace(str(_NUMBER), "%(n)d")
    return _TID.sub(r'"tid":\1', text).encode()  # the one number with a tail


def _price(rng: Random) -> str:
    return f"{rng.randint(100_000, 110_000) / 10:.1f}"


def _size(rng: Random) -> str:
    return f"{rng.randint(1, 99_999) / 1000:.3f}"


def _level(rng: Random) -> dict[str, Any]:
    return {"px": _price(rng), "sz": _size(rng), "n": rng.randint(1, 30)}


def _trades(coin: str, rng: Random, levels: int) -> Any:
    return [
        {
            "coin": coin,
            "side": rng.choice("BA"),
            "px": _price(rng),
            "sz": _size(rng),
            "time": _TIME,
            "hash": f"0x{rng.getrandbits(256):064x}",
            # One number for all messages, one digit for each row of this one.
            "tid": f"{_NUMBER}{row}",
            "users": [f"0x{rng.getrandbits(160):040x}" for _ in range(2)],
        }
        for row in range(rng.randint(1, 5))
    ]


def _book(coin: str, rng: Random, levels: int) -> Any:
    sides = [[_level(rng) for _ in range(levels)] for _ in range(2)]
    return {"coin": coin, "time": _TIME, "levels": sides}


def _bbo(coin: str, rng: Random, levels: int) -> Any:
    return {"coin": coin, "time": _TIME, "bbo": [_level(rng), _level(rng)]}


def _mids(coin: str, rng: Random, levels: int) -> Any:
    mids = {f"@{number}": _price(rng) for number in range(MIDS - len(COINS))}
    return {"mids": {**mids, **dict.fromkeys(COINS, f"{_NUMBER}.5")}}


def _candle(coin: str, rng: Random, levels: int) -> Any:
    # One bar that trades on: its count is the running number.
    prices = {name: _price(rng) for name in "ochl"}
    minute = 1_780_000_020_000
    times = {"t": minute, "T": minute + 59_999}
    return {**times, "s": coin, "i": "1m", **prices, "v": _size(rng), "n": _NUMBER}


def _context(coin: str, rng: Random, levels: int) -> Any:
    price = _price(rng)
    return {
        "coin": coin,
        "ctx": {
            "funding": "0.0000125",
            "openInterest": f"{_NUMBER}.25",
            "prevDayPx": price,
            "dayNtlVlm": "48211903.1120000005",
            "premium": "0.00031",
            "oraclePx": price,
            "markPx": price,
            "midPx": price,
            "impactPxs": [price, price],
            "dayBaseVlm": "470.125",
        },
    }


_BODIES = {
    "trades": _trades,
    "l2Book": _book,
    "bbo": _bbo,
    "allMids": _mids,
    "candle": _candle,
    "activeAssetCtx": _context,
}
