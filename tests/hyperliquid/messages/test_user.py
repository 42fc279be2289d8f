from __future__ import annotations

from bistoury.hyperliquid.messages.user import LedgerUpdate


def test_a_ledger_update_names_its_kind():
    assert LedgerUpdate(1, "0x0", {"type": "deposit", "usdc": "1.0"}).kind == "deposit"


def test_a_ledger_update_without_a_kind_is_still_read():
    assert LedgerUpdate(1, "0x0", {}).kind == ""
