"""
The paper server: the venue's ``/exchange``, ``/info`` and ``/ws`` on this machine.

``async with PaperServer(engine) as server`` makes ``server.url`` an API URL for any
Hyperliquid client; the account is the one of whoever signed. Loopback only, unless
there is a token; other pages' requests are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from ...serving.site import LocalServer
from .signatures import Network, check_installed
from .trader import Trader
from .wallets import DEFAULT_CASH

if TYPE_CHECKING:
    from aiohttp import web

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8767


class PaperServer(LocalServer):
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

    most_body = 1 << 20

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
        from .routes import Routes  # noqa: PLC0415
        from .telling_accounts import AccountTelling  # noqa: PLC0415
        from .wallets import Wallets  # noqa: PLC0415

        check_installed()
        methods = ("GET", "HEAD", "POST")
        guard = Guard(host, token, tuple(allowed_hosts), methods)
        super().__init__(host, port, guard)
        self.engine = engine
        self.wallets = Wallets(engine, cash, agents)
        info = Info(engine, self.wallets)
        exchange = Exchange(engine, self.wallets, network)
        self._telling = AccountTelling(engine, self.wallets)
        self._routes = Routes(engine, info, exchange, self._telling)

    async def _begin(self, app: web.Application) -> None:
        from .control import Control  # noqa: PLC0415
        from .routes import mark  # noqa: PLC0415

        app.on_response_prepare.append(mark)
        self._routes.add_to(app)
        Control(self.engine).add_to(app)
        await self._telling.start()

    async def _end(self) -> None:
        await self._telling.stop()
        await self._routes.hang_up()
