"""What happened to a user: fills, payments, transfers, liquidations, texts."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from .orders import TwapRecord
from .shape import Maybe, MaybeNull, Wire


class Notification(Wire, frozen=True):
    """A sentence for people (``notification``)."""

    text: str = field(name="notification")


class FillLiquidation(Wire, frozen=True):
    """The liquidation a fill was part of, on either side of it."""

    # HL: the counter-party's fills carry this too: compare ``user`` with the
    # address asked about before believing it was liquidated.
    mark_price: str = field(name="markPx")
    method: str
    user: Maybe = field(name="liquidatedUser", default=UNSET)


class Fill(Wire, frozen=True):
    """One trade of a user."""

    coin: str
    price: str = field(name="px")
    size: str = field(name="sz")
    side: str
    time: int
    start_position: str
    direction: str = field(name="dir")
    closed_pnl: str
    hash: str
    order_id: int = field(name="oid")
    crossed: bool
    fee: str
    # HL: 0 for a spot dust conversion, so never a key by itself.
    trade_id: int = field(name="tid")
    fee_token: Maybe = UNSET
    twap_id: int | UnsetType | None = UNSET
    client_order_id: MaybeNull = field(name="cloid", default=UNSET)
    builder_fee: Maybe = UNSET
    fee_trial_escrow: Maybe = UNSET
    liquidation: FillLiquidation | UnsetType = UNSET


class UserFills(Wire, frozen=True):
    """A user's fills, oldest first (``userFills``)."""

    user: str
    fills: list[Fill]
    # HL: absent counts as false (recorded frames; the docs say false).
    is_snapshot: bool | UnsetType = UNSET


class TwapSliceFill(Wire, frozen=True):
    """One fill of a time-weighted order."""

    fill: Fill
    twap_id: int


class TwapSliceFills(Wire, frozen=True):
    """The fills of a user's time-weighted orders (``userTwapSliceFills``)."""

    user: str
    fills: list[TwapSliceFill] = field(name="twapSliceFills")
    is_snapshot: bool | UnsetType = UNSET


class Funding(Wire, frozen=True):
    """One funding payment; a negative amount was paid by the user."""

    time: int
    coin: str
    amount: str = field(name="usdc")
    size: str = field(name="szi")
    rate: str = field(name="fundingRate")
    # HL: how many hourly payments were merged into this one; null for one.
    samples: int | UnsetType | None = field(name="nSamples", default=UNSET)


class UserFundings(Wire, frozen=True):
    """A user's funding payments, oldest first (``userFundings``)."""

    user: str
    fundings: list[Funding]
    is_snapshot: bool | UnsetType = UNSET


class LedgerUpdate(Wire, frozen=True):
    """
    One movement of a user's money that is no trade and no funding.

    ``delta`` keeps the venue's own fields under its ``type``: there are about
    twenty kinds and new ones appear without notice.
    """

    time: int
    hash: str
    delta: dict[str, Any]

    @property
    def kind(self) -> str:
        """The venue's name for this movement, such as ``deposit``."""
        return str(self.delta.get("type", ""))


class LedgerUpdates(Wire, frozen=True):
    """Movements of a user's money (``userNonFundingLedgerUpdates``)."""

    user: str
    # HL: frames with an empty list come at each funding payment (nktkas SDK).
    updates: list[LedgerUpdate] = field(name="nonFundingLedgerUpdates")
    is_snapshot: bool | UnsetType = UNSET


class Liquidation(Wire, frozen=True, rename=None):
    """A liquidation the user took part in."""

    # HL: the one message in snake case (docs: websocket/subscriptions).
    lid: int
    liquidator: str
    liquidated_user: str
    liquidated_ntl_pos: str
    liquidated_account_value: str


class NonUserCancel(Wire, frozen=True):
    """An order that was cancelled, and not by its user."""

    coin: str
    order_id: int = field(name="oid")


class UserEvents(Wire, frozen=True):
    """What happened to a user (channel ``user``); exactly one field is there."""

    fills: list[Fill] | UnsetType = UNSET
    funding: Funding | UnsetType = UNSET
    liquidation: Liquidation | UnsetType = UNSET
    non_user_cancel: list[NonUserCancel] | UnsetType = UNSET
    twap_history: list[TwapRecord] | UnsetType = UNSET
    twap_slice_fills: list[TwapSliceFill] | UnsetType = UNSET
