"""
One user: orders, positions and the histories that REST and the stream share.

Every row is written once, here; a frame and a REST answer only show it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .instruments import Instrument
from .ledger import Ledger, fill_key, funding_key, ledger_key, update_key
from .market import ZERO_HASH, CoinMarket
from .numbers import decimal
from .orders import Order
from .positions import TOKEN_PLACES, Holding, Position, truncated

Row = dict[str, Any]

# HL: only the 10000 latest fills and the 2000 latest orders exist (§4.2).
MOST_FILLS = 10_000
MOST_ORDERS = 2_000
_CASH = 6
_DEX_CASH = 5_000_000_000


@dataclass(slots=True)
class Activity:
    """What happened to one user within one block."""

    updates: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    twap_fills: list[Row] = field(default_factory=list)
    twap_history: list[Row] = field(default_factory=list)
    fundings: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    states: list[Row] = field(default_factory=list)
    cancels: list[Row] = field(default_factory=list)
    liquidations: list[Row] = field(default_factory=list)
    notifications: list[str] = field(default_factory=list)


class Account:
    """The user at ``address``, known to the venue since ``opened`` (ms)."""

    def __init__(self, address: str, seed: int, opened: int, ledger: Ledger) -> None:
        self.address = address
        self.opened = opened
        self.rng = Random(f"{seed}:{address}")
        self.oids = 100_000_000_000 + self.rng.randrange(10**9) * 100
        main = self.rng.randrange(10_000, 90_000) * 1_000_000
        self._cash: dict[str, int] = {"": main}
        self.orders: dict[int, Order] = {}
        self.positions: dict[str, Position] = {}
        self.holdings: dict[str, Holding] = {}
        self.fills: deque[Row] = deque(maxlen=MOST_FILLS)
        self.twap_fills: deque[Row] = deque(maxlen=MOST_ORDERS)
        self.twap_history: deque[Row] = deque(maxlen=MOST_ORDERS)
        self.twaps: dict[int, Row] = {}
        self.fundings: list[Row] = []
        self.ledger_rows: list[Row] = []
        # The states each order went through, in the order of its last change.
        self.histories: dict[int, list[Row]] = {}
        self.activity = Activity()
        self.volume = 0
        self._ledger = ledger

    def taken(self) -> Activity:
        """Return what happened since this was last asked."""
        activity, self.activity = self.activity, Activity()
        return activity

    def cash(self, dex: str) -> int:
        """Return the collateral in a dex, in 1e-6 USDC; each has its own."""
        return self._cash.get(dex, _DEX_CASH)

    def next_oid(self) -> int:
        """Return a fresh order id."""
        self.oids += 1 + self.rng.randrange(40)
        return self.oids

    def report(self, order: Order, status: str, time: int) -> None:
        """Publish that ``order`` is now ``status``."""
        row = order.update(status, time)
        self.activity.updates.append(row)
        self._ledger.record(f"orderUpdates:{self.address}", time, update_key(row))
        state = order.state(status, time)
        self.activity.states.append(state)
        known = self.histories.pop(order.oid, [])
        self.histories[order.oid] = [*known, state]
        while len(self.histories) > MOST_ORDERS:
            del self.histories[next(iter(self.histories))]
        if status == "open":
            self.orders[order.oid] = order
        else:
            self.orders.pop(order.oid, None)

    def fill(
        self,
        coin: CoinMarket,
        order: Order,
        ticks: int,
        lots: int,
        *,
        time: int,
        crossed: bool,
        digest: str,
        tid: int,
        twap: int | None = None,
        extra: Row | None = None,
    ) -> Row:
        """Publish a fill and do what it does to what the user holds."""
        instrument = coin.instrument
        order.remaining -= lots
        effect = (
            self._spot_effect(instrument, ticks, lots, buys=order.buys, taker=crossed)
            if instrument.is_spot
            else self._perp_effect(
                instrument, ticks, lots, buys=order.buys, taker=crossed
            )
        )
        row: Row = {
            "coin": instrument.name,
            "px": coin.px(ticks),
            "sz": coin.sz(lots),
            "side": "B" if order.buys else "A",
            "time": time,
            "startPosition": effect["startPosition"],
            "dir": effect["dir"],
            "closedPnl": effect["closedPnl"],
            "hash": digest,
            "oid": order.oid,
            "crossed": crossed,
            "fee": effect["fee"],
            "tid": tid,
        }
        if order.cloid is not None:
            row["cloid"] = order.cloid
        row |= extra or {}
        row |= {"feeToken": effect["feeToken"], "twapId": twap}
        self.volume += ticks * lots
        self._publish_fill(row, twap)
        return row

    def dust(self, coin: CoinMarket, time: int) -> bool:
        """
        Convert what is too small to sell; tell whether there was any.

        HL: such a fill has tid 0 and a zero hash (§2.12).
        """
        holding = self.holdings.get(coin.instrument.name)
        lot = int(10 ** (TOKEN_PLACES - coin.instrument.sz_decimals))
        if holding is None or not 0 < holding.amount < lot:
            return False
        row: Row = {
            "coin": coin.instrument.name,
            "px": coin.px(coin.mark),
            "sz": decimal(holding.amount, TOKEN_PLACES),
            "side": "A",
            "time": time,
            "startPosition": decimal(holding.amount, TOKEN_PLACES),
            "dir": "Spot Dust Conversion",
            "closedPnl": "0.0",
            "hash": ZERO_HASH,
            "oid": self.next_oid(),
            "crossed": True,
            "fee": "0.0",
            "tid": 0,
            "feeToken": "USDC",
            "twapId": None,
        }
        holding.amount = holding.cost = 0
        self._publish_fill(row, None)
        return True

    def pay_funding(self, coin: CoinMarket, rate: float, text: str, time: int) -> None:
        """Publish an hour's funding. HL: usdc below zero was paid (§6.3)."""
        position = self.positions.get(coin.instrument.name)
        if position is None or not position.size:
            return
        places = coin.instrument.px_decimals + coin.instrument.sz_decimals
        notional = position.size * round(coin.oracle)
        usdc = -round(truncated(notional, places, _CASH) * rate)
        self._earn(coin.instrument.dex, usdc)
        position.funding += usdc
        position.funding_since_open += usdc
        row: Row = {
            "time": time,
            "coin": coin.instrument.name,
            "usdc": decimal(usdc, _CASH),
            "szi": coin.sz(position.size),
            "fundingRate": text,
            "nSamples": None,
        }
        self.fundings.append(row)
        self.activity.fundings.append(row)
        self._ledger.record(f"userFundings:{self.address}", time, funding_key(row))

    def enter(self, delta: Row, digest: str, time: int) -> None:
        """Publish a row that is neither a fill nor funding."""
        row: Row = {"time": time, "hash": digest, "delta": delta}
        self.ledger_rows.append(row)
        self.activity.ledger.append(row)
        stream = f"userNonFundingLedgerUpdates:{self.address}"
        self._ledger.record(stream, time, ledger_key(row))

    def _publish_fill(self, row: Row, twap: int | None) -> None:
        if twap is None:
            self.fills.append(row)
            self.activity.fills.append(row)
            stream = f"userFills:{self.address}"
        else:
            # HL: slices are not in userFills (§2.12, uncertain).
            slice_fill = {"fill": row, "twapId": twap}
            self.twap_fills.append(slice_fill)
            self.activity.twap_fills.append(slice_fill)
            stream = f"userTwapSliceFills:{self.address}"
        self._ledger.record(stream, row["time"], fill_key(row))

    def _perp_effect(
        self, instrument: Instrument, ticks: int, lots: int, *, buys: bool, taker: bool
    ) -> Row:
        position = self.positions.setdefault(
            instrument.name, Position(leverage=min(10, instrument.max_leverage))
        )
        start = decimal(position.size, instrument.sz_decimals)
        direction, realised = position.trade(ticks, lots, buys=buys)
        places = instrument.px_decimals + instrument.sz_decimals
        # HL: 0.045 % taker, 0.015 % maker, cut off at 6 decimals (§6.1).
        per_hundred_thousand = 45 if taker else 15
        fee = truncated(ticks * lots * per_hundred_thousand, places + 5, _CASH)
        self._earn(instrument.dex, truncated(realised, places, _CASH) - fee)
        return {
            "startPosition": start,
            "dir": direction,
            "closedPnl": decimal(realised, places),
            "fee": decimal(fee, _CASH),
            "feeToken": "USDC",
        }

    def _spot_effect(
        self, instrument: Instrument, ticks: int, lots: int, *, buys: bool, taker: bool
    ) -> Row:
        holding = self.holdings.setdefault(instrument.name, Holding())
        start = decimal(holding.amount, TOKEN_PLACES)
        amount = lots * int(10 ** (TOKEN_PLACES - instrument.sz_decimals))
        places = instrument.px_decimals + TOKEN_PLACES
        # HL: a buy's fee is in the base token, a sell's in the quote (§2.12).
        per_hundred_thousand = 70 if taker else 40
        paid = truncated(ticks * amount, places, _CASH)
        if buys:
            fee = amount * per_hundred_thousand // 100_000
            holding.buy(ticks, amount, fee)
            realised = 0
            self._earn("", -paid)
        else:
            realised = holding.sell(ticks, amount)
            quote = truncated(ticks * amount, places, TOKEN_PLACES)
            fee = quote * per_hundred_thousand // 100_000
            self._earn("", paid - fee // 100)
        return {
            "startPosition": start,
            "dir": "Buy" if buys else "Sell",
            "closedPnl": decimal(truncated(realised, places, 8), 8),
            "fee": decimal(fee, TOKEN_PLACES),
            "feeToken": instrument.base_token if buys else "USDC",
        }

    def _earn(self, dex: str, amount: int) -> None:
        self._cash[dex] = self.cash(dex) + amount
