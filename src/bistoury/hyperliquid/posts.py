"""
Questions over the socket, each answered once, by number, or failed at once.

What left and was not answered when its connection ended has an unknown outcome;
what never left is never sent later. The venue answers in any order, and takes only
so many at once from one address: the others wait for their turn.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from ..errors import (
    ConfigError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    RequestError,
)
from ..session import VenueError
from ..session.model import PostReply
from ..session.state import CONNECTED
from . import post_frames
from .limits import Account
from .line import Line

Sample = Callable[[bool, float], None]
"""Hears whether a request succeeded, and how many seconds it took."""

_STATUS = re.compile(r"\s*(\d{3})\b[\s:,-]*(.*)", re.DOTALL)
_TOO_MANY_REQUESTS = 429
_TOO_MANY = "too many pending post requests"
_MOST_TEXT = 200
_FORBIDDEN = ("action", "signature", "nonce", "vaultAddress")


@dataclass(slots=True, eq=False)
class _Post:
    """One question on its way."""

    number: int
    what: str
    frame: bytes
    answer: asyncio.Future[Any]
    line: Line | None = None
    """What it was sent over."""
    sent_at: float = 0.0


@dataclass(slots=True)
class Posts:
    """All questions of one client."""

    lines: Callable[[], list[Line]]
    account: Account
    on_sample: Sample
    _waiting: deque[_Post] = field(default_factory=deque)
    _sent: dict[int, _Post] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def ask(self, body: Mapping[str, Any], timeout: float) -> Any:
        """
        Return the venue's answer to ``body``.

        Raises:
            ConfigError: it is no question, or cannot be written; nothing was sent.
            NotSentError: it did not leave: no connection, or no turn in time.
            OutcomeUnknownError: it left, and no answer will come or came in time.
            RateLimitedError: the venue wants fewer requests.
            RequestError: the venue refused it.
        """
        what = _checked(body)
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        post = _Post(number, what, _written(number, body), answer)
        self._waiting.append(post)
        self.pump()
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            if post.line is None:
                detail = f"no turn within {timeout:g} s, too many before it"
                raise NotSentError(what, detail) from None
            raise OutcomeUnknownError(what, f"no answer in {timeout:g} s") from None
        finally:
            if post in self._waiting:
                self._waiting.remove(post)

    def pump(self) -> None:
        """Send what may be sent; fail what cannot be, as there is no connection."""
        while self._waiting:
            line = self._connected()
            if line is None:
                post = self._waiting.popleft()
                _fail(post, NotSentError(post.what, "not connected"))
            elif self._has_room(line):
                self._send(self._waiting.popleft(), line)
            else:
                return

    def answered(self, reply: PostReply | VenueError) -> None:
        """Take an answer, or an error that names a question."""
        is_reply = isinstance(reply, PostReply)
        number = reply.id if isinstance(reply, PostReply) else reply.post_id
        post = self._take(number)
        if post is None:
            return
        if isinstance(reply, PostReply) and reply.kind == "info":
            _succeed(post, _inside(reply.payload))
        else:
            text = str(reply.payload if isinstance(reply, PostReply) else reply.text)
            _fail(post, _error(post.what, text))
        took = _now(post) - post.sent_at
        self.on_sample(is_reply and reply.kind == "info", took)
        self.pump()

    def is_idle(self, line: Line) -> bool:
        """Whether nothing that was asked over a line waits for its answer."""
        return all(it.line is not line for it in self._sent.values())

    def lost(self, line: Line) -> None:
        """Hear that a line has no connection any more."""
        for post in [it for it in self._sent.values() if it.line is line]:
            self._take(post.number)
            detail = "the connection was lost before its answer came"
            _fail(post, OutcomeUnknownError(post.what, detail))
        self.pump()

    def _connected(self) -> Line | None:
        # Of several the newest: it will not be replaced first.
        lines = reversed(self.lines())
        line = max(lines, key=lambda it: it.session.state.rank, default=None)
        return line if line and line.session.state in CONNECTED else None

    def _has_room(self, line: Line) -> bool:
        if self.account.posts >= self.account.limits.posts_in_flight:
            return False
        session = line.session
        reserve = round(session.messages.limit * session.policy.message_reserve)
        return session.messages.room(line.supervisor.now(), reserve) > 0

    def _send(self, post: _Post, line: Line) -> None:
        if not line.supervisor.request(post.frame):
            _fail(post, NotSentError(post.what, "not connected"))
            return
        post.line, post.sent_at = line, _now(post)
        self.account.posts += 1
        self._sent[post.number] = post

    def _take(self, number: int | None) -> _Post | None:
        """Take a question off the books: the venue has done with it."""
        post = self._sent.pop(number, None) if number is not None else None
        if post is not None:
            # Its asker may have given up; for the venue it was in flight until now.
            self.account.posts -= 1
        return post


def _checked(body: Mapping[str, Any]) -> str:
    """Return the type of a question; refuse what is none."""
    what = body.get("type") if isinstance(body, Mapping) else None
    if not isinstance(what, str) or not what:
        raise ConfigError("request", body, 'a question: {"type": "meta", ...}')
    if what == "action" or any(name in body for name in _FORBIDDEN):
        allowed = "a question of type info: nothing that is signed is ever sent"
        raise ConfigError("request", what, allowed)
    return what


def _written(number: int, body: Mapping[str, Any]) -> bytes:
    try:
        return post_frames.encode(number, body)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise ConfigError("request", body, f"what JSON can hold ({error})") from None


def _inside(payload: Any) -> Any:
    # HL: the answer is wrapped once more, with the type that was asked (docs).
    if isinstance(payload, Mapping) and "data" in payload:
        return payload["data"]
    return payload


def _error(what: str, text: str) -> RequestError:
    found = _STATUS.match(text)
    status = int(found[1]) if found else None
    if status == _TOO_MANY_REQUESTS or text.startswith(_TOO_MANY):
        return RateLimitedError(what)
    return RequestError(what, (found[2] if found else text)[:_MOST_TEXT], status)


def _now(post: _Post) -> float:
    return post.answer.get_loop().time()


def _succeed(post: _Post, result: Any) -> None:
    if _is_awaited(post):
        post.answer.set_result(result)


def _fail(post: _Post, error: RequestError) -> None:
    if _is_awaited(post):
        post.answer.set_exception(error)
        post.answer.exception()  # whoever asked may be cancelled in this moment


def _is_awaited(post: _Post) -> bool:
    return not (post.answer.done() or post.answer.get_loop().is_closed())
