"""
What comes of trading on paper: the facts that are journalled and told.

An account is nothing but the fold of these (``accounts``), so each carries all that
changes one. Times are venue milliseconds, sizes coins, amounts USDC. Every event
says ``paper``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from .numbers import ZERO

LIVE_STATUSES = frozenset({"open", "triggered", "waiting"})
"""Statuses of orders that may still do something; all others are final."""


class Order(msgspec.Struct, kw_only=True):
    """An order, as far as it has come."""

    oid: int
    account: str
    coin: str
    asset: int
    is_buy: bool
    px: Decimal
    sz: Decimal
    """What is left of it."""
    orig_sz: Decimal
    tif: str
    """``Gtc``, ``Ioc``, ``Alo`` or ``FrontendMarket``; empty for triggers."""
    reduce_only: bool = False
    cloid: str | None = None
    placed_at: int = 0
    status: str = "open"
    status_at: int = 0
    trigger_px: Decimal | None = None
    is_market: bool = False
    """Of triggers: whether it takes what it finds, within 10 %."""
    has_fired: bool = False
    """Of triggers: whether the mark was there, so it is an order like others now."""
    tpsl: str | None = None
    """``tp`` or ``sl`` for triggers."""
    is_position_tpsl: bool = False
    parent: int | None = None
    """The order whose fill it waits for (``normalTpsl``)."""
    siblings: list[int] = []
    """Orders that end when this one is done."""
    twap_id: int | None = None
    builder_fee: int = 0
    """Tenths of a basis point that a builder gets."""
    is_uncertain: bool = False
    """Whether it rested through a stretch nobody knows about."""
    decided_at: int = 0
    """Of triggers: when the mark was there; else it was decided on when placed."""
    mid_at_decision: Decimal | None = None
    nonce: int | None = None
    """That of the command it came with."""

    @property
    def is_trigger(self) -> bool:
        """Whether it waits for the mark price."""
        return self.trigger_px is not None

    @property
    def is_live(self) -> bool:
        """Whether it may still do something."""
        return self.status in LIVE_STATUSES


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that happened."""

    at: int
    account: str = ""
    seq: int = 0
    """Its place in the journal, counted from 1."""
    paper: Literal[True] = True


class Assumed(Event, frozen=True, kw_only=True):
    """What is assumed from now on; written when it is not what was assumed before."""

    assumptions: dict[str, Any]
    """The members of ``PaperConfig``, as plain ones."""


class AccountOpened(Event, frozen=True, kw_only=True):
    """An account began, or began again after a reset."""

    cash: Decimal
    address: str = ""


class OrderChanged(Event, frozen=True, kw_only=True):
    """An order is open, triggered, filled, canceled … as the venue calls it."""

    order: Order
    cause: str = ""
    """The market event or the command behind it."""


class Rejected(Event, frozen=True, kw_only=True):
    """An order was refused."""

    order: Order
    reason: str


class Filled(Event, frozen=True, kw_only=True):
    """A fill, with all that is needed to explain it."""

    coin: str
    oid: int
    tid: int
    is_buy: bool
    px: Decimal
    sz: Decimal
    time: int
    """When the venue would have made it: the time of the event behind it."""
    crossed: bool
    """Whether it took; else it was taken from."""
    start_position: Decimal
    direction: str
    closed_pnl: Decimal
    """Without the fee. HL: as recorded."""
    fee: Decimal
    """Negative for a rebate; a builder's part is included."""
    builder_fee: Decimal = ZERO
    is_isolated: bool = False
    leverage: int = 1
    cloid: str | None = None
    twap_id: int | None = None
    quality: str = "live"
    """
    ``live``, ``stale_book``, ``exact_queue``, ``estimated_queue``, ``backfilled`` or
    ``uncertain``.
    """
    data_age: int = 0
    """How old the level was that it was made on, in ms."""
    cause: str = ""
    """The market event behind it: its feed, its coin, its time and its id."""
    level_source: str = ""
    level_time: int = 0
    ahead: Decimal | None = None
    """Of makers: what stood before it in the queue just before."""
    order_at: int = 0
    """When the order was decided on: placed, or a trigger's mark reached."""
    arrived_at: int = 0
    mid_at_decision: Decimal | None = None
    mid_at_arrival: Decimal | None = None
    liquidation: str = ""
    """``market`` or ``backstop`` when the venue closed the position."""
    mark_px: Decimal | None = None


