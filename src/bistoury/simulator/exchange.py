"""
The venue without a network: frames in, frames out, and time as an argument.

``now`` is the venue's time in seconds. Nothing here reads a clock, draws from a
shared generator or waits. Whatever is due by ``now`` happens in order of time, so
it does not matter how often ``advance`` is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from .audience import Audience
from .conduct import Active, Conduct
from .connections import Connection, Visitor
from .desk import Desk
from .faults import (
    AnyFault,
    Cut,
    Flap,
    Freeze,
    OneConnection,
    RateLimit,
    Refuse,
    Silent,
    What,
    concerns,
)
from .feeds import Feeds
from .funding_rates import FundingRates
from .info import Info
from .ledger import Ledger
from .link import Frame, Link
from .market import CoinMarket, Market
from .numbers import milliseconds
from .outputs import Abort, Close, Output, Refusal
from .plan import FaultPlan
from .publisher import Publisher
from .settings import Settings
from .subscriptions import Subscription
from .users import Users


class Exchange:
    """One venue; it opens at the first moment it hears of."""

    market: Market
    users: Users

    def __init__(
        self,
        settings: Settings | None = None,
        seed: int = 0,
        plan: FaultPlan | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.seed = seed
        self.ledger = Ledger(self.settings.ledger_rows)
        self.conduct = Conduct(plan)
        self.counters: dict[str, int] = dict.fromkeys(
            ("connected", "refused", "received", "sent", "ended"), 0
        )
        self._audience = Audience()
        self._visitors: dict[str, Visitor] = {}
        self._connections: dict[int, Connection] = {}
        self._links: dict[int, Link] = {}
        self._numbers = 0
        self._now = 0
        self._open = False
        self._idle = milliseconds(self.settings.idle_close)
        self._life = milliseconds(self.settings.max_life)

    def connect(self, now: float, address: str = "127.0.0.1") -> int | Refusal:
        """Open a connection and return its number, or say why not."""
        self.advance(now)
        visitor = self._visitor(address)
        refusal = self._refusal(visitor)
        if refusal is not None:
            self.counters["refused"] += 1
            return refusal
        self._numbers += 1
        number = self._numbers
        self.counters["connected"] += 1
        rng = Random(f"{self.seed}:link:{number}")
        link = Link(number, rng, self._now)
        connection = Connection(number, visitor, self._now, link, self._now)
        self._connections[number] = visitor.connections[number] = connection
        self._links[number] = link
        if self.settings.greeting:
            # HL: plain text, not JSON (§1.3).
            self._send(connection, Frame(b"Websocket connection established.", "data"))
        self._check(connection)
        return number

    def receive(self, connection_id: int, frame: bytes, now: float) -> None:
        """Take a text frame from a client."""
        self.advance(now)
        connection = self._connections.get(connection_id)
        if connection is None or not self.conduct.hears(connection_id):
            return
        connection.received += 1
        self.counters["received"] += 1
        limited = self.conduct.first(RateLimit, connection_id)
        if limited is not None and limited.how == "close":
            self._end(connection, Close(connection_id, limited.code, limited.reason))
            return
        self._desk.answer(connection, frame, self._now, self._stamp())

    def disconnect(self, connection_id: int, now: float) -> None:
        """Hear that a client went away."""
        self.advance(now)
        connection = self._connections.get(connection_id)
        if connection is not None:
            self._remove(connection)
        self._links.pop(connection_id, None)

    def advance(self, now: float) -> None:
        """Let everything happen that is due by ``now``."""
        until = milliseconds(now)
        if not self._open:
            self._begin(until)
        while (at := self._next_ms()) <= until:
            self._run(max(at, self._now))
        self._now = max(self._now, until)

    def take_output(self) -> list[Output]:
        """Return what is to be done to the connections, in order."""
        outputs: list[Output] = []
        for number, link in list(self._links.items()):
            outputs += link.take(self._now)
            if link.ended and not link.waiting:
                del self._links[number]
        return outputs

    @property
    def next_at(self) -> float:
        """When ``advance`` next has something to do, or output falls due."""
        due = self._next_ms()
        for link in self._links.values():
            due = min(due, link.next_at)
        return due / 1000

    def info(
        self, body: object, now: float, address: str = "127.0.0.1"
    ) -> tuple[int, object]:
        """Answer a REST request: a status and a JSON value, or a text for 4xx."""
        self.advance(now)
        return self._ask(body, self._now, address)

    def subscriptions(self) -> dict[int, set[str]]:
        """Return what each open connection holds, as canonical JSON."""
        return {
            number: set(connection.subscriptions)
            for number, connection in self._connections.items()
        }

    def inject(self, fault: AnyFault, now: float, lasts: float | None = None) -> int:
        """Switch a fault on, for ``lasts`` seconds or until healed."""
        self.advance(now)
        item = self.conduct.add(fault, self._now, lasts)
        self._apply([item])
        return item.number

    def heal(self, now: float, number: int | None = None) -> None:
        """Switch one fault off, or all that are on."""
        self.advance(now)
        self._undo(self.conduct.heal(number))

    def act(self, user: str, habit: str, coin: str, now: float) -> None:
        """Have a user do something now; ``habit`` names what, such as ``cross``."""
        self.advance(now)
        self.users.act(user, habit, coin, self._now, self._stamp())
        self._publish([self.market.coins[coin]])

    def is_mute(self, connection_id: int, what: What = "pong") -> bool:
        """Tell whether a silence keeps control frames from this client too."""
        return not self.conduct.speaks(connection_id, what)

    def is_deaf(self, connection_id: int) -> bool:
        """Tell whether a silence keeps this client's frames from arriving."""
        return not self.conduct.hears(connection_id)

    def _begin(self, now: int) -> None:
        self._open = True
        self._now = now
        settings, seed = self.settings, self.seed
        self.market = Market(settings, seed, now, self.ledger)
        rates = FundingRates(self.market, seed)
        self.users = Users(settings, seed, self.market, rates, self.ledger)
        feeds = Feeds(self.market, self.users, settings)
        self._publisher = Publisher(feeds, self._audience, settings, self._deliver, now)
        self._info = Info(self.market, self.users, rates, feeds, settings)
        self._desk = Desk(
            settings=settings,
            coins={name: coin.instrument for name, coin in self.market.coins.items()},
            publisher=self._publisher,
            audience=self._audience,
            conduct=self.conduct,
            send=self._send,
            info=self._ask,
            rng=Random(f"{seed}:desk"),
        )
        self.conduct.begin(now)

    def _ask(self, body: object, now: int, address: str) -> tuple[int, object]:
        return self._info.answer(
            body, now, self._stamp(), self._visitor(address).weight, self.conduct
        )

    def _visitor(self, address: str) -> Visitor:
        if address not in self._visitors:
            self._visitors[address] = Visitor(address, self.settings.limits)
        return self._visitors[address]

    def _refusal(self, visitor: Visitor) -> Refusal | None:
        limits = self.settings.limits
        fault = self.conduct.first(Refuse)
        if fault is not None:
            if fault.how != "http":
                return Refusal(0, body=fault.how)
            headers = {"Content-Type": fault.content_type}
            if fault.retry_after is not None:
                headers["Retry-After"] = f"{fault.retry_after:g}"
            return Refusal(fault.status, headers, fault.body)
        if not visitor.attempts.spend(self._now):
            return Refusal(limits.refusal_status)
        lonely = self.conduct.first(OneConnection)
        if lonely is not None and visitor.connections:
            if lonely.policy == "refuse_new":
                return Refusal(limits.refusal_status)
            for old in list(visitor.connections.values()):
                self._end(old, Close(old.number, lonely.code, lonely.reason))
        if len(visitor.connections) >= limits.connections:
            return Refusal(limits.refusal_status)
        return None

    def _next_ms(self) -> int:
        due = min(
            self.market.next_at,
            self.users.next_at,
            self._publisher.next_at,
            self.conduct.next_at,
        )
        for connection in self._connections.values():
            due = min(due, connection.next_at(self._idle, self._life))
        for flap in self.conduct.all(Flap):
            for connection in self._connections.values():
                if concerns(flap, connection.number):
                    due = min(due, connection.opened + milliseconds(flap.after))
        return due

    def _run(self, now: int) -> None:
        self._now = now
        self._undo(self.conduct.ended(now))
        self._apply(self.conduct.begun(now))
        if min(self.market.next_at, self.users.next_at) <= now:
            self._produce(now)
        if self._publisher.next_at <= now:
            self._publisher.beat(now, self._stamp())
        for connection in list(self._connections.values()):
            self._check(connection)

    def _produce(self, now: int) -> None:
        stamp = self._stamp()
        touched = {coin.instrument.name: coin for coin in self.market.step(now, stamp)}
        for coin in self.users.step(now, stamp):
            touched[coin.instrument.name] = coin
        self._publish(touched.values())

    def _publish(self, coins: Iterable[CoinMarket]) -> None:
        stamp = self._stamp()
        for coin in coins:
            trades = self.market.seal(coin)
            self._publisher.after_block(coin, trades, stamp)
        for account in self.users.active():
            self._publisher.after_activity(account, account.taken(), stamp)

    def _check(self, connection: Connection) -> None:
        """Do what is due on one connection."""
        now, number = self._now, connection.number
        for reply in sorted(connection.replies, key=lambda each: each.due):
            if reply.due <= now:
                connection.replies.remove(reply)
                self._send(connection, Frame(reply.data, "post"))
        for text, (until, subscription) in list(connection.leaving.items()):
            if until <= now:
                del connection.leaving[text]
                self._audience.leave(subscription, number)
        for flap in self.conduct.all(Flap, number):
            if now >= connection.opened + milliseconds(flap.after):
                self._end(connection, _ending(flap, number))
                return
        if self._life and now >= connection.opened + self._life:
            self._end(connection, Close(number, 1000, "Expired"))
        elif self._idle and now >= connection.last_sent + self._idle:
            self._end(connection, Close(number, 1000, "Inactive"))

    def _deliver(self, subscription: Subscription, data: bytes) -> None:
        frame = Frame(data, "data", subscription.type, subscription.coin)
        for number in self._audience.holders(subscription):
            self._send(self._connections[number], frame)

    def _send(self, connection: Connection, frame: Frame) -> None:
        if self.settings.replies_reset_idle or frame.what in {"data", "pong"}:
            connection.last_sent = self._now
        connection.sent += 1
        self.counters["sent"] += 1
        connection.link.push(frame, self._now, self.conduct.on_links)

    def _apply(self, items: list[Active]) -> None:
        for item in items:
            fault = item.fault
            if isinstance(fault, Cut):
                self.conduct.forget(item)
                for connection in list(self._connections.values()):
                    if concerns(fault, connection.number):
                        self._end(connection, _ending(fault, connection.number))
            elif isinstance(fault, Flap):
                for connection in list(self._connections.values()):
                    self._check(connection)

    def _undo(self, items: list[Active]) -> None:
        if any(isinstance(item.fault, Silent) for item in items):
            for link in self._links.values():
                link.resume(self._now)

    def _end(self, connection: Connection, output: Close | Abort) -> None:
        self.counters["ended"] += 1
        connection.link.end(output, self._now, self.conduct.on_links)
        self._remove(connection)

    def _remove(self, connection: Connection) -> None:
        number = connection.number
        for subscription in connection.subscriptions.values():
            self._audience.leave(subscription, number)
        for _, subscription in connection.leaving.values():
            self._audience.leave(subscription, number)
        self._connections.pop(number, None)
        connection.visitor.connections.pop(number, None)

    def _stamp(self) -> int:
        """Return the time that messages carry: a frozen one stands still."""
        frozen = [
            item.since for item in self.conduct.active if isinstance(item.fault, Freeze)
        ]
        return min([self._now, *frozen])


def _ending(fault: Cut | Flap, number: int) -> Close | Abort:
    if fault.how == "close":
        return Close(number, fault.code, fault.reason)
    return Abort(number, fault.how)
