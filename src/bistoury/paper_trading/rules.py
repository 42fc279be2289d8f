"""
Why the venue refuses an order, in its own words.

HL: the texts of docs "error responses" and of recorded answers; production puts
`` asset=N`` behind most of them. The status is what ``orderUpdates`` calls it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from . import margin
from .accounts import Account
from .book import Book
from .events import Order
from .numbers import ONE, ZERO, text
from .resting import Entry
from .universe import Instrument

MINIMUM = Decimal(10)
FARTHEST = Decimal("0.95")
NEVER_PLACED = "Order was never placed, already canceled, or filled."
CANNOT_MODIFY = "Cannot modify canceled or filled order"
POOR = "perpMarginRejected"
INVALID_MODIFY = "Attempted to modify to invalid new order"


class Refusal(NamedTuple):
    """What is told, and what the order's status becomes."""

    text: str
    status: str


def numbered(sentence: str, asset: int) -> str:
    """Name the asset, as production does."""
    return f"{sentence} asset={asset}"


def malformed(order: Order, instrument: Instrument) -> Refusal | None:
    """Return what is wrong with the numbers of an order, whatever the market."""
    asset = instrument.asset

    def refuse(sentence: str, status: str) -> Refusal:
        return Refusal(numbered(sentence, asset), status)

    if instrument.is_delisted:
        return refuse("Asset is delisted.", "rejected")
    if order.px <= 0:
        return refuse("Order has invalid price.", "rejected")
    prices = [order.px] if order.trigger_px is None else [order.px, order.trigger_px]
    if not all(instrument.has_tick(px) for px in prices):
        return refuse("Price must be divisible by tick size.", "tickRejected")
    if order.sz < 0 or not instrument.has_lot(order.sz):
        return refuse("Order has invalid size.", "rejected")
    if order.sz == 0 and not order.is_position_tpsl:
        return refuse("Order has zero size.", "rejected")
    return None


def unacceptable(
    order: Order, instrument: Instrument, account: Account, mark: Decimal | None
) -> Refusal | None:
    """Return what speaks against an order in this market and for this account."""
    asset = instrument.asset
    held = account.positions.get(order.coin)
    szi = held.szi if held is not None else ZERO
    closes = bool(szi) and (szi < 0) is order.is_buy
    if order.reduce_only and not order.is_trigger and not closes:
        return Refusal(
            numbered("Reduce only order would increase position.", asset),
            "reduceOnlyRejected",
        )
    value = order.px * order.sz
    is_rest = order.reduce_only and closes and order.sz >= abs(szi)
    is_part = order.is_position_tpsl or order.twap_id is not None
    if value < MINIMUM and not is_rest and not is_part:
        return Refusal(
            numbered("Order must have minimum value of $10.", asset),
            "minTradeNtlRejected",
        )
    is_market = order.is_market or order.tif == "FrontendMarket"
    most = instrument.largest_value(is_market=is_market)
    if value > most:
        return Refusal(f"Order value too large. Max is ${most}.", "rejected")
    # A trigger's price is judged when it fires.
    if mark is not None and not order.is_trigger:
        far = order.px < mark * (ONE - FARTHEST) or order.px > mark * (ONE + FARTHEST)
        if far:
            return Refusal(
                "Order price cannot be more than 95% away from the reference price",
                "oracleRejected",
            )
    return None


def too_poor(order: Order) -> Refusal:
    """Say that an account has too little for an order."""
    text = numbered("Insufficient margin to place order.", order.asset)
    return Refusal(text, POOR)


def too_large(
    order: Order, instrument: Instrument, account: Account, px: Decimal
) -> Refusal | None:
    """Return whether the position would become too large for its leverage."""
    signed = order.sz if order.is_buy else -order.sz
    if not margin.exceeds_tier(account, instrument, signed, px):
        return None
    return Refusal(
        numbered(
            "Order would cause position to exceed margin tier limit at current"
            " leverage",
            instrument.asset,
        ),
        "perpMaxPositionRejected",
    )


def would_fire(order: Order, mark: Decimal) -> bool:
    """Whether a trigger has its price at ``mark``. HL: triggers watch the mark."""
    assert order.trigger_px is not None
    falls = (order.tpsl == "sl") is not order.is_buy  # a stop that sells, or mirrored
    return mark <= order.trigger_px if falls else mark >= order.trigger_px


def post_only(order: Order, book: Book, own: list[Entry]) -> Refusal | None:
    """Return whether a post-only order would take, be it one of the account's own."""
    best = book.side(is_bid=not order.is_buy).best
    reached = [it.order.px for it in own]
    if best is not None and (
        order.px >= best.px if order.is_buy else order.px <= best.px
    ):
        reached.append(best.px)
    if not reached:
        return None
    shown = [
        it.px if it is not None else None for it in (book.bids.best, book.asks.best)
    ]
    shown[order.is_buy] = min(reached) if order.is_buy else max(reached)
    bid, ask = (text(px) if px is not None else "" for px in shown)
    return Refusal(
        numbered(
            f"Post only order would have immediately matched, bbo was {bid}@{ask}.",
            order.asset,
        ),
        "badAloPxRejected",
    )
