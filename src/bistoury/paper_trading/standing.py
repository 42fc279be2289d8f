"""
What users may ask of their account: leverage, margin, agents, later cancels, TWAPs.

None of it needs the market, so it is done when it arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from . import events as said
from . import margin, wire
from .accounts import Account
from .commands import Answer, Command, Commands, default_answer, refused
from .desk import Desk
from .fees import DAY_MS
from .numbers import ZERO, truncated
from .twaps import Twaps
from .wire import Action, UnreadableError

SOONEST_CANCEL_MS = 5_000
CANCELS_A_DAY = 10
_MICRO = 1_000_000
_FIRST = 0  # HL: what has no order in it comes first in a block


class Standing:
    """Changes what an account stands on."""

    def __init__(self, desk: Desk, commands: Commands, twaps: Twaps) -> None:
        self._desk = desk
        self._commands = commands
        self._twaps = twaps
        self.kinds: dict[str, Callable[[Account, Action, int, int | None], None]] = {
            "scheduleCancel": self._schedule_cancel,
            "updateLeverage": self._update_leverage,
            "updateIsolatedMargin": self._move_margin,
            "twapOrder": self._twap,
            "twapCancel": self._twap_cancel,
            "approveAgent": self._approve,
            "noop": self._noop,
        }

    def _schedule_cancel(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        """HL: at least 5 s ahead, at most ten times a day; without a time: never."""
        time = action.get("time")
        if time is not None:
            wire.whole("time", time)
        command = self._later(account, number, nonce)
        self._commands.add_later(command, partial(self._schedule, account.name, time))

    def _schedule(self, name: str, time: int | None) -> Answer:
        desk = self._desk
        account = desk.accounts.by_name[name]
        if time is not None:
            if time < desk.now + SOONEST_CANCEL_MS:
                return refused("Scheduled cancel time too early, must be at least 5s.")
            if account.cancels_fired.get(desk.now // DAY_MS, 0) >= CANCELS_A_DAY:
                return refused("Too many scheduled cancels today.")
        desk.emit(said.CancelScheduled, account=name, time=time)
        if time is not None:
            desk.at(time, partial(self.cancel_all, name, time))
        return default_answer()

    def cancel_all(self, name: str, time: int) -> None:
        """Let a scheduled cancel come true, unless it was changed."""
        desk = self._desk
        account = desk.accounts.by_name[name]
        if account.cancel_at != time:
            return
        desk.emit(said.CancelScheduled, account=name, time=None, triggered=True)
        for order in list(account.orders.values()):
            if order.is_live and order.oid in account.orders:
                desk.change(order, "scheduledCancel", f"schedule:{time}")

    def _update_leverage(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        instrument = wire.asset(self._desk.universe, action.get("asset"))
        is_cross = wire.flag("isCross", action.get("isCross"))
        leverage = wire.whole("leverage", action.get("leverage"))
        command = self._later(account, number, nonce)
        self._commands.add_later(
            command,
            partial(
                self._set_leverage, account.name, instrument.coin, leverage, is_cross
            ),
        )

    def _set_leverage(
        self, name: str, coin: str, leverage: int, is_cross: bool
    ) -> Answer:
        desk = self._desk
        account, instrument = desk.accounts.by_name[name], desk.coin(coin).instrument
        if not 1 <= leverage <= instrument.max_leverage:
            return refused("Invalid leverage value")
        if is_cross and instrument.is_isolated_only:
            return refused("Cross margin is not allowed for this asset.")
        held = account.positions.get(coin)
        moved = ZERO
        if held is not None:
            if held.is_cross is not is_cross:
                return refused("Cannot switch leverage type with open position.")
            marks = desk.marks()
            size = abs(held.szi) * margin.mark_of(held, marks)
            more = size / leverage - size / held.leverage
            if leverage > instrument.tier(size).max_leverage:
                return refused("Invalid leverage value")
            if more > margin.cross(account, desk.universe, marks).free:
                return refused("Not enough margin to decrease leverage.")
            if not is_cross:
                moved = max(ZERO, truncated(more))
        desk.emit(
            said.LeverageSet,
            account=name,
            coin=coin,
            leverage=leverage,
            is_cross=is_cross,
            margin=moved,
        )
        return default_answer()

    def _move_margin(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        instrument = wire.asset(self._desk.universe, action.get("asset"))
        usdc = wire.number("ntli", action.get("ntli")) / _MICRO
        command = self._later(account, number, nonce)
        self._commands.add_later(
            command, partial(self._add_margin, account.name, instrument.coin, usdc)
        )

    def _add_margin(self, name: str, coin: str, usdc: Decimal) -> Answer:
        desk = self._desk
        account, instrument = desk.accounts.by_name[name], desk.coin(coin).instrument
        held = account.positions.get(coin)
        if held is None or held.is_cross:
            return refused("No isolated position to change the margin of.")
        marks = desk.marks()
        mark = margin.mark_of(held, marks)
        kept = abs(held.szi) * mark / held.leverage
        if usdc < 0 and instrument.margin_mode == "strictIsolated":
            return refused("Margin cannot be removed from this asset.")
        if usdc > margin.cross(account, desk.universe, marks).withdrawable:
            return refused("Insufficient margin to move.")
        if usdc < 0 and margin.isolated_value(held, mark) + usdc < kept:
            return refused("Insufficient margin to move.")
        desk.emit(said.MarginMoved, account=name, coin=coin, usdc=usdc)
        return default_answer()

    def _twap(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        row = action.get("twap")
        if not isinstance(row, dict):
            raise UnreadableError("twap: an object is needed")
        instrument = wire.asset(self._desk.universe, row.get("a"))
        begin = partial(
            self._twaps.begin,
            account.name,
            instrument.coin,
            is_buy=wire.flag("b", row.get("b")),
            sz=wire.number("s", row.get("s")),
            minutes=wire.whole("m", row.get("m")),
            reduce_only=wire.flag("r", row.get("r", False)),
            randomize=wire.flag("t", row.get("t", False)),
        )
        command = self._later(account, number, nonce)
        command.wrap = partial(_twapped, "twapOrder")
        self._commands.add_later(command, begin)

    def _twap_cancel(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        twap_id = wire.whole("t", action.get("t"))
        command = self._later(account, number, nonce)
        command.wrap = partial(_twapped, "twapCancel")
        self._commands.add_later(
            command, partial(self._twaps.stop, account.name, twap_id)
        )

    def _approve(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        """HL: an agent signs for its owner from now on; one to a name."""
        agent = wire.address("agentAddress", action.get("agentAddress"))
        name = action.get("agentName") or ""
        if not isinstance(name, str):
            raise UnreadableError(f"agentName: {name!r} is no text")
        command = self._later(account, number, nonce)
        self._commands.add_later(
            command, partial(self._set_agent, account.name, agent, name)
        )

    def _set_agent(self, account: str, agent: str, name: str) -> Answer:
        known = self._desk.accounts.by_name.values()
        if any(agent in (it.name, it.address.lower()) for it in known):
            return refused(f"Paper: {agent} has an account and cannot be an agent.")
        if any(agent in it.agents and it.name != account for it in known):
            return refused(f"Paper: {agent} signs for another account already.")
        self._desk.emit(said.AgentApproved, account=account, address=agent, name=name)
        return default_answer()

    def _noop(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        self._commands.add_later(self._later(account, number, nonce), default_answer)

    def _later(self, account: Account, number: int, nonce: int | None) -> Command:
        command = self._commands.begin(
            number, account.name, "default", nonce, rank=_FIRST
        )
        command.wrap = _alone
        return command


def _alone(answers: list[Answer]) -> dict[str, Any]:
    answer: dict[str, Any] = answers[0]
    return answer


def _twapped(kind: str, answers: list[Answer]) -> dict[str, Any]:
    return {
        "status": "ok",
        "response": {"type": kind, "data": {"status": answers[0]}},
    }
