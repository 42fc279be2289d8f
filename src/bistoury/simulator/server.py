"""
The venue on a real port: WebSocket at ``/ws``, REST at ``/info``, and the reins.

Only this file and its two helpers do I/O. It asks the pure venue what to do and
does it; time is the loop's clock, times ``time_scale``.
"""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from ssl import SSLContext
from typing import Any, Self

import msgspec
from aiohttp import WSMsgType, web

from . import control
from .exchange import Exchange
from .faults import AnyFault, Refuse
from .host import Host
from .listener import HangUp, Listener
from .outputs import Refusal
from .plan import FaultPlan
from .settings import Settings
from .wire_end import Socket, reset

MOST_BODY = 1024 * 1024


class Venue:
    """
    A local venue on a port of its own.

    Use it as ``async with Venue() as venue:`` and point a client at ``venue.url``.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        seed: int = 0,
        plan: FaultPlan | None = None,
        host: Host | None = None,
        bind: str = "127.0.0.1",
        ssl: SSLContext | None = None,
    ) -> None:
        own = (host.settings if host is not None else settings) or Settings()
        self._scale = own.time_scale
        self._host: Host = host or Exchange(own.in_venue_time(), seed, plan)
        self._bind = bind
        self._ssl = ssl
        self._sockets: dict[int, Socket] = {}
        self._hanging: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._released = asyncio.Event()
        self._epoch = self._origin = 0.0
        self._runner: web.AppRunner | None = None
        self._listener = Listener(bind, self._protocol, ssl)

    @property
    def exchange(self) -> Exchange:
        """The exchange behind the port."""
        assert isinstance(self._host, Exchange)
        return self._host

    @property
    def host(self) -> Host:
        """The exchange or the replay behind the port."""
        return self._host

    @property
    def url(self) -> str:
        """Where clients go: REST is ``{url}/info``, the socket ``ws…/ws``."""
        scheme = "http" if self._ssl is None else "https"
        name = f"[{self._bind}]" if ":" in self._bind else self._bind
        return f"{scheme}://{name}:{self._listener.port}"

    @property
    def now(self) -> float:
        """The venue's time, in seconds since the epoch."""
        elapsed = asyncio.get_running_loop().time() - self._origin
        return self._epoch + elapsed * self._scale

    async def start(self, port: int = 0) -> str:
        """Open the port and return the URL."""
        self._origin = asyncio.get_running_loop().time()
        self._epoch = time.time()
        app = web.Application(
            client_max_size=MOST_BODY, middlewares=[control.only_local(self._bind)]
        )
        app.router.add_get("/ws", self._websocket)
        app.router.add_post("/info", self._info)
        app.router.add_post("/exchange", self._exchange)
        control.add_routes(app, self)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=0.5,
            handle_signals=False,
            handler_cancellation=True,
        )
        await self._runner.setup()
        await self._listener.open(port)
        self._host.advance(self.now)
        self.settle()
        return self.url

    async def stop(self) -> None:
        """Close everything at once; nothing stays behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._listener.close()
        self._released.set()
        for socket in self._sockets.values():
            socket.reset()
        for transport in self._hanging:
            transport.abort()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def inject(self, fault: AnyFault, lasts: float | None = None) -> int:
        """Switch a fault on, for ``lasts`` seconds or until healed."""
        venue_time = None if lasts is None else lasts * self._scale
        number = self._host.inject(fault, self.now, venue_time)
        self.settle()
        return number

    def heal(self, number: int | None = None) -> None:
        """Switch one fault off, or all."""
        self._host.heal(self.now, number)
        self._release()
        self.settle()

    def settle(self) -> None:
        """Do what the venue asks for, and set the alarm for the next time."""
        for output in self._host.take_output():
            socket = self._sockets.get(output.connection_id)
            if socket is not None:
                socket.put(output)
        refuse = self._host.conduct.first(Refuse)
        closed = refuse is not None and refuse.how == "tcp"
        if closed and self._listener.listening:
            self._spawn(self._listener.refuse())
        elif not closed and not self._listener.listening:
            self._spawn(self._listener.listen())
        if refuse is None and self._hanging:
            self._release()
        if self._timer is not None:
            self._timer.cancel()
        wait = max(0.0, (self._host.next_at - self.now) / self._scale)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(wait, 3600.0), self._tick)

    def _tick(self) -> None:
        self._host.advance(self.now)
        self.settle()

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def _protocol(self) -> asyncio.BaseProtocol:
        refuse = self._host.conduct.first(Refuse)
        if refuse is not None and refuse.how in {"close", "rst"}:
            return HangUp(refuse.how)
        assert self._runner is not None
        assert self._runner.server is not None
        return self._runner.server()

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        admitted = self._host.connect(self.now, request.remote or "127.0.0.1")
        if isinstance(admitted, Refusal):
            return await self._refused(admitted, transport)
        settings = self._host.settings
        response = web.WebSocketResponse(
            autoping=False,
            autoclose=False,
            compress=settings.compress,
            max_msg_size=MOST_BODY,
        )
        response.headers["Date"] = formatdate(self.now, usegmt=True)
        try:
            await response.prepare(request)
            socket = self._sockets[admitted] = Socket(response, transport)
            self.settle()
            try:
                await self._listen_to(admitted, response)
            finally:
                del self._sockets[admitted]
                await socket.finish()
        finally:
            self._host.disconnect(admitted, self.now)
            self.settle()
        return response

    async def _refused(
        self, refusal: Refusal, transport: asyncio.Transport
    ) -> web.StreamResponse:
        self.settle()
        if refusal.status:
            return web.Response(
                status=refusal.status, body=refusal.body, headers=refusal.headers
            )
        if refusal.body == "hang":
            self._hanging.add(transport)
            try:
                await self._released.wait()
            finally:
                self._hanging.discard(transport)
        # The listener hangs up on later ones; this one was accepted before.
        if refusal.body == "rst":
            reset(transport)
        transport.close()
        return web.Response(status=503)

    async def _listen_to(self, number: int, response: web.WebSocketResponse) -> None:
        while True:
            message = await response.receive()
            deaf = self._host.is_deaf(number)
            mute = self._host.is_mute(number)
            if message.type is WSMsgType.TEXT:
                self._host.receive(number, message.data.encode(), self.now)
                self.settle()
            elif message.type is WSMsgType.BINARY:
                self._host.receive(number, message.data, self.now)
                self.settle()
            elif message.type is WSMsgType.PING:
                if not (deaf or mute):
                    await response.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                if message.type is WSMsgType.CLOSE and (deaf or mute):
                    # Half-open: the client's goodbye is never answered.
                    await self._released.wait()
                elif message.type is WSMsgType.CLOSE:
                    await response.close()
                return

    async def _info(self, request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return web.Response(status=400, text="invalid JSON")
        address = request.remote or "127.0.0.1"
        status, value = self._host.info(body, self.now, address)
        kind = body.get("type") if isinstance(body, dict) else None
        fault = self._host.conduct.rest(kind) if isinstance(kind, str) else None
        self.settle()
        if fault is not None:
            headers = {"Content-Type": fault.content_type}
            if fault.retry_after is not None:
                headers["Retry-After"] = f"{fault.retry_after:g}"
            return web.Response(status=status, body=fault.body, headers=headers)
        if status == 422:  # noqa: PLR2004
            return web.Response(status=status, text=str(value))
        return web.Response(
            status=status,
            body=msgspec.json.encode(value),
            content_type="application/json",
        )

    async def _exchange(self, _: web.Request) -> web.Response:
        # HL: what every unknown signer hears (§3); this venue knows none.
        text = "User or API Wallet 0x" + "0" * 40 + " does not exist."
        return web.json_response({"status": "err", "response": text})
