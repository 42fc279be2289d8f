"""
Time-weighted orders: a slice each 30 seconds.

HL: 5 minutes to 7 days and at least 100 USD; a slice may pay 3 % more than the mid,
and be up to three times as large to catch up; with ``randomize`` its size varies by
20 % (docs: "TWAP orders"). Slices that nobody can say anything about are missed, and
caught up with.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import partial
from random import Random
from typing import Any

from . import events as said
from .commands import Commands
from .desk import Desk, Evidence
from .events import Order
from .numbers import ONE, ZERO, rounded_to_figures
from .placing import Placing

SLICE_MS = 30_000
SHORTEST, LONGEST = 5, 7 * 24 * 60
LEAST = Decimal(100)
SLIPPAGE = Decimal("0.03")
CATCH_UP = 3
_SPREAD = 0.2


@dataclass(slots=True)
class _Running:
    account: str
    coin: str
    state: said.TwapChanged
    asset: int
    slices: int
    begun: int = 0
    refused: str = "No slice was matched."
    """Why the last slice that was refused was."""


class Twaps:
    """Runs time-weighted orders."""

    def __init__(self, desk: Desk, placing: Placing, commands: Commands) -> None:
        self._desk = desk
        self._placing = placing
        self._commands = commands
        self._rng = Random(f"{desk.config.seed}:twap")
        self._running: dict[int, _Running] = {}

    def begin(
        self,
        account: str,
        coin: str,
        *,
        is_buy: bool,
        sz: Decimal,
        minutes: int,
        reduce_only: bool,
        randomize: bool,
    ) -> dict[str, Any]:
        """Begin one; return its status as the venue writes it."""
        desk = self._desk
        instrument = desk.coin(coin).instrument
        mid = desk.coin(coin).book.mid
        if not SHORTEST <= minutes <= LONGEST:
            return {"error": f"Invalid TWAP duration: {minutes} min(s)"}
        if not instrument.has_lot(sz) or sz <= 0:
            return {"error": f"Order has invalid size. asset={instrument.asset}"}
        if mid is not None and sz * mid < LEAST:
            return {"error": f"Twap order value too small. Min is ${LEAST}."}
        number = desk.accounts.last_twap + 1
        state = desk.emit(
            said.TwapChanged,
            account=account,
            twap_id=number,
            coin=coin,
            is_buy=is_buy,
            sz=sz,
            executed=ZERO,
            executed_ntl=ZERO,
            minutes=minutes,
            reduce_only=reduce_only,
            randomize=randomize,
            status="activated",
        )
        slices = minutes * 60_000 // SLICE_MS
        self._running[number] = _Running(account, coin, state, instrument.asset, slices)
        desk.at(desk.now, partial(self._slice, number))
        return {"running": {"twapId": number}}

    def stop(self, account: str, number: int) -> Any:
        """End one before its time; return its status as the venue writes it."""
        running = self._running.get(number)
        if running is None or running.account != account:
            return {"error": "TWAP was never placed, already canceled, or filled."}
        self._end(number, "terminated")
        return "success"

    def end_of(self, account: str) -> None:
        """End all of one account: it begins anew."""
        for number, running in list(self._running.items()):
            if running.account == account:
                self._end(number, "terminated")

    def stop_all(self) -> None:
        """End those that a restart found running: nobody sliced them meanwhile."""
        for account in self._desk.accounts.by_name.values():
            for state in list(account.twaps.values()):
                if state.status == "activated" and state.twap_id not in self._running:
                    self._tell(account.name, state, "terminated")

    def _slice(self, number: int) -> None:
        running = self._running.get(number)
        if running is None:
            return
        if running.begun >= running.slices:
            self._end(number, "finished" if running.state.executed else "error")
            return
        running.begun += 1
        self._desk.at(self._desk.now + SLICE_MS, partial(self._slice, number))
        state = running.state
        even = state.sz / running.slices
        due = left = state.sz - state.executed
        if running.begun < running.slices:
            # What should have been done by the end of this slice, and is not yet.
            due = even * running.begun - state.executed
            if state.randomize:
                due *= Decimal(str(round(1 + self._rng.uniform(-_SPREAD, _SPREAD), 4)))
        due = min(due, left, even * CATCH_UP)
        places = self._desk.coin(running.coin).instrument.sz_decimals
        sz = due.quantize(Decimal(1).scaleb(-places), ROUND_DOWN)
        if sz > 0:
            self._commands.add_internal(
                running.account,
                running.coin,
                partial(self._trade, number, sz),
                lambda _: None,
            )

    def _trade(self, number: int, sz: Decimal, evidence: Evidence) -> None:
        running = self._running.get(number)
        if running is None:
            return
        desk, state = self._desk, running.state
        # Slices that had to wait are matched at once; each may have been the last.
        sz = min(sz, state.sz - state.executed)
        coin = desk.coin(running.coin)
        mid = coin.book.mid
        if mid is None:
            return
        limit = mid * (ONE + SLIPPAGE if state.is_buy else ONE - SLIPPAGE)
        order = Order(
            oid=desk.next_oid(),
            account=running.account,
            coin=running.coin,
            asset=running.asset,
            is_buy=state.is_buy,
            px=rounded_to_figures(limit, coin.instrument.px_decimals),
            sz=sz,
            orig_sz=sz,
            tif="Ioc",
            reduce_only=state.reduce_only,
            placed_at=desk.now,
            status_at=desk.now,
            twap_id=number,
            mid_at_decision=mid,
        )
        account = desk.accounts.by_name[running.account]
        before = account.totals.fills
        answer = self._placing.place(order, evidence)
        running.refused = answer.get("error", running.refused)
        made = account.totals.fills - before
        fresh = list(account.fills)[-made:] if made else []
        executed = sum((it.sz for it in fresh), ZERO)
        notional = sum((it.sz * it.px for it in fresh), ZERO)
        running.state = self._tell(
            running.account,
            state,
            "activated",
            executed=state.executed + executed,
            executed_ntl=state.executed_ntl + notional,
        )
        if running.state.executed >= state.sz:
            self._end(number, "finished")

    def _end(self, number: int, status: str) -> None:
        running = self._running.pop(number)
        why = {"description": running.refused} if status == "error" else {}
        self._tell(running.account, running.state, status, **why)

    def _tell(
        self, account: str, state: said.TwapChanged, status: str, **members: Any
    ) -> said.TwapChanged:
        kept = {
            name: getattr(state, name)
            for name in state.__struct_fields__
            if name not in ("at", "seq", "account", "paper")
        }
        return self._desk.emit(
            said.TwapChanged, account=account, **{**kept, **members, "status": status}
        )
