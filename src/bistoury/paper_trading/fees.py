"""
What a fill costs.

HL: docs "fees"; tiers by the volume of the last 14 days, re-assessed once a day
(UTC). Rounding as recorded: a fee in USDC is cut off after six decimals, and so is
the builder's part, each by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from ..errors import ConfigError
from .numbers import ONE, ZERO, truncated
from .universe import Instrument

DAY_MS = 86_400_000
_DAYS = 14

# HL: volume of 14 days above which a tier begins, with its taker and maker rates.
TIERS: tuple[tuple[int, Decimal, Decimal], ...] = (
    (0, Decimal("0.00045"), Decimal("0.00015")),
    (5_000_000, Decimal("0.00040"), Decimal("0.00012")),
    (25_000_000, Decimal("0.00035"), Decimal("0.00008")),
    (100_000_000, Decimal("0.00030"), Decimal("0.00004")),
    (500_000_000, Decimal("0.00028"), ZERO),
    (2_000_000_000, Decimal("0.00026"), ZERO),
    (7_000_000_000, Decimal("0.00024"), ZERO),
)
_HIGHEST = Decimal("0.1")
_ALLOWED = {
    "taker": (ZERO, _HIGHEST),
    "maker": (-_HIGHEST, _HIGHEST),
    "volume": (ZERO, Decimal(10) ** 15),
    "staking_discount": (ZERO, ONE),
    "referral_discount": (ZERO, ONE),
}
_GROWTH = Decimal("0.1")
_TENTHS_OF_A_POINT = Decimal("0.00001")


class FeeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whose fees are paid; by default those of somebody new."""

    taker: Decimal | None = None
    """A fixed rate, such as ``userCrossRate`` of ``userFees``; else by tier."""
    maker: Decimal | None = None
    """A fixed rate, such as ``userAddRate``; negative for a rebate."""
    volume: Decimal = ZERO
    """USD traded elsewhere in the last 14 days."""
    staking_discount: Decimal = ZERO
    """A fraction: 0.05 for more than 10 HYPE, up to 0.4."""
    referral_discount: Decimal = ZERO
    """A fraction: 0.04 with a referral."""

    def check(self) -> None:
        """
        Check that these can be fees.

        Raises:
            ConfigError: a value cannot; names it.
        """
        for name, (least, most) in _ALLOWED.items():
            value = getattr(self, name)
            is_number = isinstance(value, Decimal) and value.is_finite()
            is_by_tier = value is None and name in ("taker", "maker")
            if not is_by_tier and not (is_number and least <= value <= most):
                allowed = f"a Decimal from {least} to {most}"
                raise ConfigError(f"fees.{name}", value, allowed)

    @classmethod
    def of_user(cls, answer: dict[str, object]) -> FeeSettings:
        """Read what ``userFees`` says of an address."""
        # HL: the rates have the staking discount in them, the referral's not.
        return cls(
            taker=Decimal(str(answer["userCrossRate"])),
            maker=Decimal(str(answer["userAddRate"])),
            referral_discount=Decimal(str(answer.get("activeReferralDiscount", 0))),
        )


def base_rate(settings: FeeSettings, volume: Decimal, *, is_maker: bool) -> Decimal:
    """Return the rate before discounts of the coin, for ``volume`` USD in 14 days."""
    fixed = settings.maker if is_maker else settings.taker
    if fixed is not None:
        return fixed
    known = settings.volume + volume
    taker, maker = TIERS[0][1:]
    for above, *rates in TIERS:
        if known > above:
            taker, maker = rates
    rate = maker if is_maker else taker
    return rate * (ONE - settings.staking_discount)


def rate_of(
    settings: FeeSettings, instrument: Instrument, volume: Decimal, *, is_maker: bool
) -> Decimal:
    """Return what one USD costs in this coin, discounts and HIP-3 included."""
    rate = base_rate(settings, volume, is_maker=is_maker)
    if instrument.is_of_a_dex:
        scale = instrument.fee_scale
        # HL: hip3 = 1 + s below one, twice s above; growth mode is a tenth.
        if rate > 0:
            rate *= ONE + scale if scale < 1 else 2 * scale
        if instrument.is_growth:
            rate *= _GROWTH
    return rate * (ONE - settings.referral_discount) if rate > 0 else rate


def fee(notional: Decimal, rate: Decimal) -> Decimal:
    """Return a fee in USDC; negative for a rebate."""
    return truncated(notional * rate)


def builder_fee(notional: Decimal, tenths: int) -> Decimal:
    """Return a builder's part in USDC; ``tenths`` are tenths of a basis point."""
    return truncated(notional * tenths * _TENTHS_OF_A_POINT)


@dataclass(slots=True)
class Volume:
    """USD traded in the last 14 whole days. HL: today does not count yet."""

    days: dict[int, Decimal] = field(default_factory=dict)

    def add(self, time: int, notional: Decimal) -> None:
        """Count a fill at ``time`` (venue ms)."""
        day = time // DAY_MS
        self.days[day] = self.days.get(day, ZERO) + notional
        for old in [it for it in self.days if it < day - _DAYS]:
            del self.days[old]

    def at(self, time: int) -> Decimal:
        """Return the volume that counts on the day of ``time``."""
        today = time // DAY_MS
        return sum(
            (usd for day, usd in self.days.items() if today - _DAYS <= day < today),
            ZERO,
        )
