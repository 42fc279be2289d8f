from __future__ import annotations

import csv
import io

from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.events import Assumed
from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.showing import as_csv, as_lines, document
from bistoury.paper_trading.showing.tables import COLUMNS


def test_every_fill_is_a_line_of_csv(traded):
    whole = document(traded.events)
    rows = list(csv.DictReader(io.StringIO(as_csv(whole))))

    assert list(rows[0]) == list(COLUMNS)
    assert [row["px"] for row in rows] == ["101", "102", "99"]
    assert {row["paper"] for row in rows} == {"true"}
    assert rows[0]["cloid"].endswith("9")
    assert rows[2]["direction"] == "Close Long"
    assert all(row["cause"] for row in rows)


def test_the_lines_begin_with_paper_and_what_is_assumed(traded):
    whole = document(traded.events, assumptions=PaperConfig().assumptions())
    lines = list(as_lines(whole))
    values = dict(lines)

    assert lines[0][0] == "PAPER"
    assert "queue=risk_averse" in values["assumed"]
    assert "your orders move no market" in values["not simulated"]
    assert values["began with"] == "10,000.00 USDC"
    assert values["fills"] == "3"
    assert values["maker share"] == "0.00 %"
    assert values["slippage against mid at decision"].endswith(" bp")


def test_what_a_journal_assumes_stands_on_top_too(begun):
    first = begun(queue="log")
    events = first.events + begun(Accounts.folded(first.events, {}), 10**13).events
    values = dict(as_lines(document(events)))
    assert "queue=risk_averse" in values["assumed"]
    assert values["assumed since"] == "2286-11-20 17:46:40+00:00"

    old = [it for it in first.events if not isinstance(it, Assumed)]
    assert "not known" in dict(as_lines(document(old)))["assumed"]


def test_an_account_without_fills_has_no_shares(begun):
    values = dict(as_lines(document(begun().events)))

    assert values["maker share"] == "-"
    assert values["quality of fills"] == "-"
    assert values["slippage against mid at arrival"] == "-"


def test_the_profit_adds_up_from_its_parts(traded):
    whole = document(traded.events)

    assert sum(whole["profit_from"].values()) == whole["profit"]
