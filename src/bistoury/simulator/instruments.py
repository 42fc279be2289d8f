"""
What can be traded here: names, grids and where prices begin.

HL: a price has at most 5 significant figures and 6 (perp) or 8 (spot) minus
szDecimals decimals (protocol §6.6). Each coin gets one tick for life, chosen so
that its price stays between 10,000 and 99,999 ticks; both rules then hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

MOST_TICKS = 99_999

# name: start in ticks, price decimals, szDecimals, max leverage, trades/s, lots
_CATALOGUE: dict[str, tuple[int, int, int, int, float, int]] = {
    "BTC": (64_250, 0, 5, 40, 2.0, 3_000),
    "ETH": (32_104, 1, 4, 25, 1.5, 8_000),
    "SOL": (15_023, 2, 2, 20, 1.0, 1_500),
    "HYPE": (35_281, 3, 2, 10, 0.7, 4_000),
    "DOGE": (21_874, 5, 0, 10, 0.4, 900),
    "kPEPE": (12_463, 6, 0, 10, 0.4, 15_000),
    "XRP": (24_112, 4, 0, 20, 0.4, 300),
    "AVAX": (27_415, 3, 2, 10, 0.3, 2_000),
    "xyz:NVDA": (18_122, 2, 3, 20, 0.3, 1_200),
    "xyz:TSLA": (33_410, 2, 3, 10, 0.2, 800),
    "@107": (35_274, 3, 2, 0, 0.5, 2_500),
    "PURR/USDC": (15_310, 5, 0, 0, 0.05, 700),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """One coin. ``index`` is its place in its universe."""

    name: str
    index: int
    start_ticks: int
    px_decimals: int
    sz_decimals: int
    max_leverage: int
    trade_rate: float
    typical_lots: int

    @property
    def dex(self) -> str:
        """The HIP-3 dex this belongs to; empty for the main dex and for spot."""
        return self.name.partition(":")[0] if ":" in self.name else ""

    @property
    def is_spot(self) -> bool:
        """Whether this is a spot pair."""
        return is_spot(self.name)

    @property
    def pair_index(self) -> int:
        """The spot pair's ``index`` in spotMeta, which is not its place there."""
        return int(self.name[1:]) if self.name.startswith("@") else 0

    @property
    def base_token(self) -> str:
        """The token a spot pair trades; the coin itself for a perpetual."""
        if self.name == "@107":
            return "HYPE"
        if self.name.startswith("@"):
            return f"TKN{self.name[1:]}"
        return self.name.partition("/")[0] if self.is_spot else self.name

    @property
    def token_index(self) -> int:
        """The base token's ``index`` in spotMeta."""
        # HL: HYPE is token 150 on mainnet, PURR token 1 (spotMeta).
        if self.name == "@107":
            return 150
        return self.pair_index + 1


def is_spot(name: str) -> bool:
    """Tell a spot pair by its name."""
    return name.startswith("@") or "/" in name


def instruments(names: tuple[str, ...]) -> dict[str, Instrument]:
    """Return the instruments called ``names``, each placed in its universe."""
    places: dict[str, int] = {}
    found: dict[str, Instrument] = {}
    for name in names:
        universe = "spot" if is_spot(name) else name.partition(":")[0] * (":" in name)
        index = places.get(universe, 0)
        if name not in found:
            found[name] = Instrument(name, index, *_shape(name))
            places[universe] = index + 1
    return found


def _shape(name: str) -> tuple[int, int, int, int, float, int]:
    if known := _CATALOGUE.get(name):
        return known
    number = crc32(name.encode())
    px_decimals = number % 5
    sz_decimals = min(2, 6 - px_decimals)
    leverage = 0 if is_spot(name) else (3, 5, 10)[number % 3]
    return (
        20_000 + number % 50_000,
        px_decimals,
        sz_decimals,
        leverage,
        0.05,
        1_000 + number % 4_000,
    )
