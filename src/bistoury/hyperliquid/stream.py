"""The same data as handlers get, for ``async for``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import SessionClosedError
from ..mailbox import DEFAULT_LIMIT
from ..session import Subscription, Update
from ..session.notices import Gap

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from .client import HyperLiquidIntegration
    from .handles import SubscriptionHandle

Message = dict[str, Any]


class Stream:
    """
    Messages of one subscription, in order.

    Gaps come in band: a message on the channel ``gap`` says that something between
    its neighbours was missed, another what became of that. Subscribes when the
    iteration begins and unsubscribes on ``aclose()``, which ``async with`` calls for
    you. Ends when the client disconnects.
    """

    def __init__(
        self,
        client: HyperLiquidIntegration,
        subscription: Subscription,
        read: Callable[[Update], Message],
        max_queue: int = DEFAULT_LIMIT,
    ) -> None:
        self.subscription = subscription
        self.is_closed = False
        self.overflowed = 0
        """Messages of an event feed that found no room."""
        self.conflated = 0
        """Messages of a state feed that a newer one replaced."""
        self._client = client
        self._read = read
        self._limit = max_queue
        self._waiting: deque[Update | Gap] = deque()
        self._newest: dict[Hashable, Update] = {}
        self._reader: asyncio.Future[None] | None = None
        self._handle: SubscriptionHandle | None = None

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return len(self._waiting) + len(self._newest)

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        return len(self._waiting) < self._limit

    def put_gap(self, gap: Gap) -> None:
        """Let the reader find a gap where it is, between the messages."""
        self._waiting.extend(self._newest.values())
        self._newest.clear()
        self._waiting.append(gap)  # whether there is room or not: it is the news
        self._wake()

    @property
    def handler(self) -> Callable[[Any], Any]:
        """Stand for the reader where a handler's name is wanted."""
        return self.put

    def put(self, item: Update, conflate: Hashable = None) -> bool:
        """Take a message for the reader; return whether there was room."""
        if conflate is not None:
            self.conflated += conflate in self._newest
            self._newest[conflate] = item
        elif len(self._waiting) < self._limit:
            self._waiting.append(item)
        else:
            self.overflowed += 1
            return False
        self._wake()
        return True

    def close(self) -> None:
        """End the iteration once what waits has been read."""
        self.is_closed = True
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._handle is None and not self.is_closed:
            self._handle = await self._client.join(self.subscription, self)
        while True:
            if self._waiting:
                item = self._waiting.popleft()
                return _as_message(item) if isinstance(item, Gap) else self._read(item)
            if self._newest:
                return self._read(self._newest.pop(next(iter(self._newest))))
            if self.is_closed:
                raise StopAsyncIteration
            if self._reader is not None:
                raise SessionClosedError("one reader at a time")
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    async def aclose(self) -> None:
        """Stop reading and unsubscribe."""
        self._waiting.clear()
        self._newest.clear()
        self.close()
        if self._handle is not None:
            await self._handle.unsubscribe()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _as_message(gap: Gap) -> Message:
    """Return the news of a gap in the shape of a message, on the channel ``gap``."""
    data = msgspec.to_builtins(gap)
    data.pop("type", None)
    return {"channel": "gap", "data": {**data, "subscription": gap.subscription.fields}}
