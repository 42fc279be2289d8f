"""How an application gets its address on this machine, whatever it serves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from aiohttp import web

_CLOSED_WITHIN = 0.5
_HIGHEST_PORT = 65_535


def check_port(port: int) -> int:
    """
    Return ``port``, if it can be one; 0 takes a free one.

    Raises:
        ConfigError: it cannot.
    """
    if not isinstance(port, int) or not 0 <= port <= _HIGHEST_PORT:
        raise ConfigError("port", port, f"a port from 0 to {_HIGHEST_PORT}")
    return port


def url_of(host: str, port: int) -> str:
    """Return where something is served."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


async def opened(app: web.Application, host: str, port: int) -> web.AppRunner:
    """
    Serve an application; return what ends it with ``cleanup``.

    Raises:
        ConfigError: the address is in use, or not this machine's.
    """
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
