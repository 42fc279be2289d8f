"""
What becomes of an order that has reached the venue: refused, filled, resting.

And what the market does to those that rest. All of it happens on evidence: a
message of the venue from at or after the moment in question.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from . import margin, rules
from .accounts import Account
from .book import Level
from .desk import Coin, Desk, Evidence
from .events import Order, Rejected
from .numbers import ZERO, text
from .resting import Entry
from .rules import Refusal

_TAKERS = ("Ioc", "FrontendMarket")
Answer = dict[str, Any]


class Placing:
    """Places, matches and cancels."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # Orders that arrive

    def place(self, order: Order, evidence: Evidence) -> Answer:
        """Take an order as the venue would; return its status."""
        desk = self._desk
        coin, account = desk.coin(order.coin), desk.accounts.by_name[order.account]
        refusal = self.refusal(order)
        if refusal is not None:
            return self.refuse(order, refusal)
        if order.is_trigger:
            order = desk.change(order, order.status)
            if order.status != "waiting":
                coin.triggers[order.oid] = account.name
            return {"resting": _named(order)}
        if order.tif == "Alo":
            refusal = rules.post_only(order, coin.book, self._own(order, order.px))
            if refusal is not None:
                return self.refuse(order, refusal)
        return self.execute(order, evidence)

    def execute(self, order: Order, evidence: Evidence) -> Answer:
        """Match an order that was accepted, and let rest what remains."""
        desk = self._desk
        coin, account = desk.coin(order.coin), desk.accounts.by_name[order.account]
        order = self._capped(order, account)
        wanted = order.sz
        order, paid = self._take(order, coin, evidence)
        taken = wanted - order.sz
        if order.status == "filled":
            return {"filled": _filled(order, taken, paid)}
        if order.status == rules.POOR:
            return self.refuse(order, rules.too_poor(order))
        if order.tif in _TAKERS or order.is_market:
            if not taken:
                return self.refuse(order, _unmatched(order))
            if order.is_live:
                desk.change(order, "canceled", evidence.cause)
            return {"filled": _filled(order, taken, paid)}
        if not order.is_live:
            return {"filled": _filled(order, taken, paid)}
        order = desk.change(order, "open", evidence.cause)
        side = coin.book.side(is_bid=order.is_buy)
        coin.resting.add(order, side, desk.queue, evidence.time)
        return {"resting": _named(order)}

    def refusal(self, order: Order) -> Refusal | None:
        """Return why the venue would not have an order, as things are."""
        desk = self._desk
        coin, account = desk.coin(order.coin), desk.accounts.by_name[order.account]
        mark = coin.context.mark if coin.context is not None else coin.book.mid
        refusal = rules.malformed(order, coin.instrument)
        refusal = refusal or rules.unacceptable(order, coin.instrument, account, mark)
        if refusal is not None:
            return refusal
        if order.is_trigger:
            if mark is not None and rules.would_fire(order, mark):
                return Refusal(
                    rules.numbered("Invalid TP/SL price.", order.asset),
                    "badTriggerPxRejected",
                )
            return None
        if order.reduce_only:
            return None
        px = mark or order.px
        if not self._can_carry(order, order.sz, px):
            return rules.too_poor(order)
        return rules.too_large(order, coin.instrument, account, px)

    def refuse(self, order: Order, refusal: Refusal) -> Answer:
        """Refuse an order."""
        refused = msgspec.structs.replace(
            order, status=refusal.status, status_at=self._desk.now
        )
        self._desk.emit(
            Rejected, account=order.account, order=refused, reason=refusal.text
        )
        account = self._desk.accounts.by_name[order.account]
        for hook in self._desk.hooks:
            hook(account, refused, refusal.status)
        return {"error": refusal.text}

    def take_at_market(
        self, order: Order, evidence: Evidence, *, liquidation: str
    ) -> Order:
        """Let the venue close a position with what the book shows."""
        coin = self._desk.coin(order.coin)
        order, _ = self._take(order, coin, evidence, liquidation=liquidation)
        return order

    def _take(
        self, order: Order, coin: Coin, evidence: Evidence, *, liquidation: str = ""
    ) -> tuple[Order, Decimal]:
        """Walk the book; return the order as it is now, and what it paid."""
        desk = self._desk
        side = coin.book.side(is_bid=not order.is_buy)
        limit = None if liquidation else order.px
        paid = ZERO
        for level, available in side.walk(limit, evidence.time, desk.max_level_age):
            self._cancel_own(order, level.px, evidence, level)
            sz = min(order.sz, available)
            if not liquidation and not self._can_carry(order, sz, level.px):
                if paid:
                    return desk.change(order, "marginCanceled", evidence.cause), paid
                return msgspec.structs.replace(order, status=rules.POOR), paid
            level.take(sz)
            paid += sz * level.px
            order = desk.fill(
                order,
                sz,
                level.px,
                evidence,
                crossed=True,
                level=level,
                liquidation=liquidation,
            )
            if not order.is_live or not order.sz:
                return order, paid
        self._cancel_own(order, order.px, evidence)
        return order, paid

    def _can_carry(self, order: Order, sz: Decimal, px: Decimal) -> bool:
        """Whether the account has the margin to trade ``sz`` of an order at ``px``."""
        desk = self._desk
        left = margin.free_after(
            desk.accounts.by_name[order.account],
            desk.universe,
            desk.marks(),
            order.coin,
            signed=sz if order.is_buy else -sz,
            px=px,
        )
        return left is None or left >= 0

    def _capped(self, order: Order, account: Account) -> Order:
        """HL: a reduce-only order is no larger than what it reduces."""
        held = account.positions.get(order.coin)
        if not order.reduce_only or held is None or order.sz <= abs(held.szi):
            return order
        return msgspec.structs.replace(order, sz=abs(held.szi), orig_sz=abs(held.szi))

    def _cancel_own(
        self, order: Order, px: Decimal, evidence: Evidence, level: Level | None = None
    ) -> None:
        """
        HL: who would trade with himself loses the resting order, without a trade.

        Those before it at its price, as ``level`` shows them, are taken first.
        """
        for entry in self._own(order, px):
            if level is not None and entry.order.px == level.px:
                ahead = entry.place.ahead
                before = level.sz if ahead is None else ahead
                if order.sz <= before - level.taken:
                    continue
            self._desk.change(entry.order, "selfTradeCanceled", evidence.cause)

    def _own(self, order: Order, px: Decimal) -> list[Entry]:
        """Return what the same account has resting against an order, up to ``px``."""
        resting = self._desk.coin(order.coin).resting
        against = resting.reached_by(px, is_buy=not order.is_buy)
        return [it for it in against if it.order.account == order.account]

    # Orders that rest

    def traded(
        self,
        coin: Coin,
        evidence: Evidence,
        *,
        is_buy: bool,
        px: Decimal,
        sz: Decimal,
        time: int,
    ) -> None:
        """Let a public trade of ``time`` reach our orders; its size is there once."""
        desk = self._desk
        passed = ZERO
        # The aggressor buys: it reaches our asks.
        for entry in coin.resting.reached_by(px, is_buy=not is_buy):
            if time < entry.since:
                continue
            is_through = entry.order.px != px
            ahead = entry.place.ahead
            if is_through or desk.queue.is_touch:
                entry.place.clear()
                share = entry.order.sz if desk.queue.is_touch else sz - passed
            else:
                share = entry.place.traded(sz, time) - passed
            share = min(share, entry.order.sz)
            if share > 0:
                shown = None if is_through else ahead
                passed += self._fill_resting(entry, share, evidence, ahead=shown)

    def shown(self, coin: Coin, evidence: Evidence, *, whole: bool) -> None:
        """Let a new book reach our orders."""
        if not len(coin.resting):
            return
        desk = self._desk
        for is_buy in (True, False):
            own = coin.resting.best(is_buy=is_buy)
            if own is None:
                continue
            coin.resting.shown(
                coin.book.side(is_bid=is_buy), desk.queue, evidence.time, whole=whole
            )
            best = coin.book.side(is_bid=not is_buy).best
            if best is None or (own < best.px if is_buy else own > best.px):
                continue
            for entry in coin.resting.reached_by(best.px, is_buy=is_buy):
                self._meet(entry, coin, evidence)

    def _meet(self, entry: Entry, coin: Coin, evidence: Evidence) -> None:
        """Fill an order that the other side has come to, by what is offered there."""
        desk = self._desk
        order = entry.order
        against = coin.book.side(is_bid=not order.is_buy)
        walk = against.walk(order.px, evidence.time, desk.max_level_age)
        for level, available in walk:
            sz = min(entry.order.sz, available)
            filled = self._fill_resting(entry, sz, evidence, level=level)
            level.take(filled)
            if coin.resting.entry(order.oid) is None:
                return

    def fill_whole(self, entry: Entry, evidence: Evidence) -> None:
        """Fill an order whatever is shown: the worst that may have happened."""
        self._fill_resting(entry, entry.order.sz, evidence)

    def _fill_resting(
        self,
        entry: Entry,
        sz: Decimal,
        evidence: Evidence,
        *,
        ahead: Decimal | None = None,
        level: Level | None = None,
    ) -> Decimal:
        """Fill a resting order at its price; return by how much."""
        desk, order = self._desk, entry.order
        if order.reduce_only:
            account = desk.accounts.by_name[order.account]
            held = account.positions.get(order.coin)
            sz = min(sz, abs(held.szi) if held is not None else ZERO)
            if not sz:
                return ZERO
        # HL: margin is looked at again when a resting order is matched.
        if not self._can_carry(order, sz, order.px):
            desk.change(order, "marginCanceled", evidence.cause)
            return ZERO
        desk.fill(
            order,
            sz,
            order.px,
            evidence,
            crossed=False,
            ahead=ahead,
            level=level,
            is_exact=entry.place.is_exact,
        )
        return sz


