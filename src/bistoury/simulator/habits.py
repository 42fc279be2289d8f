"""
What users do: the actions that make their feeds move.

Each action is a function of an account, a coin and a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .chance import happens
from .numbers import decimal
from .orders import Order
from .positions import TOKEN_PLACES
from .scene import Scene, affordable, any_open, draft, fill
from .twaps import slice_twap

# Enough to show a list, few enough to send it whole at every change.
_MOST_OPEN = 20


def rest(scene: Scene) -> None:
    """Place a resting order a little away from the touch."""
    if len(scene.account.orders) >= _MOST_OPEN:
        cancel(scene)
        return
    order = draft(scene, buys=happens(scene.rng, 0.5))
    scene.account.report(order, "open", scene.time)


def cross(scene: Scene, *, buys: bool | None = None) -> None:
    """Take liquidity at once: the same oid is open, then filled, in one frame."""
    rng = scene.rng
    order = draft(scene, buys=happens(rng, 0.5) if buys is None else buys)
    book = scene.coin.book
    touch = book.asks[0][0] if order.buys else book.bids[0][0]
    order.ticks = touch
    if happens(rng, 0.3):
        order.kind, order.tif = "Market", "FrontendMarket"
    scene.account.report(order, "open", scene.time)
    digest = scene.digest()
    # Several rows with one timestamp and one oid, as when several makers meet it.
    parts = min(rng.randint(1, 3), order.remaining)
    for part in range(parts, 0, -1):
        fill(scene, order, touch, order.remaining // part, digest, crossed=True)
    scene.account.report(order, "filled", scene.time)
    verb = "Bought" if order.buys else "Sold"
    size = scene.coin.sz(order.original)
    name = scene.coin.instrument.name
    scene.account.activity.notifications.append(
        f"Market order filled: {verb} {size} {name} at ${scene.coin.px(touch)}"
    )


def be_hit(scene: Scene) -> None:
    """Have a resting order filled, in part or in whole."""
    account, rng = scene.account, scene.rng
    book = scene.coin.book
    low, high = book.bids[0][0], book.asks[0][0]
    for order in list(account.orders.values()):
        if order.instrument.name != scene.coin.instrument.name:
            continue
        reached = order.ticks >= low if order.buys else order.ticks <= high
        if not reached or not affordable(scene, order):
            continue
        whole = happens(rng, 0.6) or order.remaining == 1
        lots = order.remaining if whole else 1 + rng.randrange(order.remaining - 1)
        ticks = min(high, max(low, order.ticks))
        fill(scene, order, ticks, lots, scene.digest(), crossed=False)
        account.report(order, "open" if order.remaining else "filled", scene.time)
        verb = "Bought" if order.buys else "Sold"
        text = f"{verb} {scene.coin.sz(lots)} {order.instrument.name}"
        account.activity.notifications.append(
            f"Resting order filled: {text} at ${scene.coin.px(ticks)}"
        )
        return
    cross(scene)


def cancel(scene: Scene) -> None:
    """Cancel an open order."""
    order = any_open(scene)
    if order is None:
        rest(scene)
    else:
        scene.account.report(order, "canceled", scene.time)


def be_cancelled(scene: Scene) -> None:
    """Lose an open order to the venue's rules."""
    order = any_open(scene)
    if order is None:
        rest(scene)
        return
    status = scene.rng.choice(("marginCanceled", "reduceOnlyCanceled"))
    scene.account.report(order, status, scene.time)
    scene.account.activity.cancels.append(
        {"coin": order.instrument.name, "oid": order.oid}
    )


def be_rejected(scene: Scene) -> None:
    """Place an order that the venue refuses. HL: it gets an oid still (§2.10)."""
    order = draft(scene, buys=True)
    status = scene.rng.choice(("minTradeNtlRejected", "perpMarginRejected"))
    scene.account.report(order, status, scene.time)


def replace(scene: Scene) -> None:
    """Modify an order: a new oid with the old cloid (§2.10)."""
    old = any_open(scene)
    if old is None:
        rest(scene)
        return
    new = Order(
        old.instrument,
        scene.account.next_oid(),
        old.buys,
        old.ticks + (-1 if old.buys else 1),
        old.remaining,
        scene.time,
        old.cloid,
    )
    scene.account.report(new, "open", scene.time)
    scene.account.report(old, "canceled", scene.time)


