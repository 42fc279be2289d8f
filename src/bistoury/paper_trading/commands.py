"""
Commands on their way: when they arrive, and in which order a block takes them.

An order is matched on the first word of the venue about its coin from at or after
its arrival, never on what was seen when it was decided. If the feed is not live by
then, nobody can know what became of it: a new order is refused, and says why.

HL: within a block, actions without orders that may take come first, then cancels,
then the rest (docs: "order book"), so a cancel can beat a taker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .desk import Coin, Desk, Evidence
from .events import Replied, Settled
from .latency import Latency
from .settings import milliseconds

logger = logging.getLogger(__name__)

Answer = Any
BROKEN = "Paper: this broke inside paper trading; its log says where."


class ExpiredError(Exception):
    """HL: ``expiresAfter`` is before the arrival."""


@dataclass(slots=True)
class Command:
    """What somebody asked for; answered when all of its parts are."""

    number: int
    account: str
    kind: str
    """What the answer's ``type`` is."""
    arrives_at: int
    rank: int
    nonce: int | None = None
    asked: str = ""
    """A digest of what was asked for."""
    answers: list[Answer] = field(default_factory=list)
    unanswered: int = 0
    wrap: Callable[[list[Answer]], dict[str, Any]] | None = None
    is_internal: bool = False
    """Whether the venue itself asked, and nobody waits for an answer."""


KEEP = object()
"""The answer of a part that goes on waiting for evidence."""


@dataclass(slots=True, eq=False)
class Item:
    """A part of a command: one order or cancel."""

    command: Command
    place: int
    coin: str
    run: Callable[[Evidence], Answer]
    """Does it, on evidence of the venue."""
    give_up: Callable[[str], Answer]
    """Does what can be done without any; the text says why there is none."""
    is_done: bool = False


