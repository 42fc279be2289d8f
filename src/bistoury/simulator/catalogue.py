"""The venue's lists of what can be traded: meta, spotMeta, perpDexs (§4.2)."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from .instruments import Instrument
from .market import Market

Row = dict[str, Any]


def meta(market: Market, dex: str) -> Row:
    """Return a dex's universe; the place in it is the asset's number."""
    perps = [
        coin.instrument
        for coin in market.coins.values()
        if coin.instrument.dex == dex and not coin.instrument.is_spot
    ]
    leverages = sorted({perp.max_leverage for perp in perps})
    return {
        "universe": [_perp(perp) for perp in perps],
        # HL: a table id below 50 is one tier with that leverage (§6.4).
        "marginTables": [
            [
                leverage,
                {
                    "description": "",
                    "marginTiers": [{"lowerBound": "0.0", "maxLeverage": leverage}],
                },
            ]
            for leverage in leverages
        ],
        "collateralToken": 0,
    }


def _perp(perp: Instrument) -> Row:
    row: Row = {
        "szDecimals": perp.sz_decimals,
        "name": perp.name,
        "maxLeverage": perp.max_leverage,
        "marginTableId": perp.max_leverage,
    }
    if perp.dex:
        row |= {"onlyIsolated": True, "marginMode": "strictIsolated"}
    return row


def spot_meta(market: Market) -> Row:
    """Return tokens and pairs. HL: ``index`` has gaps, it is no list position."""
    tokens = [_token("USDC", 0, 8)]
    pairs: list[Row] = []
    for coin in market.coins.values():
        spot = coin.instrument
        if spot.is_spot:
            tokens.append(_token(spot.base_token, spot.token_index, spot.sz_decimals))
            pairs.append(
                {
                    "tokens": [spot.token_index, 0],
                    "name": spot.name,
                    "index": spot.pair_index,
                    "isCanonical": "/" in spot.name,
                }
            )
    # Clients look tokens up by position, so the gaps are filled with others.
    known = {token["index"] for token in tokens}
    last = max(known)
    tokens += [_token(f"T{n}", n, 2) for n in range(last) if n not in known]
    tokens.sort(key=lambda token: int(token["index"]))
    pairs.sort(key=lambda pair: int(pair["index"]))
    return {"universe": pairs, "tokens": tokens}


def _token(name: str, index: int, sz_decimals: int) -> Row:
    return {
        "name": name,
        "szDecimals": sz_decimals,
        "weiDecimals": 8,
        "index": index,
        "tokenId": f"0x{crc32(name.encode()):032x}",
        "isCanonical": index < 2,  # noqa: PLR2004
        "evmContract": None,
        "fullName": None,
        "deployerTradingFeeShare": "0.0",
    }


def perp_dexs(market: Market, dexs: list[str]) -> list[Row | None]:
    """Return the dexes; the main one is null, the position is the dex's number."""
    rows: list[Row | None] = [None]
    for dex in dexs[1:]:
        names = [name for name in market.coins if name.startswith(f"{dex}:")]
        rows.append(
            {
                "name": dex,
                "fullName": dex.upper(),
                "deployer": f"0x{crc32(dex.encode()):040x}",
                "oracleUpdater": None,
                "feeRecipient": None,
                "assetToStreamingOiCap": [[name, "25000000.0"] for name in names],
                "subDeployers": [],
                "deployerFeeScale": "1.0",
                "lastDeployerFeeScaleChangeTime": "1970-01-01T00:00:00",
                "assetToFundingMultiplier": [],
            }
        )
    return rows
