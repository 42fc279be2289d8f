"""The books of a paper account."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bistoury.paper_trading import PaperAccount, PaperPosition


def traded(account, is_buy, price, size):
    return account.fill(
        "ETH",
        is_buy=is_buy,
        price=Decimal(price),
        size=Decimal(size),
        time=0,
        data_age=0.0,
    )


def test_opening_averages_the_entry_by_size():
    account = PaperAccount(Decimal(1000))
    traded(account, True, "2000", "1")
    traded(account, True, "2300", "2")
    assert account.positions["ETH"] == PaperPosition("ETH", Decimal(3), Decimal(2200))


def test_closing_leaves_the_entry_alone_and_pays_the_difference():
    account = PaperAccount(Decimal(1000), taker_rate=Decimal(0))
    traded(account, True, "2080.2", "0.02")
    fill = traded(account, False, "2067.2", "0.01")
    assert fill.closed_pnl == Decimal("-0.13")
    assert account.positions["ETH"].entry_price == Decimal("2080.2")
    assert account.cash == Decimal("999.87")


def test_what_remains_after_a_flip_opens_at_the_price_of_the_trade():
    account = PaperAccount(Decimal(1000), taker_rate=Decimal(0))
    traded(account, True, "2000", "1")
    fill = traded(account, False, "2100", "3")
    assert fill.closed_pnl == Decimal(100)
    assert account.positions["ETH"] == PaperPosition("ETH", Decimal(-2), Decimal(2100))


def test_fees_are_cut_off_after_six_decimals():
    account = PaperAccount(Decimal(1000), taker_rate=Decimal("0.00015"))
    assert traded(account, True, "66.653", "1").fee == Decimal("0.009997")


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.decimals(1, 5000, places=1),
            st.decimals("0.01", 10, places=2),
        )
    )
)
def test_equity_changes_only_by_prices_and_fees(trades):
    account = PaperAccount(Decimal(100_000))
    value = Decimal(0)
    for is_buy, price, size in trades:
        fill = traded(account, is_buy, price, size)
        value -= (price * size if is_buy else -price * size) + fill.fee
    mark = Decimal(1234)
    held = sum((p.size for p in account.positions.values()), Decimal(0))
    expected = Decimal(100_000) + value + held * mark
    assert abs(account.equity({"ETH": mark}) - expected) < Decimal("1e-15")
