"""What a server on this machine is, whatever it serves: from ``start`` to ``stop``."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Self

from ..errors import ConfigError

if TYPE_CHECKING:
    from aiohttp import web

    from .guard import Guard

_CLOSED_WITHIN = 0.5
_HIGHEST_PORT = 65_535


class LocalServer(ABC):
    """Serves an application behind a guard; port 0 takes a free one."""

    most_body = 16 * 1024

    def __init__(self, host: str, port: int, guard: Guard) -> None:
        if not isinstance(port, int) or not 0 <= port <= _HIGHEST_PORT:
            raise ConfigError("port", port, f"a port from 0 to {_HIGHEST_PORT}")
        self.host, self.port = host, port
        self._guard = guard
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}"

    @abstractmethod
    async def _begin(self, app: web.Application) -> None:
        """Put every path in its place, and start what stands behind them."""

    @abstractmethod
    async def _end(self) -> None:
        """Stop what ``_begin`` started, and hang up on everyone."""

    async def start(self) -> Self:
        """
        Begin to serve; do nothing if it does already.

        Raises:
            ConfigError: the address is in use, or not this machine's.
        """
        from aiohttp import web  # noqa: PLC0415 -- for those who serve

        from .guard import middleware  # noqa: PLC0415

        if self._runner is not None:
            return self
        app = web.Application(
            middlewares=[middleware(self._guard)],  # type: ignore[list-item]
            client_max_size=self.most_body,
        )
        await self._begin(app)
        try:
            self._runner = await _opened(app, self.host, self.port)
        except ConfigError:
            await self._end()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Stop serving and hang up on everyone."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        await self._end()
        await runner.cleanup()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def _opened(app: web.Application, host: str, port: int) -> web.AppRunner:
    from aiohttp import web  # noqa: PLC0415

    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_CLOSED_WITHIN,
        # What is no HTTP at all is answered with 400 and is not worth a traceback;
        # what goes wrong in a handler is logged by the guard.
        logger=_nobody(),
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        taken = f"an address that is free on this machine ({error.strerror})"
        raise ConfigError("address", f"{host}:{port}", taken) from None
    return runner


def _nobody() -> logging.Logger:
    """Return a logger that belongs to nobody and says nothing."""
    logger = logging.Logger("nobody")  # noqa: LOG001 -- not one of the process's
    logger.addHandler(logging.NullHandler())
    return logger
