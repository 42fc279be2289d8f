"""The same data as handlers get, for ``async for``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..backlog import DEFAULT_LIMIT, Backlog
from ..errors import SessionClosedError
from ..mailbox import Home
from ..session import Subscription, Update
from ..session.notices import Gap

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from .handles import SubscriptionHandle

Message = dict[str, Any]

_SEVERAL = "several gaps in one: the reader is far behind"
_LOSSY = "several gaps in one, not all recovered: the reader is far behind"


class Joins(Protocol):
    """The client, as far as a stream calls it."""

    async def join(
        self, subscription: Subscription, outlet: Stream
    ) -> SubscriptionHandle:
        """Add a listener to a subscription."""
        ...


class Stream:
    """
    Messages of one subscription, in order.

    Gaps come in band: a message on the channel ``gap`` says that something between
    its neighbours was missed, another what became of that. ``async with`` subscribes
    on entry, or the first iteration does; ``aclose()`` unsubscribes, which ``async
    with`` calls for you. Ends when the client disconnects, and when it will not try
    to connect again.
    """

    def __init__(
        self,
        client: Joins,
        subscription: Subscription,
        read: Callable[[Update], Any],
        max_queue: int = DEFAULT_LIMIT,
        *,
        conflate: bool | None = None,
        home: Home | None = None,
    ) -> None:
        self.subscription = subscription
        self.is_closed = False
        self.backlog: Backlog[Update | Gap] = Backlog(
            self._wake, max_queue, conflate=conflate
        )
        self.is_typed = False
        self.direct_call = None
        """Messages wait for the reader."""
        self._client = client
        self._read = read
        self._home = home
        self._reader: asyncio.Future[None] | None = None
        self._handle: SubscriptionHandle | None = None

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return len(self.backlog)

    @property
    def conflated(self) -> int:
        """Messages of a state feed that a newer one replaced."""
        return self.backlog.conflated

    @property
    def overflowed(self) -> int:
        """Messages of an event feed that found no room."""
        return self.backlog.overflowed

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        return self.backlog.has_room

    def put_gap(self, gap: Gap) -> None:
        """Let the reader find a gap where it is, between the messages."""
        self.backlog.put_mark(gap, _joined)

    @property
    def handler(self) -> Callable[[Any], Any]:
        """Stand for the reader where a handler's name is wanted."""
        return self.put

    def put(self, item: Update, conflate: Hashable = None) -> bool:
        """Take a message for the reader; return whether there was room."""
        return self.backlog.put(item, conflate)

    def close(self) -> None:
        """End the iteration once what waits has been read."""
        self.is_closed = True
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        await self._subscribe()
        while True:
            item = self.backlog.take()
            if item is not None:
                return _as_message(item) if isinstance(item, Gap) else self._read(item)
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
        self.backlog.clear()
        self.close()
        if self._handle is not None:
            await self._handle.unsubscribe()

    async def __aenter__(self) -> Self:
        await self._subscribe()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _subscribe(self) -> None:
        if self._handle is None and not self.is_closed:
            self._handle = await self._client.join(self.subscription, self)

    def _wake(self) -> None:
        if self._home is None:
            self._go_on()
        else:
            self._home.post(self._go_on)

    def _go_on(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _joined(last: Update | Gap, new: Update | Gap) -> Gap:
    """Return two gaps without a message between them as one that spans both."""
    assert isinstance(last, Gap)
    assert isinstance(new, Gap)
    # The beginning of a gap says nothing that its end does not say too.
    is_apart = last.status == "open" and last.cause != new.cause
    is_lossy = is_apart or last.status == "unrecoverable" or last.note == _LOSSY
    is_lost = is_lossy and new.status == "recovered"
    missed = [it.missed_count for it in (last, new) if it.missed_count is not None]
    return msgspec.structs.replace(
        new,
        since=min(last.since or 0, new.since or 0) or None,
        until=None if new.until is None else max(last.until or 0, new.until),
        status="unrecoverable" if is_lost else new.status,
        recovered_count=last.recovered_count + new.recovered_count,
        note=_LOSSY if is_lossy else _SEVERAL,
        missed_count=sum(missed) if missed else None,
    )


def _as_message(gap: Gap) -> Message:
    """Return the news of a gap in the shape of a message, on the channel ``gap``."""
    data = msgspec.to_builtins(gap)
    data.pop("type", None)
    return {"channel": "gap", "data": {**data, "subscription": gap.subscription.fields}}
