from __future__ import annotations

import pytest

from bistoury import ConfigError
from bistoury.paper_trading.server import wallets as module
from bistoury.paper_trading.server.wallets import Wallets, address_of

ADDRESS = "0x" + "ab" * 20


def test_an_account_is_opened_once(trader):
    wallets = Wallets(trader, "250")
    opened = wallets.opened(ADDRESS)

    assert opened.opened_with == 250
    assert wallets.opened(ADDRESS) is trader.accounts[ADDRESS]
    assert address_of(opened) == ADDRESS


def test_asking_opens_nothing(trader):
    shown = Wallets(trader, "250").shown(ADDRESS)

    assert shown.value({}) == 250
    assert ADDRESS not in trader.accounts


def test_an_account_is_found_by_its_address_whatever_its_name(trader):
    trader.open_account("grid", "100", ADDRESS.upper().replace("X", "x"))
    wallets = Wallets(trader, "250")

    assert wallets.opened(ADDRESS) is trader.accounts["grid"]
    assert address_of(trader.accounts["grid"]) == ADDRESS
    assert address_of(trader.accounts["main"]) == ""


def test_without_cash_nothing_is_opened_and_nothing_is_shown(trader):
    wallets = Wallets(trader, None)

    assert wallets.opened(ADDRESS) is None
    assert wallets.shown(ADDRESS).value({}) == 0


@pytest.mark.parametrize(
    ("cash", "agents"),
    [("0", {}), ("much", {}), ("1", {"bot": ADDRESS}), ("1", {ADDRESS: "me"})],
)
def test_what_cannot_be_is_refused_by_name(trader, cash, agents):
    with pytest.raises(ConfigError, match=r"cash|agents"):
        Wallets(trader, cash, agents)


def test_not_everybody_who_signs_gets_an_account(trader, monkeypatch):
    monkeypatch.setattr(module, "MOST_ACCOUNTS", 2)
    wallets = Wallets(trader, "250")
    assert wallets.opened(ADDRESS) is not None
    assert wallets.opened("0x" + "cd" * 20) is None
    assert wallets.opened(ADDRESS) is not None
