"""
The paper server: the venue's ``/exchange``, ``/info`` and ``/ws`` on this machine.

``async with PaperServer(engine) as server`` makes ``server.url`` an API URL for any
Hyperliquid client; the account is the one of whoever signed. Loopback only, unless
there is a token; other pages' requests are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Self

from ...serving.site import check_port, opened, url_of
from .signatures import Network, check_installed
from .trader import Trader
from .wallets import DEFAULT_CASH

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8767
_MOST_BODY = 1 << 20


class PaperServer:
    """
    Serves a ``PaperTradingEngine`` to clients of the venue.

    Args:
        engine: what trades; started and stopped by whoever made it.
        host: where to listen; beyond loopback only with a ``token``.
        port: 0 takes a free one.
        cash: USDC an address begins with when it first signs; ``None`` refuses
            addresses without an account.
        agents: addresses that may sign, and for whom.
        network: which network clients sign for; the official SDK signs for testnet
            wherever the URL is not mainnet's.
        token: asked of everybody, if given.
        allowed_hosts: names that this machine may be asked by.

    Raises:
        ConfigError: something of that is not allowed, or the extra is missing.
    """

    def __init__(
        self,
        engine: Trader,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        cash: str | Decimal | None = DEFAULT_CASH,
        agents: Mapping[str, str] | None = None,
        network: Network = "testnet",
        token: str | None = None,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        from ...serving.guard import Guard  # noqa: PLC0415 -- aiohttp
        from .exchange import Exchange  # noqa: PLC0415
        from .info import Info  # noqa: PLC0415
        from .telling_accounts import AccountTelling  # noqa: PLC0415
        from .wallets import Wallets  # noqa: PLC0415

        check_installed()
        self.host, self.port = host, check_port(port)
        self.engine = engine
        self.wallets = Wallets(engine, cash, agents)
        methods = ("GET", "HEAD", "POST")
        self._guard = Guard(host, token, tuple(allowed_hosts), methods)
        self._info = Info(engine, self.wallets)
        self._exchange = Exchange(engine, self.wallets, network)
        self._telling = AccountTelling(engine, self.wallets)
        self._routes: Any = None
        self._runner: Any = None

    @property
    def url(self) -> str:
        """The API URL for clients."""
        return url_of(self.host, self.port)

    async def start(self) -> Self:
        """
        Begin to serve; do nothing if it does already.

        Raises:
            ConfigError: the address is in use, or not this machine's.
        """
        from aiohttp import web  # noqa: PLC0415

        from ...serving.guard import middleware  # noqa: PLC0415
        from .control import Control  # noqa: PLC0415
        from .routes import Routes, marked  # noqa: PLC0415

        if self._runner is not None:
            return self
        app = web.Application(
            middlewares=[marked, middleware(self._guard)],  # type: ignore[list-item]
            client_max_size=_MOST_BODY,
        )
        self._routes = Routes(self.engine, self._info, self._exchange, self._telling)
        self._routes.add_to(app)
        Control(self.engine).add_to(app)
        self._runner = await opened(app, self.host, self.port)
        self.port = self._runner.addresses[0][1]
        await self._telling.start()
        return self

    async def stop(self) -> None:
        """Stop serving and hang up on everyone."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        await self._telling.stop()
        await self._routes.hang_up()
        await runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
