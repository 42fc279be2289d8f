from __future__ import annotations

import pytest

from bistoury import ConfigError
from bistoury.paper_trading import report
from bistoury.paper_trading.showing import document


def test_the_document_is_the_report_with_its_fills(traded):
    whole = document(traded.events, assumptions={"seed": 7})
    rows = whole.pop("rows")

    assert whole == report(traded.events, assumptions={"seed": 7})
    assert [(it["side"], it["role"], it["px"]) for it in rows] == [
        ("buy", "taker", "101"),
        ("buy", "taker", "102"),
        ("sell", "taker", "99"),
    ]
    assert all(it["paper"] is True for it in rows)


def test_a_reset_account_begins_anew(traded):
    data = {"account": "main", "cash": "50", "address": ""}
    traded.send(5000, "paper:open", data)
    whole = document(traded.events)

    assert whole["rows"] == []
    assert whole["begun_with"] == 50


def test_an_account_that_is_not_there_is_named_with_those_that_are(traded):
    with pytest.raises(ConfigError, match="one of main"):
        document(traded.events, "nobody")
    with pytest.raises(ConfigError, match="there is none"):
        document([], "nobody")
