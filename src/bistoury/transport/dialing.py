"""
How a TCP connection is opened, when a name has several addresses.

One address after another, a quarter of a second apart and the families taking
turns (RFC 8305), so that a black hole costs that quarter instead of the whole
deadline. The first to answer wins; every other socket is closed before this
returns, also when it is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

from .resolver import AddressInfo

STAGGER = 0.25
"""Seconds an address is given before the next one is tried beside it."""

_UNANSWERED_MS = 20_000
"""After how long unacknowledged data ends a connection."""

_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
"""A silent peer is probed after 10 s and given up 15 s later."""


class DialledSocket(socket.socket):
    """
    A connected socket that goes on knowing its peer.

    A reset may arrive before the socket is handed on, and then the kernel no
    longer names the peer. picows takes that for a socket still to be connected,
    and would look its host up in the default executor.
    """

    peer: Any = None

    def getpeername(self) -> Any:
        """Return the address that was dialled."""
        return super().getpeername() if self.peer is None else self.peer


async def dial(
    addresses: Iterable[AddressInfo], stagger: float = STAGGER
) -> DialledSocket:
    """
    Return a socket connected to the first address that answers.

    Raises:
        OSError: none did; what the addresses said, if they differ, together.
    """
    loop = asyncio.get_running_loop()
    waiting = deque(_alternating(addresses))
    attempts: list[asyncio.Task[DialledSocket]] = []
    running: list[asyncio.Task[DialledSocket]] = []
    refusals: list[OSError] = []
    winner: DialledSocket | None = None
    try:
        while waiting or running:
            if waiting:
                attempt = loop.create_task(_connect(waiting.popleft()))
                attempts.append(attempt)
                running.append(attempt)
            await asyncio.wait(
                running,
                timeout=stagger if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in [one for one in running if one.done()]:
                running.remove(attempt)
                error = attempt.exception()
                if error is None:
                    winner = attempt.result()
                    return winner
                if not isinstance(error, OSError):
                    raise error
                refusals.append(error)
    finally:
        await _leave_none_but(winner, attempts)
    raise _summary(refusals)


async def _connect(info: AddressInfo) -> DialledSocket:
    family, kind, protocol, _, address = info
    sock = DialledSocket(family, kind, protocol)
    try:
        sock.setblocking(False)
        _set_options(sock)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    sock.peer = address
    return sock


def _set_options(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A net under the session's own liveness, not a part of it.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_KEEPALIVE, ("TCP_USER_TIMEOUT", _UNANSWERED_MS)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _leave_none_but(
    winner: DialledSocket | None, attempts: list[asyncio.Task[DialledSocket]]
) -> None:
    # Closed here and now where a connection was made but not chosen: a second
    # cancellation may interrupt the wait below.
    for attempt in attempts:
        attempt.add_done_callback(lambda done: _close_unless(winner, done))
        attempt.cancel()
    if any(not attempt.done() for attempt in attempts):
        await asyncio.gather(*attempts, return_exceptions=True)
    for attempt in attempts:
        _close_unless(winner, attempt)


def _close_unless(
    winner: DialledSocket | None, attempt: asyncio.Task[DialledSocket]
) -> None:
    if attempt.cancelled() or attempt.exception() is not None:
        return
    if attempt.result() is not winner:
        attempt.result().close()


def _alternating(addresses: Iterable[AddressInfo]) -> list[AddressInfo]:
    families: dict[int, list[AddressInfo]] = {}
    for info in addresses:
        families.setdefault(info[0], []).append(info)
    rounds = chain.from_iterable(zip_longest(*families.values()))
    return [info for info in rounds if info is not None]


def _summary(refusals: list[OSError]) -> OSError:
    if not refusals:
        return OSError("the name has no address")
    if len({str(error) for error in refusals}) == 1:
        return refusals[0]
    said = dict.fromkeys(
        os.strerror(error.errno) if error.errno else str(error) for error in refusals
    )
    return OSError("; ".join(said))
