"""
What is shown of accounts and orders, in the venue's shapes and numbers.

HL: dollars are cut off after six decimals, whole numbers keep one decimal (recorded
answers). Every view that is ours and not the venue's says ``paper``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import margin
from .accounts import Account, Position
from .events import Filled, FundingPaid, Order
from .numbers import ZERO, text, truncated

if TYPE_CHECKING:
    from .desk import Desk

_HASH = "0x" + "0" * 64
_NAMES = {("tp", True): "Take Profit Market", ("tp", False): "Take Profit Limit"} | {
    ("sl", True): "Stop Market",
    ("sl", False): "Stop Limit",
}


def usd(value: Decimal) -> str:
    """Write dollars."""
    return text(truncated(value))


def account_view(account: Account, desk: Desk | None) -> dict[str, Any]:
    """Return an account in our own words, in ``Decimal``."""
    marks = desk.marks() if desk is not None else {}
    equity = account.value(marks)
    totals = account.totals
    unrealized = equity - account.opened_with
    unrealized -= totals.price + totals.fees + totals.funding + totals.liquidation
    view: dict[str, Any] = {
        "paper": True,
        "name": account.name,
        "cash": account.opened_with
        + totals.price
        + totals.fees
        + totals.funding
        + totals.liquidation,
        "equity": equity,
        "unrealized": unrealized,
        "profit": {
            "price": totals.price,
            "fees": totals.fees,
            "funding": totals.funding,
            "liquidation": totals.liquidation,
        },
        "open_orders": len(account.orders),
        "fills": totals.fills,
    }
    if desk is not None:
        whole = margin.cross(account, desk.universe, marks)
        view["margin"] = {
            "initial": whole.initial,
            "maintenance": whole.maintenance,
            "free": whole.free,
            "withdrawable": whole.withdrawable,
        }
    return view


def clearinghouse_state(account: Account, desk: Desk) -> dict[str, Any]:
    """Return ``clearinghouseState``."""
    marks = desk.marks()
    whole = margin.cross(account, desk.universe, marks)
    held = list(account.positions.values())
    isolated = [it for it in held if not it.is_cross]
    notional = sum((abs(it.szi) * margin.mark_of(it, marks) for it in held), ZERO)
    raw = account.raw_usd + sum((it.raw_usd for it in isolated), ZERO)
    return {
        "marginSummary": {
            "accountValue": usd(account.value(marks)),
            "totalNtlPos": usd(notional),
            "totalRawUsd": usd(raw),
            "totalMarginUsed": usd(margin.total_initial(account, desk.universe, marks)),
        },
        "crossMarginSummary": {
            "accountValue": usd(whole.value),
            "totalNtlPos": usd(whole.notional),
            "totalRawUsd": usd(whole.raw_usd),
            "totalMarginUsed": usd(whole.initial),
        },
        "crossMaintenanceMarginUsed": usd(whole.maintenance),
        "withdrawable": usd(whole.withdrawable),
        "assetPositions": [
            {"type": "oneWay", "position": position(account, desk, it)} for it in held
        ],
        "time": desk.now,
    }


def position(account: Account, desk: Desk, held: Position) -> dict[str, Any]:
    """Return one position as ``clearinghouseState`` has it."""
    marks = desk.marks()
    mark = margin.mark_of(held, marks)
    size = abs(held.szi) * mark
    unrealized = held.unrealized(mark)
    ends = margin.liquidation_px(account, desk.universe, held, marks)
    leverage: dict[str, Any] = {
        "type": "cross" if held.is_cross else "isolated",
        "value": held.leverage,
    }
    if not held.is_cross:
        leverage["rawUsd"] = usd(held.raw_usd)
    used = size / held.leverage
    if not held.is_cross:
        used = margin.isolated_value(held, mark)
    return {
        "coin": held.coin,
        "szi": text(held.szi),
        "leverage": leverage,
        "entryPx": text(held.entry_px),
        "positionValue": usd(size),
        "unrealizedPnl": usd(unrealized),
        "returnOnEquity": text(
            truncated(unrealized / (held.entry_ntl / held.leverage), 10)
        ),
        "liquidationPx": text(truncated(ends, 8)) if ends is not None else None,
        "marginUsed": usd(used),
        "maxLeverage": desk.universe.by_coin[held.coin].max_leverage,
        "cumFunding": {
            "allTime": usd(held.funding_all),
            "sinceOpen": usd(held.funding_open),
            "sinceChange": usd(held.funding_change),
        },
    }


def open_order(order: Order) -> dict[str, Any]:
    """Return an order as ``openOrders`` and ``orderUpdates`` have it."""
    row: dict[str, Any] = {
        "coin": order.coin,
        "side": "B" if order.is_buy else "A",
        "limitPx": text(order.px),
        "sz": text(order.sz),
        "oid": order.oid,
        "timestamp": order.placed_at,
        "origSz": text(order.orig_sz),
    }
    if order.reduce_only:
        row["reduceOnly"] = True
    return {**row, "cloid": order.cloid} if order.cloid else row


def frontend_order(order: Order) -> dict[str, Any]:
    """Return an order as ``frontendOpenOrders`` and ``orderStatus`` have it."""
    above = (order.tpsl == "tp") is not order.is_buy
    if order.trigger_px is not None:
        kind = _NAMES[order.tpsl or "sl", order.is_market]
        condition = f"Price {'above' if above else 'below'} {_plain(order.trigger_px)}"
    else:
        kind, condition = "Limit", "N/A"
        if order.tif == "FrontendMarket":
            kind = "Market"
    return {
        **{k: v for k, v in open_order(order).items() if k != "reduceOnly"},
        "triggerCondition": condition,
        "isTrigger": order.is_trigger,
        "triggerPx": text(order.trigger_px or ZERO),
        "children": [],
        "isPositionTpsl": order.is_position_tpsl,
        "reduceOnly": order.reduce_only,
        "orderType": kind,
        "tif": order.tif or None,
        "cloid": order.cloid,
    }


def order_status(account: Account, name: int | str) -> dict[str, Any]:
    """Return ``orderStatus`` of an order by its number or its cloid."""
    order = (
        account.order_by_cloid(name)
        if isinstance(name, str)
        else account.orders.get(name) or account.done.get(name)
    )
    if order is None:
        return {"status": "unknownOid"}
    return {"status": "order", "order": historical_order(order)}


def historical_order(order: Order) -> dict[str, Any]:
    """Return an order and its status, as ``historicalOrders`` has it."""
    status = "open" if order.status == "waiting" else order.status
    return {
        "order": frontend_order(order),
        "status": status,
        "statusTimestamp": order.status_at,
    }


def order_update(order: Order) -> dict[str, Any]:
    """Return a row of ``orderUpdates``."""
    status = "open" if order.status == "waiting" else order.status
    row = {k: v for k, v in open_order(order).items() if k != "reduceOnly"}
    return {"order": row, "status": status, "statusTimestamp": order.status_at}


def fill(made: Filled, address: str = "") -> dict[str, Any]:
    """Return a fill as ``userFills`` has it."""
    row: dict[str, Any] = {
        "coin": made.coin,
        "px": text(made.px),
        "sz": text(made.sz),
        "side": "B" if made.is_buy else "A",
        "time": made.time,
        "startPosition": text(made.start_position),
        "dir": made.direction,
        "closedPnl": usd(made.closed_pnl),
        # HL: what no transaction of a user made has a zero hash; paper never has one.
        "hash": _HASH,
        "oid": made.oid,
        "crossed": made.crossed,
        "fee": text(made.fee),
        "tid": made.tid,
        "feeToken": "USDC",
        "twapId": made.twap_id,
    }
    if made.cloid:
        row["cloid"] = made.cloid
    if made.builder_fee:
        row["builderFee"] = text(made.builder_fee)
    if made.liquidation:
        row["liquidation"] = {
            "liquidatedUser": address,
            "markPx": text(made.mark_px or made.px),
            "method": made.liquidation,
        }
    return row


def funding(paid: FundingPaid) -> dict[str, Any]:
    """Return a payment as ``userFundings`` has it."""
    return {
        "time": paid.time,
        "coin": paid.coin,
        "usdc": text(paid.usdc),
        "szi": text(paid.szi),
        "fundingRate": text(paid.rate),
        "nSamples": None,
    }


def _plain(value: Decimal) -> str:
    """HL: conditions are written without a needless decimal."""
    return f"{value.normalize():f}"
