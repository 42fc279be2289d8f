"""
What can be asked of the venue over REST.

Every verb checks its arguments before anything is sent, and returns what the
venue answers, in its shape; questions about a stretch of time are asked page by
page. Moments are milliseconds since 1970 or datetimes with a time zone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from datetime import datetime
from inspect import isawaitable
from itertools import product
from typing import Any, TypeAlias

from ..errors import ConfigError, RequestError
from . import validate
from .rest_client import RestClient
from .rest_paging import Pages, Row, Rows, fill_key, funding_key, ledger_key, row_time
from .rest_weights import FILLS_PAGE, ROWS_PAGE

Moment: TypeAlias = int | datetime
Progress: TypeAlias = Callable[[int, int], Awaitable[None] | None]

DAY_MS = 86_400_000


class Info(RestClient):
    """Asks the venue; see ``RestClient`` for how patiently."""

    # Markets

    async def get_all_mids(self, dex: str | None = None) -> dict[str, str]:
        """Return the middle price of every coin of a dex, and of spot."""
        return await self._object({"type": "allMids", **_of_dex(dex)})

    async def get_meta(self, dex: str | None = None) -> Row:
        """Return the universe of perpetuals; a coin's position is its asset id."""
        return await self._object({"type": "meta", **_of_dex(dex)})

    async def get_meta_and_contexts(self, dex: str | None = None) -> list[Any]:
        """Return the universe, and the context of each perpetual beside it."""
        return await self._list({"type": "metaAndAssetCtxs", **_of_dex(dex)})

    async def get_spot_meta(self) -> Row:
        """Return tokens and pairs; a pair's ``index`` is not its position."""
        return await self._object({"type": "spotMeta"})

    async def get_candles(
        self, coin: str, interval: str, start: Moment, end: Moment | None = None
    ) -> list[Row]:
        """Return the bars that overlap a stretch of time, at most the last 5000."""
        body = _candles(coin, interval, start, end)
        return await self._list(body)

    async def get_order_book(
        self, coin: str, n_sig_figs: int | None = None, mantissa: int | None = None
    ) -> Row:
        """Return up to 20 levels a side, best first, aggregated if asked for."""
        precision = validate.book_precision(n_sig_figs, mantissa)
        body = {"type": "l2Book", "coin": validate.coin(coin), **precision}
        return await self._object(body)

    async def get_funding_rate(
        self, coin: str, start: Moment | None = None, end: Moment | None = None
    ) -> Rows:
        """Return the hourly funding rates of a stretch; by default of one day."""
        if start is None:
            until = _now_ms() if end is None else validate.milliseconds(end, "end")
            start = max(0, until - DAY_MS)
        body = {"type": "fundingHistory", "coin": validate.coin(coin)}
        return await self._pages(body, start, end, ROWS_PAGE, funding_key)

    async def recent_trades(self, coin: str) -> list[Row]:
        """Return the latest few trades, newest first."""
        body = {"type": "recentTrades", "coin": validate.coin(coin)}
        return await self._list(body)

    async def exchange_status(self) -> Row:
        """Return the venue's clock, and what is special about it now."""
        return await self._object({"type": "exchangeStatus"})

    async def get_historical_candles_bulk(
        self,
        coins: Iterable[str],
        intervals: Iterable[str],
        start: Moment,
        end: Moment | None = None,
        progress: Progress | None = None,
        *,
        concurrency: int = 4,
    ) -> dict[tuple[str, str], list[Row]]:
        """
        Return the bars of every coin in every interval.

        ``progress`` is called with how many are done, and of how many. The
        first request that fails for good ends them all.
        """
        if isinstance(concurrency, bool) or concurrency < 1:
            raise ConfigError("concurrency", concurrency, "a whole number from 1")
        pairs = list(product(_several(coins), _several(intervals)))
        bodies = {pair: _candles(*pair, start, end) for pair in pairs}
        found: dict[tuple[str, str], list[Row]] = {}
        waiting = iter(bodies.items())

        async def work() -> None:
            for pair, body in waiting:
                found[pair] = await self._list(body)
                if progress is not None:
                    told = progress(len(found), len(bodies))
                    if isawaitable(told):
                        await told

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(bodies))):
                    group.create_task(work())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return {pair: found[pair] for pair in bodies}

    # Users

    async def user_fills(self, user: str, aggregate_by_time: bool = False) -> list[Row]:
        """Return the latest 2000 fills, newest first."""
        body = {"type": "userFills", **_of_user(user), **_merged(aggregate_by_time)}
        return await self._list(body)

    async def user_fills_by_time(
        self,
        user: str,
        start: Moment,
        end: Moment | None = None,
        aggregate_by_time: bool = False,
    ) -> Rows:
        """Return the fills of a stretch, oldest first, among the last 10,000."""
        merged = _merged(aggregate_by_time)
        body = {"type": "userFillsByTime", **_of_user(user), **merged}
        return await self._pages(
            body, start, end, FILLS_PAGE, fill_key, may_merge=aggregate_by_time
        )

    async def user_funding(
        self, user: str, start: Moment | None = None, end: Moment | None = None
    ) -> Rows:
        """Return funding payments, oldest first."""
        body = {"type": "userFunding", **_of_user(user)}
        return await self._pages(body, start, end, ROWS_PAGE, funding_key)

    async def ledger_updates(
        self, user: str, start: Moment | None = None, end: Moment | None = None
    ) -> Rows:
        """Return movements that are neither trades nor funding, oldest first."""
        body = {"type": "userNonFundingLedgerUpdates", **_of_user(user)}
        return await self._pages(body, start, end, ROWS_PAGE, ledger_key)

    async def historical_orders(self, user: str) -> list[Row]:
        """Return what became of the latest 2000 orders, newest first."""
        return await self._list({"type": "historicalOrders", **_of_user(user)})

    async def open_orders(self, user: str, dex: str | None = None) -> list[Row]:
        """Return what rests now, in full; spot orders come with the main dex."""
        body = {"type": "frontendOpenOrders", **_of_user(user), **_of_dex(dex)}
        return await self._list(body)

    async def order_status(self, user: str, oid: int | str) -> Row:
        """Return the latest state of one order, by its id or its ``cloid``."""
        body = {"type": "orderStatus", **_of_user(user)}
        return await self._object({**body, "oid": validate.order_id(oid)})

    async def twap_slice_fills(self, user: str) -> list[Row]:
        """Return the latest fills of time-weighted orders."""
        return await self._list({"type": "userTwapSliceFills", **_of_user(user)})

    async def twap_slice_fills_by_time(
        self, user: str, start: Moment, end: Moment | None = None
    ) -> Rows:
        """Return the fills of time-weighted orders in a stretch, oldest first."""
        body = {"type": "userTwapSliceFillsByTime", **_of_user(user)}
        return await self._pages(body, start, end, FILLS_PAGE, fill_key)

    async def twap_history(self, user: str) -> list[Row]:
        """Return the steps of time-weighted orders; their ``time`` is in seconds."""
        return await self._list({"type": "twapHistory", **_of_user(user)})

    async def account_state(self, user: str, dex: str | None = None) -> Row:
        """Return positions and margin on one dex (``clearinghouseState``)."""
        body = {"type": "clearinghouseState", **_of_user(user), **_of_dex(dex)}
        return await self._object(body)

    async def spot_state(self, user: str) -> Row:
        """Return the tokens a user has (``spotClearinghouseState``)."""
        return await self._object({"type": "spotClearinghouseState", **_of_user(user)})

    # How

    async def _object(self, body: Row) -> dict[str, Any]:
        answer = await self.request(body)
        return answer if isinstance(answer, dict) else _refuse(body, answer)

    async def _list(self, body: Row) -> list[Any]:
        answer = await self.request(body)
        return answer if isinstance(answer, list) else _refuse(body, answer)

    async def _pages(
        self,
        body: Row,
        start: Moment | None,
        end: Moment | None,
        full: int,
        key: Callable[[Row], Hashable],
        *,
        may_merge: bool = False,
    ) -> Rows:
        """Ask page by page until there is nothing new."""
        body = {**body, **validate.time_range(start, end)}
        pages = Pages(full, key, row_time, may_merge=may_merge)
        try:
            while (following := pages.add(await self._list(body))) is not None:
                if following > body.get("endTime", following):
                    break
                body = {**body, "startTime": following}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            detail = f"an answer with rows that cannot be read: {error!r}"
            raise RequestError(str(body["type"]), detail, 200) from error
        return pages.rows


def _refuse(body: Row, answer: object) -> Any:
    """Say that there is no answer to this."""
    asked = body.get("req", body)
    about = asked.get("coin") or asked.get("dex")
    detail = f"an answer of an unexpected kind, {type(answer).__name__}"
    if answer is None:
        # HL: l2Book of a coin that does not exist (seen).
        detail = (
            f"the venue knows nothing of {about!r}" if about else "no answer (null)"
        )
    raise RequestError(str(body["type"]), detail, 200)


def _candles(coin: str, interval: str, start: Moment, end: Moment | None) -> Row:
    times = validate.time_range(validate.milliseconds(start, "start"), end)
    asked = {"coin": validate.coin(coin), "interval": validate.interval(interval)}
    return {"type": "candleSnapshot", "req": {**asked, **times}}


def _of_dex(dex: str | None) -> dict[str, str]:
    name = validate.dex(dex)
    return {"dex": name} if name else {}


def _of_user(user: str) -> dict[str, str]:
    return {"user": validate.address(user)}


def _merged(aggregate_by_time: bool) -> dict[str, bool]:
    return {"aggregateByTime": True} if aggregate_by_time else {}


def _several(names: Iterable[str]) -> list[str]:
    """Return each once; one alone is not taken for its letters."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
