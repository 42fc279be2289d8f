"""
``PaperVenue``: the market comes in, wishes come in, facts come out.

Pure: it reads no clock, opens nothing and draws chance from a seed, so the same
messages at the same moments give the same facts, live or replayed. Messages are the
client's, ``{"channel", "data"}`` in the venue's shape; what else happened comes the
same way, on channels of our own, so that a recording holds everything:

* ``paper:gap``: ``{"feed", "coin", "since", "until", "status"}``
* ``paper:stale``: ``{"feed", "coin"}``
* ``paper:orders_lost``: ``{"coin"}``, when ``l4Book`` broke off
* ``paper:funding``: ``{"coin", "rows"}``, rows of ``fundingHistory``
* ``paper:act``: ``{"number", "account", "action", "nonce", "expires_after"}``
* ``paper:open``: ``{"account", "cash", "address"}``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from . import events as said
from .accounts import Accounts
from .actions import Actions
from .book import rows_of
from .commands import Commands
from .desk import Coin, Context, Desk, Evidence
from .events import Event
from .health import PERIODIC
from .order_level import Orders
from .order_messages import ORDERS, ORDERS_LOST
from .placing import Placing
from .restarting import restarted
from .settings import PaperConfig, milliseconds
from .solvency import Solvency
from .triggers import Triggers
from .twaps import Twaps
from .universe import Universe

GAP, STALE, FUNDING = "paper:gap", "paper:stale", "paper:funding"
ACT, OPEN = "paper:act", "paper:open"

Message = Mapping[str, Any]


class PaperVenue:
    """The paper venue; ``take`` is the only way in, ``drain`` the only way out."""

    def __init__(
        self,
        universe: Universe,
        config: PaperConfig,
        accounts: Accounts | None = None,
    ) -> None:
        if accounts is None:
            accounts = Accounts()
        places = {name: it.px_decimals for name, it in universe.by_coin.items()}
        accounts.learn(places)
        self.config = config.checked()
        self.desk = Desk(universe, self.config, accounts)
        self.placing = Placing(self.desk)
        self.commands = Commands(self.desk)
        self.triggers = Triggers(self.desk, self.placing, self.commands)
        self.twaps = Twaps(self.desk, self.placing, self.commands)
        self.solvency = Solvency(self.desk, self.placing, self.commands)
        self.actions = Actions(self.desk, self.placing, self.commands, self.twaps)
        self._value_every = milliseconds(config.value_every)
        self._stale_timers: dict[str, int] = {}
        self._channels: dict[str, Callable[[Message, Any], None]] = {
            "bbo": self._bbo,
            "l2Book": self._l2_book,
            "trades": self._trades,
            "activeAssetCtx": self._context,
            GAP: self._gap,
            STALE: self._stale,
            ORDERS: lambda _, data: self._orders(data),
            ORDERS_LOST: lambda _, data: self._lost(data),
            FUNDING: lambda _, data: self.solvency.settle(data["coin"], data["rows"]),
            ACT: self._act,
            OPEN: self._open,
        }

    # In and out

    def start(self, at: int) -> None:
        """
        Open the accounts of the configuration, and treat what a journal left.

        Resting orders are canceled or kept, as configured; kept ones go behind
        whatever is shown, and are uncertain. TWAPs that ran are ended.
        """
        desk = self.desk
        before = desk.now
        # A process that was killed could not say so: it lived until its last fact.
        self._stop("the engine ended")
        desk.now = max(at, before)
        assumed = self.config.assumptions()
        if assumed != desk.accounts.assumed:
            desk.emit(said.Assumed, assumptions=assumed)
        self.solvency.started(before)
        for name, cash in self.config.accounts.items():
            if name not in desk.accounts.by_name:
                desk.emit(said.AccountOpened, account=name, cash=cash)
        for account in desk.accounts.by_name.values():
            restarted(desk, self.triggers, account)
            if account.cancel_at is not None:
                time = account.cancel_at
                desk.at(
                    time, partial(self.actions.standing.cancel_all, account.name, time)
                )
        self.twaps.stop_all()
        desk.at(desk.now + self._value_every, self._value)

    def take(self, at: int, message: Message) -> None:
        """Take one message at the moment ``at`` (ms); others' channels are ignored."""
        desk = self.desk
        desk.advance(at)
        handle = self._channels.get(message["channel"])
        if handle is not None:
            handle(message, message["data"])

    def advance(self, at: int) -> None:
        """Let time pass: needed when no messages come, and never wrong."""
        self.desk.advance(at)

    def stop(self, at: int) -> None:
        """Write down that nobody looks any more."""
        self.advance(at)
        self._stop("the engine was stopped")

    @property
    def deadline(self) -> int | None:
        """When (ms) ``advance`` has something to do."""
        return self.desk.deadline

    def drain(self) -> list[Event]:
        """Return the facts since the last time, in order."""
        output = self.desk.output
        self.desk.output = []
        return output

    # The market

    def _bbo(self, message: Message, data: Any) -> None:
        coin = self._coin(data)
        if coin is None:
            return
        bid, ask = data["bbo"]
        coin.book.show(rows_of([bid]), rows_of([ask]), data["time"], "bbo")
        self._shown(coin, "bbo", data["time"], whole=False)

    def _l2_book(self, message: Message, data: Any) -> None:
        coin = self._coin(data)
        if coin is None or "spread" in data:
            return  # an aggregated book shows prices that nobody can trade at
        feed = "l2Book:fast" if data.get("fast") else "l2Book"
        bids, asks = (rows_of(side) for side in data["levels"])
        coin.book.show(bids, asks, data["time"], feed)
        self._shown(coin, feed, data["time"], whole=True)

    def _shown(self, coin: Coin, feed: str, time: int, *, whole: bool) -> None:
        name = coin.instrument.coin
        coin.health.heard(feed, self.desk.now, time)
        if not self._judge(coin):
            return
        if coin.waiting or len(coin.resting):
            evidence = Evidence(time, f"{feed}:{name}:{time}")
            self.placing.shown(coin, evidence, whole=whole)
            self.commands.seen(coin, evidence)

    def _trades(self, message: Message, data: Any) -> None:
        if not data:
            return
        coin = self._coin(data[0])
        if coin is None:
            return
        coin.health.heard("trades", self.desk.now)
        is_history = bool(message.get("snapshot"))
        was_missed = bool(message.get("recovered"))
        for row in data:
            if coin.health.is_repeat(row) or is_history:
                continue
            if was_missed or coin.health.is_inside_gap(row["time"]):
                if coin.had_gap and self.config.on_gap == "replay_backfill":
                    coin.backlog.append(row)
                continue
            if self._judge(coin):
                self._traded(coin, row)

    def _traded(self, coin: Coin, row: Any, *, missed_until: int = 0) -> None:
        """Let a public trade take from the book and reach our orders."""
        time, px, sz = row["time"], Decimal(row["px"]), Decimal(row["sz"])
        is_buy = row["side"] == "B"
        cause = f"trades:{coin.instrument.coin}:{time}:{row['tid']}"
        seen = Evidence(time, cause)
        if missed_until:
            seen = Evidence(missed_until, cause, "backfilled")
        else:
            # What it took, and what it shows to be gone, nobody else can have.
            coin.book.traded(is_buy=is_buy, px=px, sz=sz, time=time)
            if coin.waiting:
                self.commands.seen(coin, seen)
        best = coin.resting.best(is_buy=not is_buy)
        if best is not None and (px <= best if not is_buy else px >= best):
            placing = self.placing
            placing.traded(coin, seen, is_buy=is_buy, px=px, sz=sz, time=time)

    def _context(self, message: Message, data: Any) -> None:
        coin = self._coin(data)
        if coin is None:
            return
        coin.health.heard("activeAssetCtx", self.desk.now)
        known = [data["ctx"].get(it) for it in ("markPx", "oraclePx", "funding")]
        if None in known:
            return  # HL: what is not traded has no mark; the last one known serves
        coin.context = Context(self.desk.now, *map(Decimal, known))
        if coin.health.state == "live":
            self._marked(coin)

    def _marked(self, coin: Coin) -> None:
        """Look at who waits for the mark, and at who cannot carry what he holds."""
        if coin.context is not None:
            self.triggers.marked(coin)
            self.solvency.marked(coin)

    def _orders(self, data: Any) -> None:
        """Take every order of a book, or what changed among them in a block."""
        if "Snapshot" in data:
            whole = data["Snapshot"]
            coin = self._coin(whole)
            if coin is not None:
                self._lost(whole)
                coin.resting.orders = Orders(whole["time"], whole["levels"])
            return
        changes = data["Updates"]
        by_coin: dict[str, list[Any]] = {}
        for row in changes["book_diffs"]:
            by_coin.setdefault(row["coin"], []).append(row)
        for name, rows in by_coin.items():
            coin = self._coin({"coin": name})
            if coin is not None and coin.resting.orders is not None:
                touched = coin.resting.orders.change(changes["time"], rows)
                coin.resting.orders_changed(touched)

    def _lost(self, data: Any) -> None:
        coin = self._coin(data)
        if coin is not None:
            coin.resting.lose_orders()

    # What was missed

    def _gap(self, message: Message, data: Any) -> None:
        coin = self._coin(data)
        if coin is None:
            return
        feed, status = data["feed"], data["status"]
        if status == "open":
            coin.health.missed(feed, data["since"])
            coin.had_gap = True
        else:
            is_lost = status != "recovered"
            coin.health.settled(feed, data["until"], is_lost=is_lost)
        self._judge(coin)

    def _stale(self, message: Message, data: Any) -> None:
        coin = self._coin(data)
        # A market may be quiet: only what is sent at intervals can be missed. If the
        # client gives another feed up, that is a gap.
        if coin is not None and data["feed"] in PERIODIC:
            coin.health.stale.add(data["feed"])
            self._judge(coin)

    def _judge(self, coin: Coin) -> bool:
        """Find out whether a coin may be traded on; act on a change."""
        desk, health = self.desk, coin.health
        state, reason = health.judged(desk.now)
        name = coin.instrument.coin
        if state != health.state:
            health.state = state
            is_known = bool(health.blind_since) and coin.had_gap
            desk.emit(
                said.FeedChanged,
                coin=name,
                state=state,
                since=health.blind_since if is_known else None,
                until=health.blind_until if is_known and state == "live" else None,
                reason=reason,
            )
            if state == "live":
                self._resume(coin)
                self._marked(coin)  # it may have come while nobody could look
            else:
                self.commands.given_up(coin, reason)
        if state == "live":
            self._watch(name, coin)
        return state == "live"

    def _watch(self, name: str, coin: Coin) -> None:
        """Make sure that somebody looks when the coin may have gone stale."""
        due = coin.health.stale_at
        if due is None or name in self._stale_timers:
            return
        self._stale_timers[name] = due

        def look() -> None:
            del self._stale_timers[name]
            self._judge(coin)

        self.desk.at(due, look)

    def _resume(self, coin: Coin) -> None:
        """Go on after a gap: nothing of what rested is as it was."""
        if not coin.had_gap:
            return
        coin.had_gap = False
        backlog = list(coin.backlog)
        coin.backlog.clear()
        desk, health = self.desk, coin.health
        time = max(health.blind_until, coin.book.time)
        cause = f"resumed:{coin.instrument.coin}:{time}"
        if self.config.on_gap == "replay_backfill" and not health.was_lost:
            for row in backlog:
                self._traded(coin, row, missed_until=time)
        else:
            for entry in coin.resting:
                entry.place.lose()
        after = Evidence(time, cause, "uncertain" if health.was_lost else "")
        for entry in coin.resting:
            if health.was_lost and not entry.order.is_uncertain:
                desk.change(entry.order, "open", cause, is_uncertain=True)
            against = coin.book.side(is_bid=not entry.order.is_buy).best
            if self.config.on_gap == "pessimistic" and against is not None:
                px = entry.order.px
                if px >= against.px if entry.order.is_buy else px <= against.px:
                    self.placing.fill_whole(entry, after)
        self.placing.shown(coin, after, whole=True)

    # Wishes

    def _act(self, message: Message, data: Any) -> None:
        self.actions.act(
            data["number"],
            data["account"],
            data["action"],
            data.get("nonce"),
            data.get("expires_after"),
        )

    def _open(self, message: Message, data: Any) -> None:
        """Open an account, or begin one anew: the journal keeps what was."""
        desk, name = self.desk, data["account"]
        known = desk.accounts.by_name.get(name)
        if known is not None:
            self.twaps.end_of(name)
            self.commands.drop(name, "Paper: the account began anew.")
            for order in list(known.orders.values()):
                if order.oid in known.orders:
                    desk.change(order, "canceled", "reset")
        desk.emit(
            said.AccountOpened,
            account=name,
            cash=Decimal(data["cash"]),
            address=data.get("address") or (known.address if known else ""),
        )

    # Details

    def _stop(self, reason: str) -> None:
        for coin, state in sorted(self.desk.accounts.feeds.items()):
            if state != "stopped":
                self.desk.emit(
                    said.FeedChanged, coin=coin, state="stopped", reason=reason
                )

    def _value(self) -> None:
        """Write down what accounts with positions are worth."""
        desk = self.desk
        desk.at(desk.now + self._value_every, self._value)
        for account in list(desk.accounts.by_name.values()):
            if account.positions:
                desk.value(account)

    def _coin(self, data: Any) -> Coin | None:
        name = data["coin"]
        return self.desk.coin(name) if name in self.desk.universe.by_coin else None
