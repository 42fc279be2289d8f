"""What the venue says about orders: those that rest, and what became of them."""

from __future__ import annotations

from msgspec import UNSET, UnsetType, field

from .shape import Maybe, MaybeNull, Wire


class Order(Wire, frozen=True):
    """An order as ``orderUpdates`` and the request ``openOrders`` show it."""

    coin: str
    side: str
    limit_price: str = field(name="limitPx")
    # HL: what is left of it; "0.0" once filled.
    remaining: str = field(name="sz")
    order_id: int = field(name="oid")
    placed_at: int = field(name="timestamp")
    original_size: Maybe = field(name="origSz", default=UNSET)
    # HL: absent here when none was given, null in ``DetailedOrder``.
    client_order_id: MaybeNull = field(name="cloid", default=UNSET)
    reduce_only: bool | UnsetType = UNSET


class OrderUpdate(Wire, frozen=True):
    """One step in an order's life (``orderUpdates`` carries a list of them)."""

    order: Order
    # HL: an open set; the final ones end in "anceled" or "ejected", or are
    # "filled", "scheduledCancel", "internalCancel" (docs: info/orderStatus).
    status: str
    status_time: int = field(name="statusTimestamp")


class DetailedOrder(Wire, frozen=True):
    """An order as ``openOrders`` (the feed) and ``historicalOrders`` show it."""

    coin: str
    side: str
    limit_price: str = field(name="limitPx")
    remaining: str = field(name="sz")
    order_id: int = field(name="oid")
    placed_at: int = field(name="timestamp")
    # HL: "N/A" when the order waits for nothing.
    trigger_condition: str
    is_trigger: bool
    trigger_price: str = field(name="triggerPx")
    is_position_tpsl: bool
    reduce_only: bool
    order_type: str
    original_size: str = field(name="origSz")
    children: list[DetailedOrder] | UnsetType = UNSET
    time_in_force: MaybeNull = field(name="tif", default=UNSET)
    client_order_id: MaybeNull = field(name="cloid", default=UNSET)


class OpenOrders(Wire, frozen=True):
    """Everything a user has resting on one dex (``openOrders``)."""

    dex: str
    user: str
    orders: list[DetailedOrder]


class OrderRecord(Wire, frozen=True):
    """What became of an order: its latest state."""

    order: DetailedOrder
    status: str
    status_time: int = field(name="statusTimestamp")


class OrderHistory(Wire, frozen=True):
    """What became of a user's orders (``userHistoricalOrders``)."""

    user: str
    records: list[OrderRecord] = field(name="orderHistory")
    is_snapshot: bool | UnsetType = UNSET


class OrderStatus(Wire, frozen=True):
    """The answer to the request ``orderStatus``."""

    # HL: "order", or "unknownOid" and then no order.
    status: str
    order: OrderRecord | UnsetType = UNSET


class TwapTrigger(Wire, frozen=True):
    """The price at which a time-weighted order wakes up."""

    price: str = field(name="px")
    above: bool


class TwapState(Wire, frozen=True):
    """How far a time-weighted order has come."""

    coin: str
    user: str
    side: str
    size: str = field(name="sz")
    executed_size: str = field(name="executedSz")
    executed_notional: str = field(name="executedNtl")
    minutes: int
    reduce_only: bool
    randomize: bool
    # HL: milliseconds here, seconds in ``TwapRecord.time`` (nktkas SDK).
    placed_at: int = field(name="timestamp")
    stop_price: MaybeNull = field(name="stopPx", default=UNSET)
    trigger: TwapTrigger | UnsetType | None = UNSET


class TwapStates(Wire, frozen=True):
    """A user's time-weighted orders on one dex (``twapStates``): id, state."""

    dex: str
    user: str
    states: list[tuple[int, TwapState]]


class TwapStatus(Wire, frozen=True):
    """What happened to a time-weighted order; described if it was an error."""

    status: str
    description: Maybe = UNSET


class TwapRecord(Wire, frozen=True):
    """One step in the life of a time-weighted order."""

    # HL: the only time of the venue in seconds (nktkas SDK).
    time: int
    state: TwapState
    status: TwapStatus
    twap_id: int | UnsetType | None = UNSET


class TwapHistory(Wire, frozen=True):
    """The steps of a user's time-weighted orders (``userTwapHistory``)."""

    user: str
    history: list[TwapRecord]
    is_snapshot: bool | UnsetType = UNSET
