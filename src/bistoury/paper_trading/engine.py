"""
``PaperTradingEngine``: paper trading on live data, for people and their bots.

It feeds a pure ``PaperVenue`` with what a client hears, gaps included, lets time
pass, writes down what comes of it, and only then tells anybody. It has no way to the
venue's order entry: it neither signs nor sends.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import count
from typing import Any, Self

from ..config import Config
from ..errors import BistouryError, ConfigError, SessionClosedError, StaleDataError
from ..hyperliquid.client import HyperLiquidIntegration
from . import events as said
from . import order_messages, settings
from .accounts import Account, Accounts
from .clock import Alarm, VenueClock
from .events import Event
from .feeding import Feeding, metas_of, settle_owed, time_of
from .figures import Figures
from .journal import JournalError, PaperJournal
from .reading import Reading
from .recording import Recorder, universe_of
from .restarting import ahead_of, unlisted_in
from .settings import PaperConfig
from .telling import Telling
from .trading import Trading
from .venue import ACT, OPEN, Message, PaperVenue
from .writer import Writer

logger = logging.getLogger(__name__)

DEFAULT_COINS = ("BTC", "ETH")
_FUNDING = "bistoury-paper-funding"
_RULES_WITHIN = 10.0
_HANDLERS_WITHIN = 1.0
_LISTED = "perpetuals that the venue lists"


class PaperTradingEngine(Trading, Reading):
    """
    Paper trading on live data; it cannot reach the venue's order entry.

    Args:
        config: where the data comes from; the environment by default.
        coins: what may be traded, beside the coins that the journal holds.
        cash: USDC the account ``main`` begins with.
        max_data_age: how old data may be to be traded on, in seconds.
        paper: every other assumption; ``cash`` and ``max_data_age`` go before it.
        journal: a file in which the accounts survive; without one they do not.
        recording: a new file for everything that was heard, for ``replay``.
        client: an existing client, which is then left connected by ``stop``.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        coins: Iterable[str] = DEFAULT_COINS,
        cash: str | Decimal | None = None,
        max_data_age: float | None = None,
        paper: PaperConfig | None = None,
        journal: str | os.PathLike[str] | None = None,
        recording: str | os.PathLike[str] | None = None,
        client: HyperLiquidIntegration | None = None,
    ) -> None:
        self.paper = settings.configured(paper, cash, max_data_age)
        self.client = client or HyperLiquidIntegration(config)
        self._wanted = (coins,) if isinstance(coins, str) else tuple(coins)
        self.coins = self._wanted
        if not self.coins:
            raise ConfigError("coins", coins, "at least one coin")
        self.max_data_age = self.paper.max_data_age
        self.metas: list[dict[str, Any]] = []
        self._owns_client = client is None
        self._journal_path = journal
        self._recording_path = recording
        self._clock = VenueClock()
        self._venue: PaperVenue | None = None
        self._is_started = False
        self._accounts = Accounts()
        self._before: list[Event] = []
        self._facts: list[Event] = []
        self._writer: Writer | None = None
        self._recorder: Recorder | None = None
        self._feeding: Feeding | None = None
        self._telling = Telling()
        self._figures = Figures(self, self._now)
        self._refused: ConfigError | JournalError | None = None  # why it cannot begin
        self._alarm = Alarm(self._tick)
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count(1)

    # Coming and going

    async def start(self) -> bool:
        """
        Connect and follow every coin; return whether the data is live already.

        Reconnection works out of the box. Without a connection this returns False,
        and goes on trying.

        Raises:
            ConfigError: a coin is no perpetual that the venue lists (without a
                connection nobody knows yet; then whatever is asked for raises it), or
                the recording's file has something in it.
            JournalError: the journal cannot be read, another engine writes it, or it
                holds a coin that the venue does not list.
        """
        if self._feeding is not None:
            return self.client.is_connected()
        settings.check_place("recording", self._recording_path)
        if self._recording_path and self._accounts.last_seq and not self._journal_path:
            raise ConfigError(
                "recording", self._recording_path, "a journal beside it for a restart"
            )
        self._open_journal()
        # What is held has to be marked, paid for and closed, whatever is wanted now.
        held = sorted(self._accounts.coins())
        self.coins = tuple(dict.fromkeys((*self._wanted, *held)))
        self._figures.show()
        try:
            return await self._follow()
        except BaseException:
            await self.stop()
            raise

    async def _follow(self) -> bool:
        self._refused = None
        self._feeding = Feeding(self.client, self.coins, self._heard)
        is_live = self.client.is_connected()
        if self._owns_client:
            is_live = await self.client.connect()
        task = self._spawn(self._learn_the_rules())
        # Before anything is followed: the rules know what is wrong with a coin.
        await asyncio.wait([task], timeout=_RULES_WITHIN if is_live else 0)
        if task.done():
            task.result()
        if self._refused is not None:
            raise self._refused
        await self._feeding.start()
        return is_live

    async def stop(self) -> None:
        """Stop following, write what is not written; accounts can still be read."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._feeding is not None:
            await self._feeding.stop()
            self._feeding = None
        self._alarm.stop()
        if self._is_started and self._venue is not None:
            now = self._now()
            self._venue.stop(now)
            if self._writer is not None:
                self._writer.put(self._venue.drain())
            if self._recorder is not None:
                self._recorder.close(now)
                self._recorder = None
        if self._writer is not None:
            await self._writer.finish()
            self._writer = None
        self._give_up(SessionClosedError("the engine was stopped"))
        self._answers.clear()
        await self._telling.finish(_HANDLERS_WITHIN)
        if self._venue is not None:
            # What comes next begins with what is known now.
            self._before = []
            self._accounts, self._venue = self._venue.desk.accounts, None
            self._is_started = False
        self._figures.hide()
        if self._owns_client:
            await self.client.disconnect()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Asking

    async def act(
        self,
        action: Mapping[str, Any],
        *,
        account: str = "main",
        nonce: int | None = None,
        expires_after: int | None = None,
    ) -> dict[str, Any]:
        """
        Do what an action of the venue's ``/exchange`` asks for; return its answer.

        The answer comes when the action is matched and written down. The same
        ``nonce`` is acted on once, and answered with the same answer, restarts
        included.

        Raises:
            ConfigError: there is no such account, or a number is none.
            StaleDataError: nothing was heard of the market yet.
            SessionClosedError: the engine was stopped before there was an answer.
            JournalError: what comes of it cannot be written down, or the journal is
                ahead of the venue's time.
        """
        self._check_ready()
        if account not in self._accounts.by_name:
            self._refuse_account(account)
        settings.check_whole(nonce=nonce, expires_after=expires_after)
        number = next(self._numbers)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[dict[str, Any]] = loop.create_future()
        self._answers[number] = answer
        data = {"number": number, "account": account, "action": action}
        data |= {"nonce": nonce, "expires_after": expires_after}
        try:
            self._take({"channel": ACT, "data": data})
            return await answer
        finally:
            self._answers.pop(number, None)

    def open_account(self, name: str, cash: str | Decimal, address: str = "") -> None:
        """
        Open an account, or begin one anew; the journal keeps what was.

        Raises:
            ConfigError: the amount is not above zero, or the name cannot be printed.
            StaleDataError: nothing was heard of the market yet.
        """
        begins_with = settings.amount("cash", cash)
        settings.check_name(name)
        self._check_ready()
        data = {"account": name, "cash": str(begins_with), "address": address}
        self._take({"channel": OPEN, "data": data})

    def hear_orders(self, message: Message) -> None:
        """
        Take ``l4Book`` of whoever shows every order; resting orders then know theirs.

        ``{"channel": "paper:orders_lost", "data": {"coin": ...}}`` says that it broke
        off; it goes on with the next snapshot.

        Raises:
            ConfigError: it is neither, or cannot be read.
            StaleDataError: nothing was heard of the market yet.
        """
        order_messages.check(message)
        self._take(message)

    @property
    def is_ready(self) -> bool:
        """Whether the rules and the time of the venue are known."""
        return self._is_started

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Every account, by name. Read-only."""
        return self._accounts.by_name

    @property
    def venue(self) -> PaperVenue:
        """The paper venue, to be looked at."""
        self._check_ready()
        assert self._venue is not None
        return self._venue

    # Hearing

    def _heard(self, message: Message) -> None:
        """Take a message of the client."""
        time = time_of(message)
        if time is not None:
            self._clock.heard(time, self.client.now())
        if self._venue is None or not self._clock.is_known:
            return
        if self._is_started or self._begin():
            self._take(message)

    def _begin(self) -> bool:
        """Begin, unless the journal lies in the future; return whether that is done."""
        assert self._venue is not None
        now = self._now()
        before = self._refused
        self._refused = ahead_of(self._journal_path, self._accounts.last_at, now)
        if self._refused is not None:
            if before is None:
                logger.error("paper trading does not begin: %s", self._refused)
            return False
        if self._recording_path is not None:
            self._recorder = Recorder(
                self._recording_path, self.metas, self.paper, self._before, now
            )
        self._venue.start(now)
        self._is_started = True
        self._flush()
        return True

    def _take(self, message: Message) -> None:
        venue, now = self.venue, self._now()
        if self._recorder is not None:
            self._recorder.take(now, message)
        venue.take(now, message)
        self._flush()

    def _flush(self) -> None:
        """Hand on what came of it, and look again when something is due."""
        venue = self._venue
        assert venue is not None
        if venue.desk.output and self._writer is not None:
            self._writer.put(venue.drain())
        owed = venue.desk.accounts.owed
        if owed and all(it.get_name() != _FUNDING for it in self._tasks):
            due = settle_owed(self.client, lambda: venue.solvency.due, self._take)
            self._spawn(due, _FUNDING)
        if venue.deadline is not None:
            self._alarm.set((venue.deadline - self._now()) / 1000)

    def _tick(self) -> None:
        if self._venue is not None and self._is_started:
            self._venue.advance(self._now())
            self._flush()

    def _tell(self, batch: list[Event]) -> None:
        """Tell what is written."""
        if self._journal_path is None:
            self._facts += batch
        for event in batch:
            if isinstance(event, said.Replied):
                answer = self._answers.get(event.command)
                if answer is not None and not answer.done():
                    answer.set_result(event.answer)
            self._figures.see(event)
            self._telling.tell(event)

    def _failed(self, error: JournalError) -> None:
        logger.error("%s", error)
        self._give_up(error)

    def _give_up(self, error: BistouryError) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)

    # Details

    def _open_journal(self) -> None:
        journal = None
        if self._journal_path is not None:
            journal = PaperJournal(self._journal_path)
            facts: Iterable[Event] = journal.events()
            if self._recording_path is not None:
                facts = self._before = list(facts)  # a recording begins with them
            self._accounts = Accounts.folded(facts, self._accounts.px_decimals)
        self._writer = Writer(journal, self._tell, self._failed)

    async def _learn_the_rules(self) -> None:
        metas = await metas_of(self.client, self.coins)
        universe = universe_of(metas)
        for coin in self._wanted:
            if coin not in universe.by_coin:
                self._refused = ConfigError("coins", coin, _LISTED)
                break
        else:
            journal = self._journal_path
            self._refused = unlisted_in(universe, self._accounts, journal)
        if self._refused is not None:
            logger.error("paper trading does not begin: %s", self._refused)
            return
        self.metas = metas
        self._venue = PaperVenue(universe, self.paper, self._accounts)

    def _spawn(self, work: Any, name: str = "bistoury-paper") -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _now(self) -> int:
        return self._clock.now(self.client.now())

    def _check_ready(self) -> None:
        if self._writer is not None and self._writer.error is not None:
            raise self._writer.error
        if self._refused is not None:
            raise self._refused
        if not self._is_started:
            raise StaleDataError("the market", None, self.max_data_age)
