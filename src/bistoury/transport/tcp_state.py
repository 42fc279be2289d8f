"""
How TCP ended, when no close frame says why.

picows does not pass on what the socket raised, but Linux remembers: a reset
leaves no state, an end of file leaves our own half open.
"""

from __future__ import annotations

import socket

_CLOSED, _CLOSE_WAIT = 7, 8


def how_tcp_ended(sock: socket.socket) -> str:
    """Say how ``sock``, not yet closed by us, came to its end."""
    try:
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except (OSError, AttributeError):
        return "connection lost"
    if state == _CLOSED:
        return "reset: the connection was cut"
    if state == _CLOSE_WAIT:
        return "end of file: the peer hung up without a close frame"
    return "connection lost"
