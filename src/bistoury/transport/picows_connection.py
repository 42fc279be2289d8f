"""
What becomes of one picows connection: opening, open, closing, gone.

picows hands out single frames and leaves the rest to its user: joining
fragments, validating text, reserved bits, the close handshake, and silence
after the end (it goes on delivering the frames of the same read). All of that
is here. The usual frame, a whole text message, takes the shortest way: a
few checks and one call. ``_deliver`` is what fences it: where frames go is decided
when the state changes, not when a frame comes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from ..errors import ConnectionLostError
from .base import Receiver
from .http_date import read_http_date
from .messages import Assembly, ViolationError, is_utf8, is_valid_close_code
from .tcp_state import how_tcp_ended

_TEXT = WSMsgType.TEXT
_CLOSE = WSMsgType.CLOSE

_LONGEST_CONTROL = 125
"""Bytes of payload in a ping, a pong or a close frame (RFC 6455 5.5)."""
_BRACE = ord("{")

_NO_STATUS = 1005
"""What RFC 6455 calls a close frame without a code."""

# What picows itself closes with, when its parser gives up.
_PARSER = {
    1002: "the peer broke the protocol",
    1007: "the peer's close reason is not UTF-8",
    1009: "the peer sent a frame above the size allowed",
}


class PicowsConnection(WSListener):
    """A connection over picows, and the listener picows calls."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        close_timeout: float,
        max_message_size: int,
        max_fragments: int,
        max_unsent: int,
        on_binary: Callable[[], None],
    ) -> None:
        self._receiver = receiver
        self._close_timeout = close_timeout
        self._max_unsent = max_unsent
        self._on_binary = on_binary
        self._assembly = Assembly(max_message_size, max_fragments)
        self._transport: WSTransport
        self._unsent: Callable[[], int]
        # Frames may come with the answer to the upgrade, before ``connect`` has
        # returned: they wait here until whoever called it knows the connection.
        self._held: deque[bytes] | None = deque()
        self._deliver: Callable[[bytes], Any] = self._held.append
        self._midway = False
        self._says_goodbye = False
        self._cause: ConnectionLostError | None = None
        self._lost: ConnectionLostError | None = None
        self._timer: asyncio.TimerHandle | None = None

    # -- what the owner calls

    @property
    def server_time(self) -> float | None:
        """The ``Date`` of the answer to the upgrade, in seconds since 1970."""
        moment = read_http_date(self._transport.response.headers.get("Date", ""))
        return None if moment is None else moment.timestamp()

    def send(self, frame: bytes) -> None:
        """Queue one text message; give up on a peer that does not read."""
        if self._says_goodbye or self._lost is not None:
            return
        self._transport.send(_TEXT, frame)
        unsent = self._unsent()
        if unsent > self._max_unsent:
            self._drop(f"the peer does not read: {unsent} bytes unsent")

    def close(self, code: int = 1000) -> None:
        """Say goodbye and let go; the peer has ``close_timeout`` to answer."""
        if self._says_goodbye or self._lost is not None:
            return
        self._fence()
        self._know(ConnectionLostError("closed by this side"))
        self._say_goodbye(code)
        # Only a connection that reads hears the answer.
        self.resume_reading()

    def abort(self) -> None:
        """Let go at once, saying nothing."""
        self._drop("aborted by this side")

    def pause_reading(self) -> None:
        """Stop reading; what has been read is still delivered."""
        self._transport.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.underlying_transport.resume_reading()

    # -- what the transport calls

    def release(self) -> None:
        """Deliver what came before the owner knew this connection."""
        held = self._held
        if held is None:
            return
        while held:
            self._hand_over(held.popleft(), self._receiver.frame)
        self._held = None
        if self._deliver == held.append:
            self._deliver = self._receiver.frame
        if self._lost is not None:
            self._tell(self._lost)

    # -- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take hold of the connection that this object now speaks for."""
        self._transport = transport
        self._unsent = transport.underlying_transport.get_write_buffer_size

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Deliver a whole text message; leave all else to the slow lane."""
        data = frame.get_payload_as_bytes()
        # Asking picows for the type costs as much as all else here, so it is asked
        # last, and not at all of what begins as an object and is longer than any
        # control frame: a binary message with an object in it passes for a text.
        if (
            frame.fin
            and not self._midway
            and not (frame.rsv1 or frame.rsv2 or frame.rsv3)
            and not transport.is_close_frame_sent
            and (
                (len(data) > _LONGEST_CONTROL and data[0] == _BRACE)
                or frame.msg_type is _TEXT
            )
            and (data.isascii() or is_utf8(data))
        ):
            try:
                self._deliver(data)
            except Exception as error:  # noqa: BLE001 -- told to the owner
                self._receiver_failed(error)
            return
        try:
            self._take(frame)
        except ViolationError as error:
            self._break_off(error)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Hear that TCP is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self._cause is None:
            self._cause = self._how_it_ended()
        self._end()
        # Where picows gave up itself, it leaves the reason in a future; unread,
        # asyncio would complain about it. It is set right after this call.
        task = asyncio.ensure_future(transport.wait_disconnected())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def pause_writing(self) -> None:
        """Ignore: ``send`` bounds what is unsent."""

    def resume_writing(self) -> None:
        """Ignore: ``send`` bounds what is unsent."""

    # -- frames that are not whole text messages

    def _take(self, frame: WSFrame) -> None:
        # After a goodbye only the peer's own matters. picows may have said it:
        # it reads one frame ahead, and goes on delivering when it has given up.
        if self._transport.is_close_frame_sent and frame.msg_type is not _CLOSE:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            raise ViolationError(1002, "a reserved bit is set")
        data = frame.get_payload_as_bytes()
        match frame.msg_type:
            case WSMsgType.CLOSE:
                self._closed_by_peer(data)
            case WSMsgType.PING:
                self._transport.send_pong(data)
            case WSMsgType.PONG:
                pass
            case WSMsgType.CONTINUATION:
                message = self._assembly.go_on(data, fin=bool(frame.fin))
                self._assembled(message)
            case kind:
                is_text = kind is _TEXT
                message = self._assembly.begin(
                    data, is_text=is_text, fin=bool(frame.fin)
                )
                self._assembled(message)

    def _assembled(self, message: bytes | None) -> None:
        self._midway = self._assembly.is_open
        if message is None:
            return
        if self._assembly.is_text:
            self._hand_over(message, self._deliver)
        else:
            self._on_binary()

    def _hand_over(self, message: bytes, deliver: Callable[[bytes], Any]) -> None:
        try:
            deliver(message)
        except Exception as error:  # noqa: BLE001 -- told to the owner
            self._receiver_failed(error)

    # -- the end

    def _closed_by_peer(self, data: bytes) -> None:
        code = int.from_bytes(data[:2], "big") if data else _NO_STATUS
        reason = data[2:].decode("utf-8", "replace")
        detail = "closed by the peer"
        if data and not is_valid_close_code(code):
            detail += " with a code that is not allowed"
            self._say_goodbye(1002)
        else:
            self._say_goodbye(code if data else 1000)
        if self._cause is not None:
            detail = self._cause.detail
        self._cause = ConnectionLostError(detail, code=code, reason=reason)
        self._end()
        self._transport.disconnect()

    def _receiver_failed(self, error: Exception) -> None:
        failure = ConnectionLostError(f"receiver failed: {error!r}")
        failure.__cause__ = error
        self._fail(1011, failure)

    def _break_off(self, error: ViolationError) -> None:
        detail = f"the peer broke the protocol: {error.detail}"
        self._fail(error.code, ConnectionLostError(detail, code=error.code))

    def _fail(self, code: int, failure: ConnectionLostError) -> None:
        if self._says_goodbye or self._lost is not None:
            return
        self._fence()
        self._know(failure)
        self._say_goodbye(code)
        self._end()

    def _drop(self, detail: str) -> None:
        self._fence()
        self._know(ConnectionLostError(detail))
        self._says_goodbye = True
        self._transport.underlying_transport.abort()

    def _fence(self) -> None:
        self._deliver = _ignore
        if self._held is not None:
            self._held.clear()

    def _know(self, cause: ConnectionLostError) -> None:
        if self._cause is None:
            self._cause = cause

    def _say_goodbye(self, code: int) -> None:
        if self._says_goodbye:
            return
        self._says_goodbye = True
        underlying = self._transport.underlying_transport
        # picows takes any number; its stub names only some of them.
        self._transport.send_close(code)  # type: ignore[arg-type]
        self._timer = asyncio.get_running_loop().call_later(
            self._close_timeout, underlying.abort
        )

    def _end(self) -> None:
        self._deliver = _ignore
        if self._lost is not None or self._cause is None:
            return
        self._lost = self._cause
        if self._held is None:
            self._tell(self._lost)

    def _tell(self, error: ConnectionLostError) -> None:
        try:
            self._receiver.lost(error)
        except Exception as failure:  # noqa: BLE001 -- nobody else is left to tell
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a receiver's lost() failed", "exception": failure}
            )

    def _how_it_ended(self) -> ConnectionLostError:
        handshake = self._transport.close_handshake
        if handshake is not None and handshake.sent is not None:
            code = int(handshake.sent.code)  # type: ignore[call-overload]
            detail = _PARSER.get(code, "the peer broke the protocol")
            return ConnectionLostError(detail, code=code)
        sock = self._transport.underlying_transport.get_extra_info("socket")
        return ConnectionLostError(how_tcp_ended(sock))


def _ignore(data: bytes) -> None:
    """Take what comes after the end."""
