"""Accounts are the fold of their events."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bistoury.paper_trading import accounts
from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts, closing
from bistoury.paper_trading.events import AccountOpened, Filled, FundingPaid

D = Decimal


def fill(seq, is_buy, px, sz, fee="0", *, isolated=False, leverage=10):
    return Filled(
        at=seq,
        seq=seq,
        account="main",
        coin="ETH",
        oid=seq,
        tid=seq,
        is_buy=is_buy,
        px=D(px),
        sz=D(sz),
        time=seq,
        crossed=True,
        start_position=D(0),
        direction="",
        closed_pnl=D(0),
        fee=D(fee),
        is_isolated=isolated,
        leverage=leverage,
    )


def account(*fills, cash="10000"):
    begun = AccountOpened(at=0, seq=0, account="main", cash=D(cash))
    accounts = Accounts.folded([begun, *fills], {"ETH": 2})
    return accounts.by_name["main"]


def test_a_trade_moves_cash_and_a_mark_gives_it_back():
    held = account(fill(1, True, "2000", "2", "1.8"))
    assert held.raw_usd == D("5998.2")
    assert held.value({"ETH": D(2000)}) == D("9998.2")
    assert held.value({"ETH": D(2100)}) == D("10198.2")


def test_opening_averages_and_closing_leaves_the_entry_alone():
    held = account(fill(1, True, "2000", "1"), fill(2, True, "2300", "2"))
    assert held.positions["ETH"].entry_px == 2200
    after = account(
        fill(1, True, "2000", "1"),
        fill(2, True, "2300", "2"),
        fill(3, False, "2500", "1"),
    )
    assert after.positions["ETH"].entry_px == 2200
    assert after.totals.price == 300


def test_what_remains_after_a_flip_opens_at_the_price_of_the_trade():
    held = account(fill(1, True, "2000", "1"), fill(2, False, "2100", "3"))
    position = held.positions["ETH"]
    assert (position.szi, position.entry_px) == (-2, 2100)
    assert held.totals.price == 100


def test_an_isolated_position_carries_its_own_margin():
    held = account(fill(1, True, "2000", "1", isolated=True))
    assert held.raw_usd == 9800
    assert held.positions["ETH"].raw_usd == -1800
    closed = account(
        fill(1, True, "2000", "1", isolated=True),
        fill(2, False, "1900", "1", isolated=True),
    )
    assert closed.raw_usd == 9900
    assert closed.positions == {}


def test_half_an_isolated_position_gives_half_its_margin_back():
    held = account(
        fill(1, True, "2000", "1", isolated=True),
        fill(2, False, "2100", "0.5", isolated=True),
    )
    # Margin 200 and profit 100: half of the 300 is free again.
    assert held.raw_usd == 9950
    assert held.value({"ETH": D(2100)}) == 10100


def test_funding_goes_where_the_margin_is():
    paid = FundingPaid(
        at=2,
        seq=2,
        account="main",
        coin="ETH",
        time=2,
        szi=D(1),
        rate=D(0),
        oracle=D(0),
        usdc=D("-0.5"),
    )
    cross = account(fill(1, True, "2000", "1"), paid)
    assert cross.raw_usd == D("7999.5")
    own = account(fill(1, True, "2000", "1", isolated=True), paid)
    assert own.positions["ETH"].raw_usd == D("-1800.5")
    assert own.positions["ETH"].funding_open == D("0.5")


def test_closing_is_no_more_than_there_is():
    assert closing(D(2), D(-5)) == -2
    assert closing(D(-2), D(1)) == 1
    assert closing(D(2), D(1)) == 0


trades = st.lists(
    st.tuples(
        st.booleans(),
        st.decimals(1, 5000, places=1),
        st.decimals("0.01", 10, places=2),
        st.decimals(0, 2, places=6),
        st.integers(-1000, 1000),
    ),
    max_size=25,
)


@given(trades, st.booleans())
def test_value_changes_only_by_prices_fees_and_funding(story, isolated):
    events, cash, szi = [], D(100_000), D(0)
    for number, (is_buy, px, sz, fee, _) in enumerate(story, 1):
        events.append(fill(number, is_buy, px, sz, str(fee), isolated=isolated))
        signed = sz if is_buy else -sz
        szi += signed
        cash -= signed * px + fee
    held = account(*events, cash="100000")
    mark = D(1234)
    assert abs(held.value({"ETH": mark}) - (cash + szi * mark)) < D("1e-12")
    assert sum((it.szi for it in held.positions.values()), D(0)) == szi
    # Where the profit came from adds up to the profit.
    totals = held.totals
    open_profit = sum((it.unrealized(mark) for it in held.positions.values()), D(0))
    parts = totals.price + totals.fees + totals.funding + open_profit
    assert abs(held.value({"ETH": mark}) - 100_000 - parts) < D("1e-12")


@given(trades)
def test_a_journal_written_and_read_folds_to_the_same(story):
    events = [AccountOpened(at=0, seq=0, account="main", cash=D(100_000))]
    events += [fill(n, *it[:3], str(it[3])) for n, it in enumerate(story, 1)]
    once = Accounts.folded(events, {"ETH": 2})
    read = [said.decode(said.encode(it)) for it in events]
    again = Accounts.folded(read, {"ETH": 2})
    assert once.by_name == again.by_name


def test_one_nonce_far_ahead_does_not_lock_an_account(monkeypatch):
    monkeypatch.setattr(accounts, "KEPT_NONCES", 3)
    nonces = [1_000_000, 5, 3, 6, 7, 4, 8]
    settled = [
        said.Settled(at=0, seq=n, account="main", nonce=it, answer={})
        for n, it in enumerate(nonces, 1)
    ]
    held = account(*settled)
    assert sorted(held.answers) == [7, 8, 1_000_000]
    assert held.forgotten == 6
    # Once more, as an interrupted command is: nothing is forgotten for it.
    again = account(*settled, settled[-1])
    assert (sorted(again.answers), again.forgotten) == ([7, 8, 1_000_000], 6)
