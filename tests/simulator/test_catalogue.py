from __future__ import annotations

from bistoury.simulator import catalogue


def test_a_dex_has_its_own_universe(wire):
    market = wire.exchange.market

    names = [row["name"] for row in catalogue.meta(market, "xyz")["universe"]]

    assert names == ["xyz:NVDA"]
    assert catalogue.meta(market, "")["marginTables"][0][0] == 25
    assert catalogue.perp_dexs(market, ["", "xyz"])[0] is None


def test_pairs_name_tokens_that_exist(wire):
    meta = catalogue.spot_meta(wire.exchange.market)
    names = {token["index"]: token["name"] for token in meta["tokens"]}

    pairs = {
        row["name"]: (names[row["tokens"][0]], row["index"]) for row in meta["universe"]
    }

    assert pairs == {"PURR/USDC": ("PURR", 0), "@107": ("HYPE", 107)}
