"""
How a question is put to ``POST /info`` until it is answered.

The venue's weight limit is kept by waiting; what may pass by itself is tried
again, under one deadline that the waiting does not use up.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self

import aiohttp
import stamina

from ..errors import RateLimitedError, RequestError
from ..session.budget import Window
from .rest_budget import WeightBudget
from .rest_call import TransientError, Way, open_session, post
from .rest_weights import most_weight_after, weight_after, weight_before

LONGEST_PAUSE = 900.0
"""A ``Retry-After`` beyond this, in seconds, is taken for a mistake."""


def _ignore(ok: bool, seconds: float) -> None:
    """Let nobody know."""


class RestClient:
    """
    Asks ``{api_url}/info``.

    ``window`` is the venue's weight limit, to be shared by all who ask from one
    address. ``session`` is somebody else's (never closed here); without one, one
    is opened when first needed, on the running loop, and closed by ``close``.
    ``on_sample`` hears of each attempt: whether the venue answered (a refusal is
    an answer), and after how many seconds. ``timeout`` is that of an attempt,
    ``total_timeout`` that of all of them, waiting for the budget not counted.
    ``runner`` awaits requests elsewhere, for clients that do not live where they are
    asked.
    """

    def __init__(
        self,
        api_url: str,
        *,
        window: Window | None = None,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 10.0,
        total_timeout: float = 45.0,
        attempts: int = 5,
        first_wait: float = 0.25,
        longest_wait: float = 5.0,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        on_sample: Callable[[bool, float], None] = _ignore,
        clock: Callable[[], float] = time.monotonic,
        runner: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]] | None = None,
    ) -> None:
        _silence_stamina()
        self.window = window if window is not None else Window(1200)
        self._way = Way(f"{api_url}/info", timeout, proxy, ssl_context)
        self._given_session = session
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._total_timeout = total_timeout
        self._attempts = attempts
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._trust_env = trust_env
        self._on_sample = on_sample
        self._runner = runner
        self._budget = WeightBudget(self.window, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what was opened here; a later request opens it again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def request(self, body: dict[str, Any], *, weight: int | None = None) -> Any:
        """
        Ask for ``body`` and return the answer, retrying what may pass.

        ``weight`` overrides what the request costs before its answer.

        Raises:
            RateLimitedError: the venue went on asking us to slow down.
            RequestError: it refused, or did not answer in time.
        """
        asking = self._ask(body, weight)
        return await (asking if self._runner is None else self._runner(asking))

    async def _ask(self, body: dict[str, Any], weight: int | None) -> Any:
        what = _describe(body)
        base = weight_before(body) if weight is None else weight
        deadline = asyncio.timeout(self._total_timeout)
        try:
            async with deadline:
                async for attempt in stamina.retry_context(
                    on=lambda error: self._retry(error, deadline),
                    attempts=self._attempts,
                    timeout=None,
                    wait_initial=self._first_wait,
                    wait_jitter=self._first_wait,
                    wait_max=self._longest_wait,
                ):
                    with attempt:
                        return await self._attempt(body, what, base, deadline)
        except TransientError as error:
            raise RequestError(what, error.detail, error.status) from error
        except TimeoutError as error:
            detail = f"no answer in {self._total_timeout:g} s, all attempts together"
            raise RequestError(what, detail) from error
        raise AssertionError("stamina returns or raises")

    async def _attempt(
        self, body: dict[str, Any], what: str, base: int, deadline: asyncio.Timeout
    ) -> Any:
        """Ask once, when the budget allows it; stop the total clock meanwhile."""
        loop = asyncio.get_running_loop()
        left = _left(deadline)
        if (pause := self._budget.pause_left) > left:
            raise RateLimitedError(what, pause)
        deadline.reschedule(None)
        held = await self._budget.take(what, base, most_weight_after(body))
        deadline.reschedule(loop.time() + left)
        started, extra = loop.time(), 0
        try:
            answer = await post(self._opened(), self._way, body, what)
            if isinstance(answer, list):
                extra = weight_after(body, len(answer))
        except RequestError as error:
            answered = not isinstance(error, TransientError | RateLimitedError)
            self._on_sample(answered, loop.time() - started)
            raise
        else:
            self._on_sample(True, loop.time() - started)
            return answer
        finally:
            self._budget.settle(held, extra)

    def _retry(self, error: Exception, deadline: asyncio.Timeout) -> bool | float:
        """Return whether to try again, or after how many seconds."""
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            pause = min(error.retry_after, LONGEST_PAUSE)
            self._budget.pause(pause)
            return pause if pause < _left(deadline) else False
        return isinstance(error, TransientError | RateLimitedError)

    def _opened(self) -> aiohttp.ClientSession:
        if self._given_session is not None:
            return self._given_session
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or loop is not self._loop:
            self._session = open_session(trust_env=self._trust_env)
            self._loop = loop
        return self._session


def _silence_stamina() -> None:
    """Keep Python from printing that a retry was scheduled: nobody asked to hear."""
    logger = logging.getLogger("stamina")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _left(deadline: asyncio.Timeout) -> float:
    """Return how many seconds are left; asked only while the clock runs."""
    when = deadline.when()
    assert when is not None
    return when - asyncio.get_running_loop().time()


def _describe(body: dict[str, Any]) -> str:
    """Name a request in an error: what was asked, about which coin; not for whom."""
    asked = {**body, **(body["req"] if isinstance(body.get("req"), dict) else {})}
    words = (asked.get(name) for name in ("type", "dex", "coin", "interval"))
    return " ".join(str(word) for word in words if word)