class FundingOwed(Event, frozen=True, kw_only=True):
    """What was held at an hour whose rate or price nobody saw; it is paid later."""

    coin: str
    time: int
    """The hour, in ms."""
    szi: Decimal


class FundingPaid(Event, frozen=True, kw_only=True):
    """An hour's funding of one position; negative ``usdc`` was paid."""

    coin: str
    time: int
    szi: Decimal
    rate: Decimal
    oracle: Decimal
    usdc: Decimal
    is_estimated: bool = False
    """Whether the price or the rate was not seen at the hour itself."""


class Liquidated(Event, frozen=True, kw_only=True):
    """The venue stepped in; ``taken`` is what the backstop kept."""

    method: Literal["market", "backstop"]
    coin: str = ""
    """The isolated position's coin; empty for the cross account."""
    account_value: Decimal
    maintenance: Decimal
    notional: Decimal
    taken: Decimal = ZERO


class LeverageSet(Event, frozen=True, kw_only=True):
    """The leverage of a coin was chosen; ``margin`` moves into its position."""

    coin: str
    leverage: int
    is_cross: bool
    margin: Decimal = ZERO


class MarginMoved(Event, frozen=True, kw_only=True):
    """Money went into an isolated position, or (negative) came out."""

    coin: str
    usdc: Decimal


class CancelScheduled(Event, frozen=True, kw_only=True):
    """All orders end at ``time``; ``None`` takes that back."""

    time: int | None
    triggered: bool = False


class AgentApproved(Event, frozen=True, kw_only=True):
    """An address may sign for the account. HL: one agent to a name."""

    address: str
    name: str = ""


class TwapChanged(Event, frozen=True, kw_only=True):
    """A time-weighted order began, went on or ended."""

    twap_id: int
    coin: str
    is_buy: bool
    sz: Decimal
    executed: Decimal
    executed_ntl: Decimal
    minutes: int
    reduce_only: bool
    randomize: bool
    status: str
    """``activated``, ``finished``, ``terminated`` or ``error``: nothing was done."""
    description: str = ""
    """Of an error: why the last slice was refused."""


class FeedChanged(Event, frozen=True, kw_only=True):
    """
    Whether a coin's data can be traded on: ``live``, ``stale`` or ``gap``.

    ``stopped``: nobody was looking from then on.
    """

    coin: str
    state: str
    since: int | None = None
    until: int | None = None
    reason: str = ""


class Valued(Event, frozen=True, kw_only=True):
    """
    What an account was worth at the marks, for the curve of its equity.

    It follows each fill, payment and loss, and comes now and then while there are
    positions: later nobody knows the marks any more.
    """

    value: Decimal
    unrealized: Decimal
    is_live: bool = True
    """Whether every coin it holds had data one may trade on."""


class Settled(Event, frozen=True, kw_only=True):
    """A command with a nonce is done; written together with what it did."""

    nonce: int
    answer: dict[str, Any]
    asked: str = ""
    """A digest of the action, so that another one is not taken for it."""


class Replied(Event, frozen=True, kw_only=True):
    """The answer to a command arrived, in the venue's shape."""

    command: int
    nonce: int | None = None
    answer: dict[str, Any]


Anything = (
    Assumed
    | AccountOpened
    | OrderChanged
    | Rejected
    | Filled
    | FundingOwed
    | FundingPaid
    | Liquidated
    | LeverageSet
    | MarginMoved
    | CancelScheduled
    | AgentApproved
    | TwapChanged
    | FeedChanged
    | Valued
    | Settled
    | Replied
)

NAMES: dict[str, type[Event]] = {
    "order": OrderChanged,
    "fill": Filled,
    "reject": Rejected,
    "funding": FundingPaid,
    "liquidation": Liquidated,
    "feed_state": FeedChanged,
}
"""What can be listened to, by the names users know."""

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Anything).decode
