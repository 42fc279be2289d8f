"""How the venue answers what a client sends: the rules and the texts of §1.8-1.10."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from .audience import Audience
from .conduct import Conduct
from .connections import Connection, Reply
from .faults import RateLimit
from .instruments import Instrument
from .link import Frame
from .numbers import milliseconds
from .publisher import Publisher, frame
from .settings import Settings
from .subscriptions import Subscription, Unreadable, makes_sense, parse

PONG = b'{"channel":"pong"}'
_MOST_ID = (1 << 64) - 1

Send = Callable[[Connection, Frame], None]
Info = Callable[[dict[str, Any], int, str], tuple[int, object]]


class Desk:
    """Answers requests; it holds no state of its own."""

    def __init__(
        self,
        *,
        settings: Settings,
        coins: dict[str, Instrument],
        publisher: Publisher,
        audience: Audience,
        conduct: Conduct,
        send: Send,
        info: Info,
        rng: Random,
    ) -> None:
        self._settings = settings
        self._coins = coins
        self._dexs = {coin.dex for coin in coins.values()}
        self._publisher = publisher
        self._audience = audience
        self._conduct = conduct
        self._send = send
        self._info = info
        self._rng = rng

    def answer(self, connection: Connection, data: bytes, now: int, stamp: int) -> None:
        """Answer one frame."""
        text = self._over_rate(connection, now)
        if text is not None:
            self._refuse(connection, text)
            return
        try:
            self._read(connection, data, now, stamp)
        except (Unreadable, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # HL: the client's text is appended as it came (§1.9).
            raw = data.decode("utf-8", "replace")
            self._refuse(
                connection,
                f"Error parsing JSON into valid websocket request: {raw}",
            )

    def _over_rate(self, connection: Connection, now: int) -> str | None:
        limited = self._conduct.first(RateLimit, connection.number)
        if limited is not None:
            return limited.text
        if connection.visitor.messages.spend(now):
            return None
        limit = self._settings.limits.messages_per_minute
        return f"Cannot send more than {limit} messages per minute."

    def _read(self, connection: Connection, data: bytes, now: int, stamp: int) -> None:
        request = msgspec.json.decode(data)
        match request:
            case {"method": "ping"}:
                self._send(connection, Frame(PONG, "pong"))
            case {"method": "subscribe", "subscription": body}:
                self._subscribe(connection, parse(body), now, stamp)
            case {"method": "unsubscribe", "subscription": body}:
                self._unsubscribe(connection, parse(body), now)
            case {"method": "post", "id": int(number), "request": dict(asked)}:
                if isinstance(number, bool) or not 0 <= number <= _MOST_ID:
                    raise Unreadable
                self._post(connection, number, asked, now)
            case _:
                raise Unreadable

    def _subscribe(
        self, connection: Connection, asked: Subscription, now: int, stamp: int
    ) -> None:
        text = self._objection(connection, asked)
        if text is not None:
            self._refuse(connection, text, asked)
            return
        connection.leaving.pop(asked.text, None)
        connection.subscriptions[asked.text] = asked
        self._publisher.follow(asked, now)
        first = self._publisher.first(asked, stamp)
        self._audience.join(asked, connection.number)
        self._acknowledge(connection, "subscribe", asked)
        if first is not None:
            subject = asked.coin
            self._send(connection, Frame(first, "data", asked.type, subject))

    def _objection(self, connection: Connection, asked: Subscription) -> str | None:
        refusal = self._conduct.refuses(
            asked.type, asked.coin, asked.text, connection.number
        )
        if refusal is not None:
            return refusal
        if asked.text in connection.subscriptions:
            # HL: no second acknowledgement and no new snapshot (§1.9).
            return f"Already subscribed: {asked.text}"
        if not makes_sense(asked, self._coins, self._dexs):
            colon = ":" if self._settings.invalid_subscription_colon else ""
            return f"Invalid subscription{colon} {asked.text}"
        limits, visitor = self._settings.limits, connection.visitor
        if visitor.subscriptions >= limits.subscriptions:
            return f"Cannot subscribe to more than {limits.subscriptions} channels."
        if asked.user and len(visitor.users | {asked.user}) > limits.users:
            return self._settings.users_text.replace("{limit}", str(limits.users))
        return None

    def _unsubscribe(
        self, connection: Connection, asked: Subscription, now: int
    ) -> None:
        if connection.subscriptions.pop(asked.text, None) is None:
            self._refuse(connection, f"Already unsubscribed: {asked.text}", asked)
            return
        late = milliseconds(self._settings.late_frames)
        if late:
            connection.leaving[asked.text] = (now + late, asked)
        else:
            self._audience.leave(asked, connection.number)
        self._acknowledge(connection, "unsubscribe", asked)

    def _acknowledge(
        self, connection: Connection, method: str, asked: Subscription
    ) -> None:
        data = (
            f'{{"channel":"subscriptionResponse","data":{{"method":"{method}",'
            f'"subscription":{asked.text}}}}}'
        ).encode()
        ack = Frame(data, "ack", asked.type, asked.coin, method)
        self._send(connection, ack)

    def _post(
        self, connection: Connection, number: int, asked: dict[str, Any], now: int
    ) -> None:
        kind, payload = asked.get("type"), asked.get("payload")
        if kind not in {"info", "action"} or not isinstance(payload, dict):
            raise Unreadable
        if connection.visitor.posts >= self._settings.limits.posts_in_flight:
            self._refuse(connection, f"too many pending post requests id={number}")
            return
        response = self._response(connection, str(kind), payload, now)
        wait = self._settings.post_latency
        wait += self._settings.post_jitter * self._rng.random()
        data = frame("post", {"id": number, "response": response})
        connection.replies.append(Reply(now + milliseconds(wait), data))

    def _response(
        self, connection: Connection, kind: str, payload: dict[str, Any], now: int
    ) -> dict[str, Any]:
        if kind == "action":
            # HL: what every unknown signer hears (§3); this venue knows none.
            text = "User or API Wallet 0x" + "0" * 40 + " does not exist."
            return {"type": "action", "payload": {"status": "err", "response": text}}
        status, body = self._info(payload, now, connection.visitor.address)
        if status != 200:  # noqa: PLR2004
            # HL: one string of status and description; its form is uncertain (§3).
            return {"type": "error", "payload": f"{status} {body or ''}".strip()}
        return {
            "type": "info",
            "payload": {"type": payload.get("type"), "data": body},
        }

    def _refuse(
        self, connection: Connection, text: str, asked: Subscription | None = None
    ) -> None:
        kind = "" if asked is None else asked.type
        coin = "" if asked is None else asked.coin
        self._send(connection, Frame(frame("error", text), "error", kind, coin))
