"""
What is kept from the loop's exception handler, and why.

A peer that hangs up in the middle of a TLS handshake is news for whoever
connects, and gets there. aiofastnet, below picows, reports it to the loop as
well, with an exception class where an exception belongs: the default handler
cannot even print that. So while a connection is being opened, and only then,
reports of that shape are dropped; all others pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


class _Filter:
    """Stands before ``handler`` while anybody needs it."""

    def __init__(self, handler: _Handler | None) -> None:
        self.handler = handler
        self.users = 0

    def __call__(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Pass on what is not a class."""
        if isinstance(context.get("exception"), type):
            return
        if self.handler is None:
            loop.default_exception_handler(context)
        else:
            self.handler(loop, context)


@contextmanager
def handshake_noise_dropped() -> Iterator[None]:
    """Drop reports of handshakes that were cut, on the running loop."""
    loop = asyncio.get_running_loop()
    current = loop.get_exception_handler()
    own = current if isinstance(current, _Filter) else _Filter(current)
    own.users += 1
    loop.set_exception_handler(own)
    try:
        yield
    finally:
        own.users -= 1
        if own.users == 0 and loop.get_exception_handler() is own:
            loop.set_exception_handler(own.handler)
