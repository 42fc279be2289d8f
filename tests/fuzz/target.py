"""
What a stranger's bytes may do: be read, or be refused with a ``ProtocolError``.

``eat`` gives one frame to the decoder and, if it says anything, to a session that
wants every feed; then to what reads it for handlers, loosely and typed.
``guided.py`` lets a coverage-guided fuzzer look for bytes that do anything else.
"""

import base64
import re
import sys
import zlib
from pathlib import Path
from random import Random

from bistoury.errors import ProtocolError
from bistoury.hyperliquid import feeds, wire
from bistoury.hyperliquid.messages import codec
from bistoury.hyperliquid.messages.fast import inflate_fast_contexts
from bistoury.session import Cause, Session, Update
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session.model import Acknowledged, PostReply
from bistoury.session.policy import Policy

GOLDEN = Path(__file__).parents[1] / "golden"
QUOTED = 200
USER = "0x" + "1" * 40
WANTED = (
    {"type": "allMids"},
    {"type": "trades", "coin": "BTC"},
    {"type": "trades", "coin": "ETH"},
    {"type": "l2Book", "coin": "BTC"},
    {"type": "bbo", "coin": "BTC"},
    {"type": "candle", "coin": "BTC", "interval": "1m"},
    {"type": "activeAssetCtx", "coin": "BTC"},
    {"type": "fastAssetCtxs"},
    {"type": "userFills", "user": USER},
    {"type": "userFundings", "user": USER},
    {"type": "userNonFundingLedgerUpdates", "user": USER},
    {"type": "orderUpdates", "user": USER},
    {"type": "userEvents", "user": USER},
    {"type": "webData3", "user": USER},
)


class Mouth:
    """A session with every feed on an open connection; time passes by itself."""

    def __init__(self):
        self.now = 1_790_000_000.0
        self.session = Session(Policy(), Random(1))
        for body in WANTED:
            it = feeds.canonical(body)
            self._tell(on.SubscribeRequested(it, feeds.traits(it)))
        self._tell(on.ConnectRequested(self.now))
        self._open()

    def _open(self):
        number = self.session.connection_id
        self._tell(on.ConnectionOpened(number))
        for body in WANTED:
            self._tell(on.MessageReceived(number, Acknowledged(True, dict(body))))

    def _tell(self, event):
        for effect in self.session.handle(event, self.now):
            if isinstance(effect, do.Release):
                entry = self.session.registry.entries.get(effect.subscription)
                for update in entry.continuity.release() if entry else ():
                    wire.read(update)

    def eat(self, frame):
        """Take a frame; return what became of it, in a word."""
        self.now += 0.01
        while self.now >= self.session.deadline:
            self._tell(on.TimePassed(self.now))
        if self.session.state == "connecting":
            self._open()
        number = self.session.connection_id
        try:
            message = wire.decode(frame)
        except ProtocolError as error:
            self._tell(on.LossSuspected(number))
            return "refused" if len(error.frame) <= QUOTED else "quoted too much"
        if isinstance(message, Update):
            entry = self.session.admit(number, message, self.now)
            if entry is None and self.session.conversation.is_doubtful:
                self._tell(on.LossSuspected(number, Cause.SILENT))
                entry = self.session.admit(number, message, self.now)
            if entry is None:
                return "unclaimed"
            if not entry.is_speaking:
                facts = message.oldest, message.time, message.seen
                self._tell(on.DataStarted(number, entry.subscription, *facts))
            return self._hand_over(message)
        if message is not None and not isinstance(message, PostReply):
            self._tell(on.MessageReceived(number, message))
        return "answer"

    def _hand_over(self, update):
        try:
            message = wire.read(update)
            raw = wire.encode(message.get("data"))
            channel = str(message.get("channel"))
            codec.decode(channel, raw)
            if update.items is not None:
                codec.decode_rows(channel, raw)
            if channel == "fastAssetCtxs" and isinstance(message["data"], str):
                inflate_fast_contexts(message["data"])
        except ProtocolError:
            return "unreadable"
        return "delivered"


def golden():
    """Return a true frame of every kind, of the coin and the user that are wanted."""
    frames = []
    for path in sorted(GOLDEN.glob("*.json")):
        text = path.read_text("utf-8")
        text = re.sub(r'"coin": *"[^"]*"', '"coin": "BTC"', text)
        text = re.sub(r'"user": *"[^"]*"', f'"user": "{USER}"', text)
        frames.append(text.encode())
    return frames


def bomb(size):
    """Return a frame that is small, and ``size`` bytes when it is opened."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflater.compress(b" " * size) + deflater.flush()
    data = base64.b64encode(packed)
    return b'{"channel":"fastAssetCtxs","data":"' + data + b'"}'


def main(atheris):
    """Look for trouble until told to stop."""
    mouth = Mouth()
    atheris.Setup(sys.argv, lambda data: mouth.eat(bytes(data)) and None)
    atheris.Fuzz()