def answer_of(order: Order, reason: str = "") -> Answer:
    """Return what would have been answered for an order that is as it is now."""
    if order.is_live:
        return {"resting": _named(order)}
    taken = order.orig_sz - order.sz
    if taken:
        return {
            "filled": {"totalSz": text(taken), "avgPx": text(order.px), **_named(order)}
        }
    return {"error": reason or f"Paper: the order is {order.status}."}


def _named(order: Order) -> Answer:
    return {"oid": order.oid, **({"cloid": order.cloid} if order.cloid else {})}


def _filled(order: Order, taken: Decimal, paid: Decimal) -> Answer:
    average = paid / taken
    return {"totalSz": text(taken), "avgPx": text(_short(average)), **_named(order)}


def _short(price: Decimal) -> Decimal:
    """Cut an average to what the venue shows of one."""
    return price.quantize(Decimal("0.00000001")) if -_places(price) > 8 else price  # noqa: PLR2004


def _places(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _unmatched(order: Order) -> Refusal:
    if order.is_market:
        return Refusal(
            rules.numbered("No liquidity available for market order.", order.asset),
            "marketOrderNoLiquidityRejected",
        )
    return Refusal(
        rules.numbered(
            "Order could not immediately match against any resting orders.",
            order.asset,
        ),
        "iocCancelRejected",
    )
