"""
What ``POST /info`` answers: users from paper accounts, markets from the real venue.

What is about a user never goes to the venue, whoever the user is: a paper server
knows paper accounts, and real ones are not mixed in.
"""

from __future__ import annotations

import time
from typing import Any

from ...errors import BistouryError, ConfigError, RequestError
from ...hyperliquid import validate
from ..wire import UNREADABLE, UnreadableError
from .account_answers import AccountAnswers
from .trader import Trader
from .wallets import Wallets

Answer = tuple[int, Any]

# Every bot asks for these when it starts, and they hardly change.
_KEPT = ("meta", "spotMeta", "perpDexs", "allPerpMetas")
_KEPT_FOR = 60.0


class Info:
    """Answers questions."""

    def __init__(self, trader: Trader, wallets: Wallets) -> None:
        self._trader = trader
        self._accounts = AccountAnswers(wallets)
        self._kept: dict[tuple[str, str], tuple[float, Any]] = {}

    async def answer(self, body: Any) -> Answer:
        """Return the HTTP status and the answer to a question."""
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            return 422, UNREADABLE
        try:
            if self._accounts.knows(body["type"]) or "user" in body:
                return 200, self._about_user(body)
            return 200, await self._about_market(body)
        except (UnreadableError, ConfigError) as error:
            return 422, f"{UNREADABLE}: {error}"
        except RequestError as error:
            return error.status or 503, f"the venue did not answer: {error}"
        except BistouryError as error:
            return 503, f"Paper: {error}"

    def _about_user(self, body: dict[str, Any]) -> Any:
        user = validate.address(body.get("user"))
        if not self._accounts.knows(body["type"]):
            raise UnreadableError(f"type: {body['type']!r} is not answered on paper")
        desk = self._trader.venue.desk
        return self._accounts.answer(user, desk, {**body, "user": user})

    async def _about_market(self, body: dict[str, Any]) -> Any:
        key = (body["type"], str(body.get("dex") or ""))
        since, kept = self._kept.get(key, (0.0, None))
        if kept is not None and time.monotonic() - since < _KEPT_FOR:
            return kept
        answer = await self._trader.client.info.request(body)
        if key[0] in _KEPT:
            self._kept[key] = time.monotonic(), answer
        return answer
