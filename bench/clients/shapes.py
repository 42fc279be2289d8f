"""The shapes of the messages as a union of Structs: the fastest way msgspec has."""

import msgspec
from meter import METER


class Shape(msgspec.Struct, gc=False):
    """A part of a message."""


class Level(Shape):
    """A price of a book."""

    px: str
    sz: str
    n: int


class Trade(Shape):
    """A trade."""

    coin: str
    side: str
    px: str
    sz: str
    time: int
    hash: str
    tid: int
    users: list[str]


class Book(Shape):
    """A whole book."""

    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]


class Bbo(Shape):
    """The best bid and offer."""

    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class Mids(Shape):
    """The middle price of every coin."""

    mids: dict[str, str]


class Candle(Shape):
    """A bar."""

    t: int
    T: int
    s: str
    i: str
    o: str
    c: str
    h: str
    l: str
    v: str
    n: int


class Context(Shape):
    """The state of a perpetual."""

    funding: str
    openInterest: str
    prevDayPx: str
    dayNtlVlm: str
    premium: str | None
    oraclePx: str
    markPx: str
    midPx: str | None
    impactPxs: list[str] | None
    dayBaseVlm: str


class CoinContext(Shape):
    """The state of one coin."""

    coin: str
    ctx: Context


class Trades(Shape, tag_field="channel", tag="trades"):
    """A message of trades."""

    data: list[Trade]


class L2Book(Shape, tag_field="channel", tag="l2Book"):
    """A message with a book."""

    data: Book


class BboMessage(Shape, tag_field="channel", tag="bbo"):
    """A message with a best bid and offer."""

    data: Bbo


class AllMids(Shape, tag_field="channel", tag="allMids"):
    """A message with every mid."""

    data: Mids


class CandleMessage(Shape, tag_field="channel", tag="candle"):
    """A message with a bar."""

    data: Candle


class AssetContext(Shape, tag_field="channel", tag="activeAssetCtx"):
    """A message with the state of a coin."""

    data: CoinContext


Message = Trades | L2Book | BboMessage | AllMids | CandleMessage | AssetContext


def _trades(data):
    _ = data[0].px, data[0].sz
    METER.tick()


def _book(data):
    bids, asks = data.levels
    _ = bids[0].px, asks[0].px
    METER.tick()


def _bbo(data):
    bid, ask = data.bbo
    _ = bid.px, ask.px
    METER.tick()


def _mids(data):
    _ = data.mids["BTC"]
    METER.tick()


def _candle(data):
    _ = data.c
    METER.tick()


def _context(data):
    _ = data.ctx.markPx
    METER.tick()


TYPED_READERS = {
    Trades: _trades,
    L2Book: _book,
    BboMessage: _bbo,
    AllMids: _mids,
    CandleMessage: _candle,
    AssetContext: _context,
}
