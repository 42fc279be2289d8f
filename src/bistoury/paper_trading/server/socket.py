"""
One connection to ``/ws``: what it follows, and what waits to be sent to it.

Markets are relayed from the client's own session, accounts from the paper venue; one
that reads too slowly is hung up on, because it could not know what it missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import WSMsgType, web

from ...errors import BistouryError, ConfigError
from ...hyperliquid import validate
from ..wire import UnreadableError
from .account_feeds import FEEDS, canonical
from .greeting import greeting
from .telling_accounts import AccountTelling
from .trader import Trader

if TYPE_CHECKING:
    from .exchange import Exchange
    from .info import Info

_MOST_WAITING = 10_000
_MOST_FOLLOWED = 1000
_MOST_POSTS = 100
_POLICY = 1008
_OK = 200

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Socket:
    """Answers one connection until it ends."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        trader: Trader,
        telling: AccountTelling,
        info: Info,
        exchange: Exchange,
    ) -> None:
        self._ws = ws
        self._trader = trader
        self._telling = telling
        self._info = info
        self._exchange = exchange
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._leave: dict[str, Callable[[], Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._posts = 0

    async def run(self) -> None:
        """Read and answer."""
        writer = asyncio.get_running_loop().create_task(self._write())
        try:
            async for message in self._ws:
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            await self._end(writer)

    async def _end(self, writer: asyncio.Task[None]) -> None:
        leaving, self._leave = self._leave, {}
        writer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(writer, *self._tasks, return_exceptions=True)
        for leave in leaving.values():
            await _called(leave)

    async def _write(self) -> None:
        while (data := await self._waiting.get()) is not None:
            try:
                await self._ws.send_frame(data, WSMsgType.TEXT)
            except ConnectionError:
                return  # whoever read has gone
        await self._ws.close(code=_POLICY, message=b"reads too slowly")

    def _send(self, value: Any) -> None:
        if self._waiting.qsize() >= _MOST_WAITING:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            self._waiting.put_nowait(None)
            return
        self._waiting.put_nowait(_encode(value))

    def _error(self, text: str) -> None:
        self._send({"channel": "error", "data": text})

    # What comes in

    def _take(self, raw: str) -> None:
        try:
            body = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            body = None
        match body:
            case {"method": "ping"}:
                self._send({"channel": "pong"})
            case {"method": "subscribe", "subscription": {"type": str()} as wanted}:
                self._spawn(self._subscribe(wanted, raw))
            case {"method": "unsubscribe", "subscription": {"type": str()} as wanted}:
                self._spawn(self._unsubscribe(wanted, raw))
            case {
                "method": "post",
                "id": int(number),
                "request": {"type": str(kind), "payload": payload},
            }:
                if self._posts >= _MOST_POSTS:
                    self._error(f"too many pending post requests id={number}")
                else:
                    self._spawn(self._post(number, kind, payload))
            case _:
                self._unreadable(raw)

    def _unreadable(self, raw: str) -> None:
        self._error(f"Error parsing JSON into valid websocket request: {raw}")

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _subscribe(self, wanted: dict[str, Any], raw: str) -> None:
        try:
            body = self._canonical(wanted)
        except (ConfigError, UnreadableError):
            self._unreadable(raw)
            return
        key = _key(body)
        if key in self._leave:
            self._error(f"Already subscribed: {key}")
            return
        if len(self._leave) >= _MOST_FOLLOWED:
            self._error(f"Cannot subscribe to more than {_MOST_FOLLOWED} channels.")
            return
        self._leave[key] = _nothing
        # HL: the acknowledgement goes before the first data.
        if body["type"] in FEEDS:
            self._acknowledge("subscribe", body)
            self._leave[key] = self._telling.follow(body, self._send)
            return
        relay = _Relay(self._send)
        try:
            handle = await self._trader.client.subscribe(body, relay)
        except ConfigError:
            del self._leave[key]
            self._unreadable(raw)
            return
        except BistouryError:
            del self._leave[key]
            self._error(f"Invalid subscription {key}")
            return
        if self._leave.get(key) is not _nothing:
            await handle.unsubscribe()  # it was left meanwhile
            return
        self._leave[key] = handle.unsubscribe
        self._acknowledge("subscribe", body)
        first = None
        if not relay.has_begun:
            first = await greeting(self._trader.client, body)
        relay.release(first)

    async def _unsubscribe(self, wanted: dict[str, Any], raw: str) -> None:
        try:
            body = self._canonical(wanted)
        except (ConfigError, UnreadableError):
            self._unreadable(raw)
            return
        leave = self._leave.pop(_key(body), None)
        if leave is None:
            self._error(f"Already unsubscribed: {_key(body)}")
            return
        await _called(leave)
        self._acknowledge("unsubscribe", body)

    def _acknowledge(self, method: str, body: dict[str, Any]) -> None:
        data = {"method": method, "subscription": body}
        self._send({"channel": "subscriptionResponse", "data": data})

    def _canonical(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted["type"] in FEEDS:
            return canonical(wanted, validate.address(wanted.get("user")))
        if "user" in wanted:
            raise UnreadableError("nothing else is known of users on paper")
        return {name: value for name, value in wanted.items() if value is not None}

    async def _post(self, number: int, kind: str, payload: Any) -> None:
        self._posts += 1
        try:
            status, answer = await self._answer(kind, payload)
        finally:
            self._posts -= 1
        if status != _OK:
            kind, answer = "error", f"{status} {answer}"
        data = {"id": number, "response": {"type": kind, "payload": answer}}
        self._send({"channel": "post", "data": data, "paper": True})

    async def _answer(self, kind: str, payload: Any) -> tuple[int, Any]:
        if kind == "action":
            return await self._exchange.answer(payload)
        if kind != "info":
            return 422, f"the request type {kind!r} is not known"
        status, answer = await self._info.answer(payload)
        if status != _OK:
            return status, answer
        return status, {"type": payload["type"], "data": answer}


class _Relay:
    """Hands a market's messages on; holds them until that is acknowledged."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._held: list[dict[str, Any]] | None = []

    def __call__(self, message: dict[str, Any]) -> None:
        if self._held is not None:
            self._held.append(message)
        else:
            self._send(message)

    @property
    def has_begun(self) -> bool:
        """Whether something came already."""
        return bool(self._held)

    def release(self, first: dict[str, Any] | None) -> None:
        """Send what was held, or else ``first``; and all that comes from now on."""
        held, self._held = self._held or [], None
        if first is not None and not held:
            held = [first]
        for message in held:
            self._send(message)


def _key(body: dict[str, Any]) -> str:
    return _encode(dict(sorted(body.items()))).decode()


async def _called(leave: Callable[[], Any]) -> None:
    left = leave()
    if left is not None:
        await left


def _nothing() -> None:
    """Be left before anything is followed."""
