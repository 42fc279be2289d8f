"""The client's questions; ``client.info`` has more of them."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..config import Config
from ..observability.monitor import Monitor
from .limits import Account
from .posts import Posts
from .residing import Residing, at_home

if TYPE_CHECKING:
    from .info import Info, Moment, Progress


class Requests(Residing):
    """
    Asks the venue, within its weight budget.

    Every verb raises ``ConfigError`` for a malformed argument, before anything is
    sent, and ``RequestError`` when the venue refuses or does not answer. Moments
    are milliseconds since 1970 or datetimes with a time zone.
    """

    config: Config
    _account: Account
    _monitor: Monitor
    _ssl_context: ssl.SSLContext | None
    _posts: Posts

    @cached_property
    def info(self) -> Info:
        """Everything that can be asked of the venue over REST."""
        from .info import Info  # noqa: PLC0415 -- aiohttp costs those who never ask

        return Info(
            self.config.api_url,
            window=self._account.rest_weight,
            proxy=self.config.proxy,
            trust_env=self.config.trust_env,
            ssl_context=self._ssl_context,
            on_sample=self._monitor.request_done,
            runner=self._run_at_home if self._io is not None else None,
        )

    @at_home
    async def request(self, body: Mapping[str, Any], timeout: float = 10.0) -> Any:
        """
        Ask the venue over the socket; ``body`` is what REST's ``/info`` takes.

        Fails at once when the connection is lost, and is never sent late.

        Raises:
            ConfigError: it is no question; nothing that is signed is ever sent.
            NotSentError: it did not leave.
            OutcomeUnknownError: it left and was not answered.
            RequestError: the venue refused it.
        """
        self._check_loop()
        return await self._posts.ask(body, timeout)

    async def get_all_mids(self, dex: str | None = None) -> dict[str, str]:
        """Return the mid price of every coin."""
        return await self.info.get_all_mids(dex)

    async def get_meta(self, dex: str | None = None) -> dict[str, Any]:
        """Return the universe of perpetuals; a coin's position is its asset id."""
        return await self.info.get_meta(dex)

    async def get_candles(
        self, coin: str, interval: str, start: Moment, end: Moment | None = None
    ) -> list[dict[str, Any]]:
        """Return the bars that overlap a stretch of time, at most the last 5000."""
        return await self.info.get_candles(coin, interval, start, end)

    async def get_order_book(
        self, coin: str, n_sig_figs: int | None = None, mantissa: int | None = None
    ) -> dict[str, Any]:
        """Return up to 20 levels a side, best first."""
        return await self.info.get_order_book(coin, n_sig_figs, mantissa)

    async def get_funding_rate(
        self, coin: str, start: Moment | None = None, end: Moment | None = None
    ) -> list[dict[str, Any]]:
        """Return the hourly funding rates of a stretch; by default of one day."""
        return await self.info.get_funding_rate(coin, start, end)

    async def get_historical_candles_bulk(
        self,
        coins: Iterable[str],
        intervals: Iterable[str],
        start: Moment,
        end: Moment | None = None,
        progress: Progress | None = None,
    ) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """
        Return the bars of every coin in every interval.

        ``progress`` is called with how many are done, and of how many.
        """
        return await self.info.get_historical_candles_bulk(
            coins, intervals, start, end, progress
        )

    async def _close_requests(self) -> None:
        if "info" in self.__dict__:
            await self.info.close()
