"""
What users may ask for: orders, cancels and changes; the rest is in ``standing``.

Takes the venue's actions, and answers in its shapes. What is not simulated is
refused with a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from . import events as said
from . import rules, wire
from .accounts import KEPT_NONCES, Account
from .commands import Answer, Commands, ExpiredError, default_answer, refused
from .desk import Desk, Evidence
from .events import Order
from .placing import Placing
from .rules import Refusal, numbered
from .standing import Standing
from .twaps import Twaps
from .wire import Action, UnreadableError

# HL: which actions a block takes first.
_FIRST, _CANCELS, _TAKERS = 0, 1, 2
_NONCES = 1_000


class Actions:
    """Turns actions into commands."""

    def __init__(
        self, desk: Desk, placing: Placing, commands: Commands, twaps: Twaps
    ) -> None:
        self._desk = desk
        self._placing = placing
        self._commands = commands
        self._begun: set[tuple[str, int | None]] = set()
        """Accounts and nonces of what is under way."""
        self.standing = Standing(desk, commands, twaps)
        self._kinds: dict[str, Callable[[Account, Action, int, int | None], None]] = {
            "order": self._order,
            "cancel": self._cancel,
            "cancelByCloid": self._cancel,
            "modify": self._modify,
            "batchModify": self._modify,
            **self.standing.kinds,
        }

    def act(
        self,
        number: int,
        name: str,
        action: Action,
        nonce: int | None,
        expires_after: int | None,
    ) -> None:
        """Begin to do what is asked; the answer comes as a ``Replied``."""
        account = self._desk.accounts.by_name[name]
        asked = wire.digest(action) if nonce is not None else ""
        done = account.answers.get(nonce) if nonce is not None else None
        if nonce is not None and done is None and nonce <= account.forgotten:
            reason = f"Invalid nonce: {nonce} is older than the latest {KEPT_NONCES}"
            self._say(number, name, refused(reason))
            return
        if done is not None and done.asked in ("", asked):
            # It was done before: whoever asks again did not hear the answer.
            self._say(number, name, done.answer)
            return
        if done is not None or (name, nonce) in self._begun:
            answer = refused(f"Invalid nonce: duplicate nonce {nonce}")
            self._say(number, name, answer)
            return
        kind = action.get("type") if isinstance(action, dict) else None
        begin = self._kinds.get(kind) if isinstance(kind, str) else None
        if begin is None:
            reason = f"the action {kind!r} is not simulated on paper"
            self._say(number, name, refused(f"{wire.UNREADABLE}: {reason}"))
        else:
            self._commands.wanted_until = expires_after
            self._commands.asked = asked
            try:
                begin(account, action, number, nonce)
            except UnreadableError as error:
                self._say(number, name, refused(f"{wire.UNREADABLE}: {error}"))
            except ExpiredError:
                reason = "The action has expired (expiresAfter)."
                self._say(number, name, refused(reason))
            else:
                self._remember(name, nonce)

    def _say(self, number: int, name: str, answer: dict[str, Any]) -> None:
        self._desk.emit(said.Replied, account=name, command=number, answer=answer)

    def _remember(self, name: str, nonce: int | None) -> None:
        if nonce is None:
            return
        self._begun.add((name, nonce))
        if len(self._begun) > _NONCES:
            known = self._desk.accounts.by_name
            self._begun = {
                it for it in self._begun if it[1] not in known[it[0]].answers
            }

    # Orders

    def _order(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        grouping = action.get("grouping", "na")
        if grouping not in wire.GROUPINGS:
            raise UnreadableError(f"grouping: one of {', '.join(wire.GROUPINGS)}")
        builder = wire.builder_of(action)
        orders = [
            wire.order(self._desk.universe, row, account.name, builder=builder)
            for row in wire.rows(action, "orders")
        ]
        own = {"na": len(orders), "normalTpsl": 1, "positionTpsl": 0}[grouping]
        if not all(it.is_trigger for it in orders[own:]):
            raise UnreadableError(f"orders: what {grouping} groups has to be triggers")
        rank = _FIRST if all(it.tif == "Alo" for it in orders) else _TAKERS
        command = self._commands.begin(number, account.name, "order", nonce, rank=rank)
        group = [self._numbered(it, nonce) for it in orders]
        children = group[1:] if grouping == "normalTpsl" else []
        siblings = group[own:]
        for order in siblings:
            order.siblings = [it.oid for it in siblings if it is not order]
            order.is_position_tpsl = grouping == "positionTpsl"
        for order in children:
            order.parent, order.status = group[0].oid, "waiting"
        for order in group:
            run = self._place_child if order.parent is not None else self._placing.place
            self._commands.add(
                command,
                order.coin,
                partial(run, order),
                partial(self._nobody_knows, order),
            )

    def _numbered(self, order: Order, nonce: int | None) -> Order:
        order.nonce = nonce
        order.oid = self._desk.next_oid()
        order.placed_at = order.status_at = self._desk.now
        order.mid_at_decision = self._desk.coin(order.coin).book.mid
        return order

    def _place_child(self, order: Order, evidence: Evidence) -> Answer:
        """Place a child of a group: it waits until its parent is filled."""
        account = self._desk.accounts.by_name[order.account]
        assert order.parent is not None
        parent = account.orders.get(order.parent) or account.done.get(order.parent)
        if parent is None or not (parent.is_live or parent.status == "filled"):
            reason = "Parent order was not placed."
            return self._placing.refuse(order, Refusal(reason, "rejected"))
        if parent.status == "filled":
            order.status = "open"
        answer = self._placing.place(order, evidence)
        if "error" in answer:
            return answer
        return "waitingForTrigger" if parent.status == "filled" else "waitingForFill"

    def _nobody_knows(self, order: Order, reason: str) -> Answer:
        refusal = Refusal(
            f"Paper: no live data for {order.coin} ({reason}), so nobody knows what"
            " would have become of the order; it was not placed.",
            "rejected",
        )
        return self._placing.refuse(order, refusal)

    # Cancels and changes

    def _cancel(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        by_cloid = action["type"] == "cancelByCloid"
        wanted: list[tuple[str, int, int | str]] = []
        for row in wire.rows(action, "cancels"):
            place = wire.asset(
                self._desk.universe, row.get("asset" if by_cloid else "a")
            )
            name = (
                wire.cloid(row.get("cloid"))
                if by_cloid
                else wire.whole("o", row.get("o"))
            )
            wanted.append((place.coin, place.asset, name))
        command = self._commands.begin(
            number, account.name, "cancel", nonce, rank=_CANCELS, is_cancel=True
        )
        for coin, asset, name in wanted:
            run = partial(self._cancel_one, account.name, coin, asset, name)
            self._commands.add(command, coin, run, partial(run, is_blind=True))

    def _cancel_one(
        self,
        account: str,
        coin: str,
        asset: int,
        name: int | str,
        why: Evidence | str,
        *,
        is_blind: bool = False,
    ) -> Answer:
        """Cancel; while nothing is known, an order ends without anyone knowing how."""
        order = self._find(account, name, coin)
        if order is None or order.coin != coin or not order.is_live:
            return {"error": numbered(rules.NEVER_PLACED, asset)}
        cause = why if isinstance(why, str) else why.cause
        is_uncertain = order.is_uncertain or is_blind
        self._desk.change(order, "canceled", cause, is_uncertain=is_uncertain)
        return "success"

    def _find(self, account: str, name: int | str, coin: str) -> Order | None:
        # By its name, for the account may have begun anew since.
        known = self._desk.accounts.by_name[account]
        if isinstance(name, str):
            return known.order_by_cloid(name, coin)
        return known.orders.get(name)

    def _modify(
        self, account: Account, action: Action, number: int, nonce: int | None
    ) -> None:
        is_batch = action["type"] == "batchModify"
        changes = wire.rows(action, "modifies") if is_batch else [action]
        wanted = []
        for row in changes:
            given = row.get("oid")
            name = (
                wire.cloid(given)
                if isinstance(given, str)
                else wire.whole("oid", given)
            )
            new = row.get("order")
            if not isinstance(new, dict):
                raise UnreadableError("order: an object is needed")
            wanted.append((name, wire.order(self._desk.universe, new, account.name)))
        is_quiet = all(order.tif == "Alo" for _, order in wanted)
        rank = _FIRST if is_quiet else _TAKERS
        command = self._commands.begin(number, account.name, "order", nonce, rank=rank)
        if not is_batch:
            command.wrap = _modified
        for name, order in wanted:
            self._commands.add(
                command,
                order.coin,
                partial(self._modify_one, name, self._numbered(order, nonce)),
                partial(self._nobody_knows, order),
            )

    def _modify_one(self, name: int | str, order: Order, evidence: Evidence) -> Answer:
        """HL: a changed order has a new number, keeps its cloid, and queues again."""
        old = self._find(order.account, name, order.coin)
        if old is None or not old.is_live or old.coin != order.coin:
            return {"error": rules.CANNOT_MODIFY}
        is_waiting = old.status == "waiting"
        order.is_position_tpsl = old.is_position_tpsl and order.is_trigger
        is_placeable = self._placing.refusal(order) is None
        if not is_placeable or (is_waiting and not order.is_trigger):
            return {"error": rules.INVALID_MODIFY}
        if order.cloid is None:
            order.cloid = old.cloid
        order.siblings, order.parent = old.siblings, old.parent
        if is_waiting:
            order.status = "waiting"
        self._rename(old, order.oid)
        self._desk.change(old, "canceled", f"modified:{order.oid}")
        return self._placing.place(order, evidence)

    def _rename(self, old: Order, oid: int) -> None:
        """Let those of a group know the order by its new number."""
        cause = f"modified:{oid}"
        for other in list(self._desk.accounts.by_name[old.account].orders.values()):
            if other.parent == old.oid:
                self._desk.change(other, other.status, cause, parent=oid)
            elif old.oid in other.siblings:
                known = [oid if it == old.oid else it for it in other.siblings]
                self._desk.change(other, other.status, cause, siblings=known)


def _modified(answers: list[Answer]) -> dict[str, Any]:
    """HL: a single modify says nothing but that it was done, or why not."""
    answer = answers[0]
    return refused(answer["error"]) if "error" in answer else default_answer()
