"""Who follows which account over the socket, and when they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import BistouryError
from ..events import Event
from ..wire import UnreadableError
from .account_answers import Asked
from .account_feeds import FEEDS, Feed
from .trader import Trader
from .wallets import Wallets, address_of

Send = Callable[[dict[str, Any]], None]

_SOON = 0.05
"""States of a burst of facts are sent once, after so many seconds."""
_EVERY = 2.0
"""And at least so often, because the mark moves."""


@dataclass(slots=True, eq=False)
class _Follower:
    feed: Feed
    body: dict[str, Any]
    send: Send
    has_first: bool = False


class AccountTelling:
    """Tells followers what becomes of accounts, from ``start`` to ``stop``."""

    def __init__(self, trader: Trader, wallets: Wallets) -> None:
        self._trader = trader
        self._wallets = wallets
        self._followers: dict[str, list[_Follower]] = {}
        self._due: set[str] = set()
        self._soon: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._listen(), name="bistoury-paper-feeds"),
            loop.create_task(self._repeat(), name="bistoury-paper-states"),
        ]
        await asyncio.sleep(0)  # what happens from here on is heard

    async def stop(self) -> None:
        """Stop telling."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._soon is not None:
            self._soon.cancel()

    def follow(self, body: dict[str, Any], send: Send) -> Callable[[], None]:
        """Tell ``send`` of a canonical subscription; return what ends that."""
        follower = _Follower(FEEDS[body["type"]], body, send)
        followers = self._followers.setdefault(body["user"], [])
        followers.append(follower)
        self._begin(follower)

        def leave() -> None:
            if follower in followers:
                followers.remove(follower)

        return leave

    async def _listen(self) -> None:
        async for event in self._trader.events():
            self._tell(event)

    def _tell(self, event: Event) -> None:
        account = self._trader.accounts.get(event.account)
        if account is None:
            return
        address = address_of(account)
        followers = self._followers.get(address, ())
        desk = self._trader.venue.desk
        for it in followers:
            if it.feed.later is not None:
                asked = Asked(account, desk, it.body)
                data = it.feed.later(event, asked)
                if data is not None:
                    self._send(it, data)
        if any(it.feed.is_state for it in followers):
            self._due.add(address)
            if self._soon is None:
                loop = asyncio.get_running_loop()
                self._soon = loop.call_later(_SOON, self._send_due)

    def _send_due(self) -> None:
        self._soon = None
        due, self._due = self._due, set()
        for address in due:
            for it in self._followers.get(address, ()):
                if it.feed.is_state:
                    self._begin(it)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            for followers in list(self._followers.values()):
                for it in list(followers):
                    if it.feed.is_state or not it.has_first:
                        self._begin(it)

    def _begin(self, it: _Follower) -> None:
        """Send what is whole: a snapshot, or a state."""
        if it.feed.first is None:
            it.has_first = True
            return
        try:
            account = self._wallets.shown(it.body["user"])
            data = it.feed.first(Asked(account, self._trader.venue.desk, it.body))
        except (BistouryError, UnreadableError):
            return  # nothing was heard of the market yet; see ``_repeat``
        it.has_first = True
        self._send(it, data)

    def _send(self, it: _Follower, data: Any) -> None:
        it.send({"channel": it.feed.channel, "data": data, "paper": True})
