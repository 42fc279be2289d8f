"""What a journal left behind: commands stopped half way, and orders that rest."""

from __future__ import annotations

from . import events as said
from .accounts import Account, Accounts
from .commands import statuses
from .desk import Desk
from .journal import JournalError
from .placing import answer_of
from .triggers import Triggers
from .universe import Universe

_WAITED_FOR_MS = 60_000


def unlisted_in(
    universe: Universe, accounts: Accounts, path: object
) -> JournalError | None:
    """Return what is wrong if something is held in a coin that is not listed."""
    for coin in sorted(accounts.coins()):
        if coin not in universe.by_coin:
            detail = f"it holds {coin}, which is not listed here: another venue?"
            return JournalError(str(path), detail)
    return None


def ahead_of(path: object, last: int, now: int) -> JournalError | None:
    """
    Return what is wrong if the last fact (ms) lies far after ``now``.

    Time does not go back here, so nothing would be matched until it was reached.
    """
    if last <= now + _WAITED_FOR_MS:
        return None
    ahead = (last - now) // 1000
    detail = f"its last fact lies {ahead} s in the future: another venue, or its clock"
    return JournalError(str(path), detail)


def restarted(desk: Desk, triggers: Triggers, account: Account) -> None:
    """Answer what was not answered, and treat what rests, as configured."""
    _answer_interrupted(desk, account)
    for order in list(account.orders.values()):
        if order.oid in account.orders and order.is_live:
            _restart(desk, triggers, order)


def _answer_interrupted(desk: Desk, account: Account) -> None:
    """Settle commands that were stopped half way: what was not done will not be."""
    begun: dict[int, list[said.Order]] = {}
    for order in (*account.done.values(), *account.orders.values()):
        if order.nonce is not None and order.nonce not in account.answers:
            begun.setdefault(order.nonce, []).append(order)
    for nonce, orders in begun.items():
        orders.sort(key=lambda it: it.oid)
        answer = statuses("order", [answer_of(it) for it in orders])
        desk.emit(said.Settled, account=account.name, nonce=nonce, answer=answer)


def _restart(desk: Desk, triggers: Triggers, order: said.Order) -> None:
    if desk.config.restart == "cancel":
        desk.change(order, "canceled", "restart")
        return
    changed = desk.change(order, order.status, "restart", is_uncertain=True)
    coin = desk.coin(order.coin)
    if changed.status == "triggered":
        triggers.execute(changed)
    elif changed.status == "waiting":
        pass
    elif changed.is_trigger and not changed.has_fired:
        coin.triggers[order.oid] = order.account
    else:
        side = coin.book.side(is_bid=order.is_buy)
        coin.resting.add(changed, side, desk.queue, desk.now)
