"""What the venue says about a user's state, on the stream and over REST alike."""

from __future__ import annotations

from typing import Any

from .accounts import Account
from .market import CoinMarket, Market
from .numbers import decimal
from .positions import TOKEN_PLACES, Position, truncated
from .twaps import twap_state

Row = dict[str, Any]
_USD = 6


def clearinghouse(account: Account | None, market: Market, dex: str, now: int) -> Row:
    """
    Return a clearinghouseState (§4.4).

    HL: accountValue = totalRawUsd + sum(szi * mark); values cut at 6 decimals.
    """
    positions: list[Row] = []
    value = notional = used = maintenance = signed = 0
    if account is not None:
        value = account.cash(dex)
        for name, position in account.positions.items():
            coin = market.coins[name]
            if not position.size or coin.instrument.dex != dex:
                continue
            places = coin.instrument.px_decimals + coin.instrument.sz_decimals
            worth = truncated(abs(position.size) * coin.mark, places, _USD)
            gain = _gain(position, coin)
            positions.append(_position(position, coin, worth, gain))
            value += truncated(gain, places, _USD)
            notional += worth
            signed += worth if position.size > 0 else -worth
            used += worth // position.leverage
            maintenance += worth // (2 * coin.instrument.max_leverage)
    summary = {
        "accountValue": decimal(value, _USD),
        "totalNtlPos": decimal(notional, _USD),
        "totalRawUsd": decimal(value - signed, _USD),
        "totalMarginUsed": decimal(used, _USD),
    }
    return {
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": decimal(maintenance, _USD),
        "withdrawable": decimal(max(0, value - max(used, notional // 10)), _USD),
        "assetPositions": positions,
        "time": now,
    }


def _gain(position: Position, coin: CoinMarket) -> int:
    cost = position.cost if position.size > 0 else -position.cost
    return position.size * coin.mark - cost


def _position(position: Position, coin: CoinMarket, worth: int, gain: int) -> Row:
    instrument = coin.instrument
    places = instrument.px_decimals + instrument.sz_decimals
    size = abs(position.size)
    entry = position.cost * 10 // size
    margin = max(1, truncated(position.cost, places, _USD) // position.leverage)
    return_on_equity = truncated(gain, places, _USD) / margin
    funding = decimal(-position.funding_since_open, _USD)
    return {
        "type": "oneWay",
        "position": {
            "coin": instrument.name,
            "szi": coin.sz(position.size),
            "leverage": {"type": "cross", "value": position.leverage},
            "entryPx": decimal(entry, instrument.px_decimals + 1),
            "positionValue": decimal(worth, _USD),
            "unrealizedPnl": decimal(truncated(gain, places, _USD), _USD),
            "returnOnEquity": decimal(round(return_on_equity * 10**10), 10),
            "liquidationPx": None,
            "marginUsed": decimal(worth // position.leverage, _USD),
            "maxLeverage": instrument.max_leverage,
            "cumFunding": {
                "allTime": decimal(-position.funding, _USD),
                "sinceOpen": funding,
                "sinceChange": funding,
            },
        },
    }


def spot_state(account: Account | None, market: Market) -> Row:
    """Return a spotClearinghouseState."""
    if account is None:
        return {"balances": []}
    usdc = account.cash("") * 100
    balances: list[Row] = [
        {
            "coin": "USDC",
            "token": 0,
            "total": decimal(usdc, TOKEN_PLACES),
            "hold": "0.0",
            "entryNtl": "0.0",
        }
    ]
    for name, holding in account.holdings.items():
        instrument = market.coins[name].instrument
        places = instrument.px_decimals + TOKEN_PLACES
        balances.append(
            {
                "coin": instrument.base_token,
                "token": instrument.token_index,
                "total": decimal(holding.amount, TOKEN_PLACES),
                "hold": "0.0",
                "entryNtl": decimal(truncated(holding.cost, places, _USD), _USD),
            }
        )
    return {"balances": balances}


def open_orders(account: Account | None, dex: str, *, frontend: bool) -> list[Row]:
    """Return the open orders of a dex. HL: spot ones with the main dex (§4.2)."""
    if account is None:
        return []
    orders = [o for o in account.orders.values() if o.instrument.dex == dex]
    return [order.frontend() if frontend else order.brief() for order in orders]


def twap_states(account: Account | None, market: Market, dex: str) -> list[Any]:
    """Return the running TWAPs as pairs of id and state."""
    if account is None:
        return []
    return [
        [number, twap_state(twap)]
        for number, twap in account.twaps.items()
        if market.coins[twap["coin"]].instrument.dex == dex
    ]


def web_data(account: Account | None, user: str, dexs: list[str], now: int) -> Row:
    """Return a webData3 (§2.3)."""
    cash = 0 if account is None else account.cash("")
    return {
        "userState": {
            "agentAddress": None,
            "agentValidUntil": None,
            "cumLedger": decimal(cash, _USD),
            "serverTime": now,
            "isVault": False,
            "user": user,
        },
        "perpDexStates": [{"totalVaultEquity": "0.0"} for _ in dexs],
    }


def asset_data(account: Account | None, user: str, coin: CoinMarket) -> Row:
    """Return an activeAssetData (§2.16)."""
    name = coin.instrument.name
    leverage = min(10, coin.instrument.max_leverage)
    cash = 0
    if account is not None:
        cash = max(0, account.cash(coin.instrument.dex))
        held = account.positions.get(name)
        leverage = leverage if held is None else held.leverage
    places = coin.instrument.px_decimals + coin.instrument.sz_decimals
    lots = cash * leverage * 10**places // (coin.mark * 10**_USD)
    return {
        "user": user,
        "coin": name,
        "leverage": {"type": "cross", "value": leverage},
        "maxTradeSzs": [coin.sz(lots)] * 2,
        "availableToTrade": [decimal(cash, _USD)] * 2,
        "markPx": coin.px(coin.mark),
    }


def by_time(fills: list[Row]) -> list[Row]:
    """
    Join the fills that one crossing order got at one time.

    HL: this is what aggregateByTime asks for; the first tid stays.
    """
    joined: dict[tuple[Any, ...], list[Row]] = {}
    for place, fill in enumerate(fills):
        alone = () if fill["crossed"] and fill["tid"] else (place,)
        key = (fill["time"], fill["coin"], fill["oid"], fill["side"], *alone)
        joined.setdefault(key, []).append(fill)
    return [_sum(rows) for rows in joined.values()]


def _sum(rows: list[Row]) -> Row:
    if len(rows) == 1:
        return rows[0]
    sizes = [_units(row["sz"], 8) for row in rows]
    total = sum(sizes)
    worth = sum(_units(row["px"], 8) * n for row, n in zip(rows, sizes, strict=True))
    whole = dict(rows[0])
    whole["px"] = decimal(worth // total, 8) if total else rows[0]["px"]
    whole["sz"] = decimal(total, 8)
    for name in ("closedPnl", "fee"):
        whole[name] = decimal(sum(_units(row[name], 12) for row in rows), 12)
    return whole


def _units(text: str, places: int) -> int:
    whole, _, fraction = text.partition(".")
    digits = int(whole.lstrip("-") + fraction.ljust(places, "0")[:places])
    return -digits if text.startswith("-") else digits
