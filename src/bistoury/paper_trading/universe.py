"""
What can be traded, and by which rules: read from ``meta``, never written here.

HL: a price has at most five significant figures and at most 6 - szDecimals
decimals, whole numbers are always allowed; a size has szDecimals (docs: "tick and
lot size"). Margin tables: docs "margin tiers"; a table id below 50 is one tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .numbers import ONE, ZERO, figures_of, places_of

_PERP_DECIMALS = 6
_FIGURES = 5
_SINGLE_TIER_BELOW = 50
_DEX_ASSETS = 10_000
_FIRST_DEX_ASSET = 100_000

# HL: the most a market order may be worth, by the leverage of the asset; a limit
# order may be worth ten times that (docs: "order types").
_LARGEST = ((25, 30_000_000), (20, 5_000_000), (10, 2_000_000), (0, 500_000))


@dataclass(frozen=True, slots=True)
class Tier:
    """From ``lower`` USD of notional on: at most this leverage."""

    lower: Decimal
    max_leverage: int
    rate: Decimal
    """Maintenance margin per USD. HL: half the initial margin at that leverage."""
    deduction: Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """One perpetual."""

    coin: str
    asset: int
    sz_decimals: int
    max_leverage: int
    tiers: tuple[Tier, ...]
    margin_mode: str = ""
    """HL: ``strictIsolated`` (margin cannot be taken out), ``noCross``, or nothing."""
    is_delisted: bool = False
    is_growth: bool = False
    fee_scale: Decimal = ONE
    """HL: a HIP-3 deployer's share; counts only for coins of a dex."""

    @property
    def px_decimals(self) -> int:
        """The most decimals a price has."""
        return _PERP_DECIMALS - self.sz_decimals

    @property
    def is_isolated_only(self) -> bool:
        """Whether positions have their own margin, whatever was asked for."""
        return bool(self.margin_mode)

    @property
    def is_of_a_dex(self) -> bool:
        """Whether somebody else than the venue lists it (HIP-3)."""
        return ":" in self.coin

    def has_tick(self, px: Decimal) -> bool:
        """Whether a price lies on the grid."""
        if px == px.to_integral_value():
            return True
        return places_of(px) <= self.px_decimals and figures_of(px) <= _FIGURES

    def has_lot(self, sz: Decimal) -> bool:
        """Whether a size lies on the grid."""
        return places_of(sz) <= self.sz_decimals

    def largest_value(self, *, is_market: bool) -> int:
        """Return the most an order may be worth, in USD."""
        most = next(usd for lev, usd in _LARGEST if self.max_leverage >= lev)
        return most if is_market else most * 10

    def tier(self, notional: Decimal) -> Tier:
        """Return the tier that a position of ``notional`` USD is in."""
        found = self.tiers[0]
        for tier in self.tiers:
            if notional > tier.lower:
                found = tier
        return found

    def maintenance(self, notional: Decimal) -> Decimal:
        """Return the maintenance margin of a position, in USD."""
        tier = self.tier(notional)
        return notional * tier.rate - tier.deduction


class Universe:
    """Every perpetual, by name and by the number orders use."""

    def __init__(self, instruments: list[Instrument]) -> None:
        self.by_coin = {it.coin: it for it in instruments}
        self.by_asset = {it.asset: it for it in instruments}

    @classmethod
    def from_meta(
        cls, meta: Mapping[str, Any], *, dex_index: int = 0, fee_scale: str = "1"
    ) -> Universe:
        """
        Read a ``meta`` answer; ``dex_index`` is the dex's place in ``perpDexs``.

        Raises:
            KeyError, TypeError, ValueError: it is not of that shape.
        """
        tables = {int(number): table for number, table in meta.get("marginTables", ())}
        first = _FIRST_DEX_ASSET + dex_index * _DEX_ASSETS if dex_index else 0
        rows = enumerate(meta["universe"], first)
        scale = Decimal(fee_scale)
        return cls([_instrument(row, n, tables, scale) for n, row in rows])

    def merged(self, other: Universe) -> Universe:
        """Return both together."""
        return Universe([*self.by_coin.values(), *other.by_coin.values()])


def _instrument(
    row: Mapping[str, Any],
    asset: int,
    tables: Mapping[int, Mapping[str, Any]],
    fee_scale: Decimal,
) -> Instrument:
    highest = int(row["maxLeverage"])
    number = int(row.get("marginTableId", highest))
    table = tables.get(number)
    if table is not None:
        steps = [
            (Decimal(it["lowerBound"]), int(it["maxLeverage"]))
            for it in table["marginTiers"]
        ]
    else:
        # HL: a table below 50 is one tier with that leverage; of a table that was
        # not sent, the asset's own leverage is all that is known.
        alone = number if number < _SINGLE_TIER_BELOW else highest
        steps = [(ZERO, alone)]
    mode = row.get("marginMode") or ("noCross" if row.get("onlyIsolated") else "")
    return Instrument(
        coin=row["name"],
        asset=asset,
        sz_decimals=int(row["szDecimals"]),
        max_leverage=highest,
        tiers=_tiers(sorted(steps)),
        margin_mode=mode,
        is_delisted=bool(row.get("isDelisted", False)),
        is_growth=row.get("growthMode") in ("enabled", True),
        fee_scale=fee_scale,
    )


def _tiers(steps: list[tuple[Decimal, int]]) -> tuple[Tier, ...]:
    """Work out rates and deductions. HL: continuous where one tier meets the next."""
    tiers: list[Tier] = []
    for lower, leverage in steps:
        rate = ONE / (2 * leverage)
        deduction = ZERO
        if tiers:
            last = tiers[-1]
            deduction = last.deduction + lower * (rate - last.rate)
        tiers.append(Tier(lower, leverage, rate, deduction))
    return tuple(tiers)
