"""
The first message of a market that the client follows already.

HL: whoever subscribes to a book or to prices is told at once how they are. The
client's own subscription has had that message long ago, so it is asked for over REST.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import BistouryError
from ...hyperliquid.client import HyperLiquidIntegration

Body = dict[str, Any]

_SHAPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "l2Book": ("l2Book", lambda book: book),
    "bbo": ("l2Book", lambda book: {**_place(book), "bbo": _touch(book["levels"])}),
    "allMids": ("allMids", lambda mids: {"mids": mids}),
}
"""By type: what is asked instead, and how its answer becomes the message's data."""


async def greeting(client: HyperLiquidIntegration, body: Body) -> Body | None:
    """Return the first message of a subscription; ``None`` if it has none, or late."""
    shape = _SHAPES.get(body["type"])
    if shape is None or body.get("fast"):
        return None
    asked, made = shape
    try:
        answer = await client.info.request({**body, "type": asked})
        data = made(answer)
    except (BistouryError, KeyError, TypeError, IndexError):
        return None  # the next message of the feed will do
    return None if data is None else {"channel": body["type"], "data": data}


def _place(book: Body) -> Body:
    return {"coin": book["coin"], "time": book["time"]}


def _touch(levels: list[list[Body]]) -> list[Body | None]:
    return [side[0] if side else None for side in levels]
