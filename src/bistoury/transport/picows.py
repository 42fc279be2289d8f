"""
How frames move over real sockets, through picows.

Each phase of opening (``dns``, ``tcp``, ``proxy``, ``tls``, ``upgrade``) has a
deadline and a name of its own. This folder is the only place that knows
picows and its errors; everything leaves here as a ``TransportError``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from picows import WSHandshakeError, WSUpgradeRequest, WSUpgradeResponse, ws_connect

from ..errors import ConnectFailedError
from .base import Receiver
from .dialing import DialledSocket, dial
from .phases import Phases, UpgradeHeaders
from .picows_connection import PicowsConnection
from .quiet import handshake_noise_dropped
from .refusals import translate
from .resolver import Resolver
from .target import Endpoint, parse_proxy, parse_target

_MIB = 1024 * 1024

_TURNS = 64
"""Turns of the loop a socket is given to close; two to four are the rule."""


class PicowsTransport:
    """Opens WebSocket connections."""

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
        connect_timeout: float = 10.0,
        dns_timeout: float = 5.0,
        tcp_timeout: float = 5.0,
        proxy_timeout: float = 5.0,
        tls_timeout: float = 5.0,
        upgrade_timeout: float = 5.0,
        close_timeout: float = 1.0,
        max_message_size: int = 16 * _MIB,
        max_fragments: int = 4096,
        max_unsent: int = 4 * _MIB,
        extra_headers: Mapping[str, str] | None = None,
        family: int = socket.AF_UNSPEC,
        resolver: Resolver | None = None,
    ) -> None:
        self._given_context = ssl_context
        self._proxy = None if proxy is None else parse_proxy(proxy)
        self._given_proxy_context = proxy_ssl_context
        self._connect_timeout = connect_timeout
        self._limits = {
            "dns": dns_timeout,
            "tcp": tcp_timeout,
            "proxy": proxy_timeout,
            "tls": tls_timeout,
            "upgrade": upgrade_timeout,
        }
        self._close_timeout = close_timeout
        self._max_message_size = max_message_size
        self._max_fragments = max_fragments
        self._max_unsent = max_unsent
        self._extra_headers = dict(extra_headers or {})
        self._family = family
        self._resolver = resolver or Resolver()
        self.binary_ignored = 0
        """Binary messages ignored so far: the venue speaks text."""

    async def connect(self, url: str, receiver: Receiver) -> PicowsConnection:
        """
        Open a connection that works for ``receiver``.

        Frames that came with the answer to the upgrade are delivered after the
        caller has run on: it knows the connection before its first frame.

        Raises:
            ConfigError: ``url`` is not ``ws://`` or ``wss://`` with a host.
            ConnectFailedError: it could not be opened within its deadlines.
        """
        target = parse_target(url)
        try:
            async with asyncio.timeout(None) as timer:
                phases = Phases(timer, self._limits, self._connect_timeout)
                connection = await self._attempt(target, receiver, phases)
        except TimeoutError:
            raise phases.timed_out() from None
        asyncio.get_running_loop().call_soon(connection.release)
        return connection

    async def _attempt(
        self, target: Endpoint, receiver: Receiver, phases: Phases
    ) -> PicowsConnection:
        try:
            return await self._open(target, receiver, phases)
        except Exception as error:  # noqa: BLE001 -- translated, whatever it is
            phase = phases.name
            if phase == "proxy" and _is_about_tls(error):
                phase = self._whose_tls(target)
            # What python-socks says may quote the proxy's URL, password and all.
            quotes = self._proxy is not None and self._proxy.password is not None
            raise self._told(phase, error) from (None if quotes else error)

    def _told(self, phase: str, error: Exception) -> ConnectFailedError:
        failure = translate(phase, error)
        secret = self._proxy and self._proxy.password
        if secret:
            for spelling in (secret, unquote(secret)):
                failure.detail = failure.detail.replace(spelling, "***")
        return failure

    def _whose_tls(self, target: Endpoint) -> str:
        if self._proxy is not None and self._proxy.is_secure and not target.is_secure:
            return "proxy"
        return "tls"

    async def _open(
        self, target: Endpoint, receiver: Receiver, phases: Phases
    ) -> PicowsConnection:
        sock = await self._dial(self._proxy or target, phases)
        opened = False
        try:
            with handshake_noise_dropped():
                connection = await self._upgrade(target, sock, receiver, phases)
            opened = True
        finally:
            if not opened:
                await _discard(sock)
        return connection

    async def _dial(self, peer: Endpoint, phases: Phases) -> DialledSocket:
        phases.enter("dns" if self._proxy is None else "proxy")
        addresses = await self._resolver.resolve(peer.host, peer.port, self._family)
        if self._proxy is None:
            phases.enter("tcp")
        return await dial(addresses)

    async def _upgrade(
        self, target: Endpoint, sock: socket.socket, receiver: Receiver, phases: Phases
    ) -> PicowsConnection:
        connection = PicowsConnection(
            receiver,
            close_timeout=self._close_timeout,
            max_message_size=self._max_message_size,
            max_fragments=self._max_fragments,
            max_unsent=self._max_unsent,
            on_binary=self._count_binary,
        )

        def accept(
            _: WSUpgradeRequest, response: WSUpgradeResponse
        ) -> PicowsConnection:
            _refuse_extensions(response)
            return connection

        if target.is_secure and self._proxy is None:
            phases.enter("tls")
        elif target.is_secure:
            # Nobody tells when the proxy is through and TLS begins; but TLS has
            # its own timer in picows, so who hung remains known.
            phases.enter("proxy", and_then="tls")
        _, listener = await ws_connect(
            accept,
            target.url,
            socket_factory=lambda _: sock,
            logger_name=_silent_logger(),
            # Our own timer ends each phase; this is the net below it.
            websocket_handshake_timeout=self._connect_timeout,
            enable_auto_ping=False,
            enable_auto_pong=False,  # PicowsConnection answers, reserved bits checked
            max_frame_size=self._max_message_size,
            max_redirects=0,
            extra_headers=UpgradeHeaders(self._extra_headers, phases),
            **self._proxy_settings,
            **(self._tls_settings if target.is_secure else {}),
        )
        # A peer that hangs up instead of answering looks like success to picows.
        # One that hangs up after it has answered is a connection, opened and lost.
        if listener is None:
            raise ConnectionResetError
        return connection

    @cached_property
    def _tls_settings(self) -> dict[str, Any]:
        # Made once: a default context costs some thirty milliseconds.
        context = self._given_context
        if context is None:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        return {
            "ssl_context": context,
            "ssl_handshake_timeout": self._limits["tls"],
            "ssl_shutdown_timeout": self._close_timeout,
        }

    @cached_property
    def _proxy_settings(self) -> dict[str, Any]:
        if self._proxy is None:
            return {}
        settings: dict[str, Any] = {"proxy": self._proxy.url}
        if self._proxy.is_secure:
            settings["proxy_ssl_context"] = (
                self._given_proxy_context or ssl.create_default_context()
            )
        return settings

    def _count_binary(self) -> None:
        self.binary_ignored += 1


def _refuse_extensions(response: WSUpgradeResponse) -> None:
    for header in ("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"):
        if header in response.headers:
            raise WSHandshakeError(f"{header} was answered but not asked for")


def _is_about_tls(error: Exception) -> bool:
    return isinstance(error, ssl.SSLError | ConnectionAbortedError)


async def _discard(sock: socket.socket) -> None:
    # A cancelled ws_connect leaves its socket with a transport nobody can reach.
    # Cut here, the transport notices and lets go within a few turns of the loop.
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    for _ in range(_TURNS):
        if sock.fileno() < 0:
            return
        await asyncio.sleep(0)
    sock.close()


def _silent_logger() -> logging.Logger:
    # Not in the tree of loggers: picows logs what it meets as an error, which is
    # news for the session here, and nothing to print.
    return logging.Logger("picows", logging.CRITICAL + 1)  # noqa: LOG001