class Commands:
    """Delays commands, runs them on evidence, and delays their answers."""

    def __init__(self, desk: Desk) -> None:
        config = desk.config
        self._desk = desk
        seed = config.seed
        self._entry = Latency(config.entry_latency, f"{seed}:entry", "entry_latency")
        self._cancel = Latency(
            config.cancel_latency, f"{seed}:cancel", "cancel_latency"
        )
        self._response = Latency(
            config.response_latency, f"{seed}:response", "response_latency"
        )
        self.wanted_until: int | None = None
        """When (ms) the command that is begun next is of no use any more."""
        self.asked = ""
        """A digest of the action of the command that is begun next."""
        self._block = max(1, milliseconds(config.block))

    def begin(
        self,
        number: int,
        account: str,
        kind: str,
        nonce: int | None,
        *,
        rank: int,
        is_cancel: bool = False,
    ) -> Command:
        """
        Send a command off.

        Raises:
            ExpiredError: it arrives after the moment up to which it is wanted.
        """
        delay = (self._cancel if is_cancel else self._entry).draw()
        arrives_at = self._desk.now + delay
        if self.wanted_until is not None and arrives_at > self.wanted_until:
            raise ExpiredError
        return Command(number, account, kind, arrives_at, rank, nonce, self.asked)

    def add(
        self,
        command: Command,
        coin: str,
        run: Callable[[Evidence], Answer],
        give_up: Callable[[str], Answer],
    ) -> None:
        """Add a part that needs the market of ``coin``."""
        item = Item(command, len(command.answers), coin, run, give_up)
        command.answers.append(None)
        command.unanswered += 1
        self._desk.coin(coin).waiting.append(item)
        self._desk.at(command.arrives_at, partial(self._arrived, item))

    def add_answer(self, command: Command, answer: Answer) -> None:
        """Add a part whose answer is known already."""
        command.answers.append(answer)

    def add_later(self, command: Command, run: Callable[[], Answer]) -> None:
        """Add a part that needs no market: it is done on arrival."""
        place = len(command.answers)
        command.answers.append(None)
        command.unanswered += 1

        def arrived() -> None:
            command.answers[place] = run()
            self._answered(command)

        self._desk.at(command.arrives_at, arrived)

    def add_internal(
        self,
        account: str,
        coin: str,
        run: Callable[[Evidence], Answer],
        give_up: Callable[[str], Answer] = lambda _: KEEP,
    ) -> None:
        """Let the venue itself do something on the next evidence."""
        command = Command(0, account, "", self._desk.now, 2, is_internal=True)
        self.add(command, coin, run, give_up)

    def sent(self, command: Command) -> None:
        """Let a command without open parts be answered."""
        if not command.unanswered:
            self._desk.at(command.arrives_at, partial(self._respond, command))

    def seen(self, coin: Coin, evidence: Evidence) -> None:
        """Run what has arrived by the time of ``evidence``."""
        if not coin.waiting:
            return
        due = [it for it in coin.waiting if it.command.arrives_at <= evidence.time]
        if not due:
            return
        coin.waiting = [it for it in coin.waiting if it not in due]
        due.sort(key=self._order)
        for item in due:
            try:
                answer = item.run(evidence)
            except Exception:
                # One that breaks must not take along what others asked for.
                logger.exception("%s breaks on %s", item.command.kind, evidence.cause)
                answer = {"error": BROKEN}
            self._settle(item, answer)

    def given_up(self, coin: Coin, reason: str) -> None:
        """Answer what has arrived and cannot be done: the coin's feed is not live."""
        now = self._desk.now
        due = [it for it in coin.waiting if it.command.arrives_at <= now]
        coin.waiting = [it for it in coin.waiting if it not in due]
        for item in sorted(due, key=self._order):
            answer = item.give_up(reason)
            if answer is KEEP:
                coin.waiting.append(item)
            else:
                self._settle(item, answer)

    def drop(self, account: str, reason: str) -> None:
        """Answer what is under way for an account, without doing it."""
        for coin in list(self._desk.coins.values()):
            for item in list(coin.waiting):
                command = item.command
                if command.account == account and not command.is_internal:
                    coin.waiting.remove(item)
                    self._settle(item, {"error": reason})

    def _arrived(self, item: Item) -> None:
        if item.is_done:
            return
        coin = self._desk.coin(item.coin)
        state, reason = coin.health.judged(self._desk.now)
        if state != "live":
            self.given_up(coin, reason)

    def _order(self, item: Item) -> tuple[int, int, int, int, int]:
        command = item.command
        block = command.arrives_at // self._block
        return block, command.rank, command.arrives_at, command.number, item.place

    def _settle(self, item: Item, answer: Answer) -> None:
        item.is_done = True
        item.command.answers[item.place] = answer
        self._answered(item.command)

    def _answered(self, command: Command) -> None:
        command.unanswered -= 1
        if not command.unanswered and not command.is_internal:
            self._respond(command)

    def _respond(self, command: Command) -> None:
        wrap = command.wrap or partial(statuses, command.kind)
        answer = wrap(command.answers)
        if command.nonce is not None:
            # With the effect, and not with the answer: who asks again after a crash in
            # between must not have it twice.
            self._desk.emit(
                Settled,
                account=command.account,
                nonce=command.nonce,
                answer=answer,
                asked=command.asked,
            )
        due = self._desk.now + self._response.draw()
        self._desk.at(due, partial(self._reply, command, answer))

    def _reply(self, command: Command, answer: dict[str, Any]) -> None:
        self._desk.emit(
            Replied,
            account=command.account,
            command=command.number,
            nonce=command.nonce,
            answer=answer,
        )


def statuses(kind: str, answers: list[Answer]) -> dict[str, Any]:
    """Return an answer in the venue's shape."""
    return {
        "status": "ok",
        "response": {"type": kind, "data": {"statuses": answers}},
    }


def default_answer() -> dict[str, Any]:
    """Return what the venue says when there is nothing to say."""
    return {"status": "ok", "response": {"type": "default"}}


def refused(reason: str) -> dict[str, Any]:
    """Return a refusal of a whole action."""
    return {"status": "err", "response": reason}
