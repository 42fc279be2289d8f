"""What a user owns: positions, margin, balances, leverage, and whose agent acts."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from .shape import Maybe, MaybeNull, Wire


class Leverage(Wire, frozen=True):
    """How far a position is levered; ``raw_usd`` only where it is isolated."""

    type: str
    value: int
    raw_usd: Maybe = UNSET


class CumulativeFunding(Wire, frozen=True):
    """Funding paid on a position so far."""

    all_time: str
    since_open: str
    since_change: str


class Position(Wire, frozen=True):
    """One open position; the size is signed."""

    coin: str
    size: str = field(name="szi")
    leverage: Leverage
    entry_price: MaybeNull = field(name="entryPx")
    position_value: str
    unrealized_pnl: str
    return_on_equity: str
    # HL: null when this position alone cannot liquidate the account.
    liquidation_price: str | None = field(name="liquidationPx")
    margin_used: str
    max_leverage: int | UnsetType = UNSET
    cumulative_funding: CumulativeFunding | UnsetType = field(
        name="cumFunding", default=UNSET
    )
    # HL: only in data from 2023.
    max_trade_sizes: list[str] | UnsetType = field(name="maxTradeSzs", default=UNSET)


class AssetPosition(Wire, frozen=True):
    """A position, and whether long and short net (``oneWay``)."""

    type: str
    position: Position


class MarginSummary(Wire, frozen=True):
    """An account in four sums."""

    account_value: str
    total_notional_position: str = field(name="totalNtlPos")
    total_raw_usd: str
    total_margin_used: str


class AccountState(Wire, frozen=True):
    """The perpetuals account of a user on one dex."""

    asset_positions: list[AssetPosition]
    margin_summary: MarginSummary
    cross_margin_summary: MarginSummary
    withdrawable: str
    cross_maintenance_margin_used: Maybe = UNSET
    time: int | UnsetType = UNSET


class ClearinghouseState(Wire, frozen=True):
    """A user's account on the dex asked for (``clearinghouseState``)."""

    dex: str
    user: str
    state: AccountState = field(name="clearinghouseState")


class AllClearinghouseStates(Wire, frozen=True):
    """A user's account on every dex (``allDexsClearinghouseState``)."""

    user: str
    states: list[tuple[str, AccountState]] = field(name="clearinghouseStates")


class SpotBalance(Wire, frozen=True):
    """How much of one token a user has."""

    coin: str
    token: int
    hold: str
    total: str
    entry_notional: Maybe = field(name="entryNtl", default=UNSET)
    spot_hold: Maybe = UNSET
    loan_to_value: Maybe = field(name="ltv", default=UNSET)
    borrowed: Maybe = UNSET
    supplied: Maybe = UNSET


class SpotAccount(Wire, frozen=True):
    """The tokens of a user."""

    balances: list[SpotBalance]
    portfolio_margin_enabled: bool | UnsetType = UNSET
    # HL: undocumented; passed through as it comes.
    evm_escrows: list[Any] | UnsetType = UNSET


class SpotState(Wire, frozen=True):
    """The tokens of the user asked for (``spotState``)."""

    user: str
    state: SpotAccount = field(name="spotState")


class ActiveAssetData(Wire, frozen=True):
    """What a user could trade of one perpetual (``activeAssetData``): buy, sell."""

    user: str
    coin: str
    leverage: Leverage
    max_trade_sizes: list[str] = field(name="maxTradeSzs")
    available_to_trade: list[str]
    mark_price: str = field(name="markPx")


class UserState(Wire, frozen=True):
    """The part of ``webData3`` that is about the user."""

    user: str
    agent_address: str | None
    agent_valid_until: int | None
    cumulative_ledger: str = field(name="cumLedger")
    server_time: int
    is_vault: bool
    opt_out_of_spot_dusting: bool | UnsetType = UNSET
    dex_abstraction_enabled: bool | UnsetType = UNSET
    abstraction: Maybe = UNSET


class LeadingVault(Wire, frozen=True):
    """A vault the user leads."""

    address: str
    name: str


class PerpDexState(Wire, frozen=True):
    """The part of ``webData3`` that is about one dex, in the order of dexes."""

    total_vault_equity: str
    perps_at_open_interest_cap: list[str] | UnsetType = UNSET
    leading_vaults: list[LeadingVault] | UnsetType = UNSET


class WebData(Wire, frozen=True):
    """What the venue's own pages show about a user (``webData3``)."""

    user_state: UserState
    perp_dex_states: list[PerpDexState]