def enter_ledger(scene: Scene) -> None:
    """Deposit, withdraw, transfer or claim something."""
    rng = scene.rng
    usdc = f"{rng.randrange(10, 5000)}.0"
    other = f"0x{rng.getrandbits(160):040x}"
    delta: dict[str, Any] = rng.choice(
        [
            {"type": "deposit", "usdc": usdc},
            {"type": "withdraw", "usdc": usdc, "nonce": scene.time, "fee": "1.0"},
            {"type": "accountClassTransfer", "usdc": usdc, "toPerp": True},
            {
                "type": "internalTransfer",
                "usdc": usdc,
                "user": scene.account.address,
                "destination": other,
                "fee": "1.0",
            },
            {"type": "rewardsClaim", "amount": usdc, "token": "USDC"},
        ]
    )
    digest = scene.digest()
    scene.account.enter(delta, digest, scene.time)
    if happens(rng, 0.2):
        scene.account.enter({**delta, "usdc": "0.5"}, digest, scene.time)


def convert_dust(scene: Scene) -> None:
    """Have spot leftovers converted; buy some first if there are none."""
    account, coin = scene.account, scene.coin
    if not coin.instrument.is_spot:
        rest(scene)
        return
    holding = account.holdings.get(coin.instrument.name)
    lot = int(10 ** (TOKEN_PLACES - coin.instrument.sz_decimals))
    if holding is None or holding.amount < lot:
        if not account.dust(coin, scene.time):
            cross(scene, buys=True)
        return
    order = draft(scene, buys=False)
    order.original = order.remaining = holding.amount // lot
    account.report(order, "open", scene.time)
    touch = coin.book.bids[0][0]
    order.ticks = touch
    fill(scene, order, touch, order.remaining, scene.digest(), crossed=True)
    account.report(order, "filled", scene.time)
    account.dust(coin, scene.time)


def be_liquidated(scene: Scene) -> None:
    """Lose the whole position of a coin to a liquidation."""
    account, coin = scene.account, scene.coin
    position = account.positions.get(coin.instrument.name)
    if position is None or not position.size:
        cross(scene)
        return
    size = position.size
    order = draft(scene, buys=size < 0)
    order.kind, order.tif, order.reduce_only = "Market", "LiquidationMarket", True
    order.original = order.remaining = abs(size)
    mark = coin.mark
    touch = coin.book.asks[0][0] if size < 0 else coin.book.bids[0][0]
    extra = {
        "liquidation": {
            "liquidatedUser": account.address,
            "markPx": coin.px(mark),
            "method": "market",
        }
    }
    digest = scene.digest()
    fill(scene, order, touch, abs(size), digest, crossed=True, extra=extra)
    account.report(order, "filled", scene.time)
    places = coin.instrument.px_decimals + coin.instrument.sz_decimals
    notional = decimal(abs(size) * mark, places)
    lost = {"coin": coin.instrument.name, "szi": coin.sz(size)}
    delta: dict[str, Any] = {
        "type": "liquidation",
        "liquidatedNtlPos": notional,
        "accountValue": "2.5",
        "leverageType": "Cross",
        "liquidatedPositions": [lost],
    }
    account.enter(delta, digest, scene.time)
    account.activity.liquidations.append(
        {
            "lid": scene.rng.getrandbits(24),
            "liquidator": "0x" + "0" * 39 + "9",
            "liquidated_user": account.address,
            "liquidated_ntl_pos": notional,
            "liquidated_account_value": "2.5",
        }
    )


# Each with its weight; the last ones only happen when asked for.
HABITS: dict[str, tuple[Callable[[Scene], None], int]] = {
    "rest": (rest, 25),
    "cross": (cross, 20),
    "be_hit": (be_hit, 25),
    "cancel": (cancel, 12),
    "replace": (replace, 3),
    "twap": (slice_twap, 6),
    "ledger": (enter_ledger, 3),
    "dust": (convert_dust, 3),
    "be_rejected": (be_rejected, 2),
    "be_cancelled": (be_cancelled, 1),
    "be_liquidated": (be_liquidated, 0),
}
