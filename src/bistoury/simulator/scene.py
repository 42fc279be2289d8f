"""
Where and when a user acts, and what every action needs.

A fill is also a public trade with the same tid, so both views can be compared.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from .accounts import Account
from .chance import happens
from .market import CoinMarket
from .orders import Order
from .positions import TOKEN_PLACES


class Scene(NamedTuple):
    """Where and when a user acts; a rehearsed past has no public trades."""

    account: Account
    coin: CoinMarket
    time: int
    public: bool = True

    @property
    def rng(self) -> Random:
        """The user's own chance."""
        return self.account.rng

    def digest(self) -> str:
        """Return a transaction hash."""
        return f"0x{self.rng.getrandbits(256):064x}"


def draft(scene: Scene, *, buys: bool) -> Order:
    """Return an order near the touch; a spot sell only of what is owned."""
    account, coin, rng = scene.account, scene.coin, scene.rng
    instrument = coin.instrument
    lots = 1 + int(rng.expovariate(1.0) * instrument.typical_lots * 0.3)
    if instrument.is_spot and not buys:
        lot = int(10 ** (TOKEN_PLACES - instrument.sz_decimals))
        holding = account.holdings.get(instrument.name)
        owned = 0 if holding is None else holding.amount // lot
        buys, lots = (False, min(lots, owned)) if owned else (True, lots)
    book = coin.book
    away = rng.randrange(6)
    ticks = book.bids[0][0] - away if buys else book.asks[0][0] + away
    cloid = f"0x{rng.getrandbits(128):032x}" if happens(rng, 0.6) else None
    return Order(
        instrument, account.next_oid(), buys, max(1, ticks), lots, scene.time, cloid
    )


def affordable(scene: Scene, order: Order) -> bool:
    """Tell whether a spot sell has what it sells."""
    if order.buys or not order.instrument.is_spot:
        return True
    lot = int(10 ** (TOKEN_PLACES - order.instrument.sz_decimals))
    holding = scene.account.holdings.get(order.instrument.name)
    return holding is not None and holding.amount >= order.remaining * lot


def any_open(scene: Scene) -> Order | None:
    """Return one of the user's open orders."""
    orders = list(scene.account.orders.values())
    return scene.rng.choice(orders) if orders else None


def fill(
    scene: Scene,
    order: Order,
    ticks: int,
    lots: int,
    digest: str,
    *,
    crossed: bool,
    twap: int | None = None,
    extra: dict[str, Any] | None = None,
) -> None:
    """Fill an order, in the user's books and as a public trade."""
    tid = scene.rng.getrandbits(50)
    other = f"0x{scene.rng.getrandbits(160):040x}"
    me = scene.account.address
    scene.account.fill(
        scene.coin,
        order,
        ticks,
        lots,
        time=scene.time,
        crossed=crossed,
        digest=digest,
        tid=tid,
        twap=twap,
        extra=extra,
    )
    if scene.public:
        trade = scene.coin.trade(
            scene.time,
            ticks,
            lots,
            buys=order.buys == crossed,
            hash=digest,
            tid=tid,
            users=[me, other] if order.buys else [other, me],
        )
        scene.coin.print(trade, ticks, lots)
