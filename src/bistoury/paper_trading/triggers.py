"""
Orders that wait: for the mark price, for another order, or to end with another.

HL: triggers watch the mark. ``normalTpsl`` children wait until their parent is
filled completely and end with it otherwise; when one is filled its sibling ends.
``positionTpsl`` has the size of the position (docs: "take profit and stop loss").
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from . import rules
from .accounts import Account
from .commands import Commands
from .desk import Coin, Desk, Evidence
from .events import Order
from .numbers import ONE, ZERO, rounded_to_figures
from .placing import Placing

TOLERANCE = Decimal("0.1")
"""HL: a triggered market order takes what is within 10 %."""


class Triggers:
    """Fires triggers, and keeps groups of orders together."""

    def __init__(self, desk: Desk, placing: Placing, commands: Commands) -> None:
        self._desk = desk
        self._placing = placing
        self._commands = commands
        desk.hooks.append(self.done)

    def marked(self, coin: Coin) -> None:
        """Look at the triggers of a coin whose mark is known anew."""
        if not coin.triggers or coin.context is None:
            return
        for oid, name in list(coin.triggers.items()):
            order = self._desk.accounts.by_name[name].orders[oid]
            if rules.would_fire(order, coin.context.mark):
                self._fire(coin, order)

    def done(self, account: Account, order: Order, status: str) -> None:
        """Hear that an order ended: others may begin, or end with it."""
        is_filled = status == "filled"
        # HL: a parent without margin for its rest leaves children for what it got.
        was_cut = status == "marginCanceled" and order.sz < order.orig_sz
        for child in list(account.orders.values()):
            if child.parent == order.oid and child.status == "waiting":
                if is_filled or was_cut:
                    self.activate(child)
                else:
                    self._desk.change(child, "canceled", f"order:{order.oid}")
        if is_filled:
            for oid in order.siblings:
                sibling = account.orders.get(oid)
                if sibling is not None and sibling.is_live:
                    self._desk.change(
                        sibling, "siblingFilledCanceled", f"order:{order.oid}"
                    )

    def activate(self, order: Order) -> None:
        """Let an order watch the mark from now on."""
        self._desk.change(order, "open")
        self._desk.coin(order.coin).triggers[order.oid] = order.account

    def _fire(self, coin: Coin, order: Order) -> None:
        del coin.triggers[order.oid]
        order = msgspec.structs.replace(
            order, decided_at=self._desk.now, mid_at_decision=coin.book.mid
        )
        assert coin.context is not None
        cause = f"mark:{order.coin}:{coin.context.mark}"
        self.execute(self._desk.change(order, "triggered", cause, has_fired=True))

    def execute(self, fired: Order) -> None:
        """Let an order that has fired be matched on the next word about its coin."""
        self._commands.add_internal(
            fired.account, fired.coin, lambda evidence: self._execute(fired, evidence)
        )

    def _execute(self, fired: Order, evidence: Evidence) -> None:
        desk = self._desk
        account = desk.accounts.by_name[fired.account]
        order = account.orders.get(fired.oid)
        if order is None:
            return  # it was canceled in between
        if order.reduce_only or order.is_position_tpsl:
            held = account.positions.get(order.coin)
            szi = held.szi if held is not None else ZERO
            if not szi or (szi < 0) is not order.is_buy:
                desk.change(order, "reduceOnlyCanceled", evidence.cause)
                return
            sz = abs(szi) if order.is_position_tpsl else min(order.sz, abs(szi))
            whole = max(sz, order.orig_sz)
            order = msgspec.structs.replace(
                order, sz=sz, orig_sz=whole, reduce_only=True
            )
        else:
            plain = msgspec.structs.replace(order, trigger_px=None)
            refusal = self._placing.refusal(plain)
            if refusal is not None:
                self._placing.refuse(order, refusal)
                return
        if order.is_market:
            order = msgspec.structs.replace(order, px=self._limit(order))
        self._placing.execute(order, evidence)

    def _limit(self, order: Order) -> Decimal:
        coin = self._desk.coin(order.coin)
        mark = coin.context.mark if coin.context is not None else order.px
        px = mark * (ONE + TOLERANCE if order.is_buy else ONE - TOLERANCE)
        return rounded_to_figures(px, coin.instrument.px_decimals)
