"""What a paper server looks like in a terminal; drawn from its overview."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_STATES = {"live": "green", "waiting": "yellow", "stale": "red", "gap": "red"}
_FEW_FILLS = 8
_PAPER = " PAPER "


def render(state: dict[str, Any], url: str) -> RenderableType:
    """Return everything, accounts below the data they trade on."""
    parts: list[RenderableType] = [header(state, url)]
    if state["coins"]:
        parts.append(coins_table(state["coins"]))
    for account in state["accounts"]:
        parts += [Text(""), account_line(account)]
        if account["positions"]:
            parts.append(positions_table(account["positions"]))
        if account["orders"]:
            parts.append(orders_table(account["orders"]))
        if account["latest_fills"]:
            parts.append(fills_table(account["latest_fills"][:_FEW_FILLS]))
    return Group(*parts)


def header(state: dict[str, Any], url: str) -> Text:
    """Return one line: paper, where, and whether the data flows."""
    line = Text(_PAPER, "bold black on yellow")
    line.append(f" {url}  ", "bold")
    if state.get("ended"):
        line.append("as it was when the journal ended", "yellow")
    elif state.get("trouble"):
        line.append(state["trouble"], "bold red")
    elif not state["ready"]:
        line.append("nothing was heard of the market yet", "yellow")
    elif state["connected"]:
        line.append("connected", "green")
    else:
        line.append("the connection is down, orders are refused", "bold red")
    return line


def coins_table(coins: list[dict[str, Any]]) -> Table:
    """Return what may be traded, and on how good data."""
    table = _table("coin", "data", "mid>", "mark>", "age>", "why not")
    for it in coins:
        age = it["age_seconds"]
        table.add_row(
            it["coin"],
            Text(it["state"], _STATES.get(it["state"], "")),
            it["mid"] or "-",
            it["mark"] or "-",
            "-" if age is None else f"{age:.1f} s",
            it["reason"],
        )
    return table


def account_line(account: dict[str, Any]) -> Text:
    """Return an account's name, its value and where its profit came from."""
    profit = account["profit"]
    line = Text(f"{account['name']}", "bold")
    if account["address"] and account["address"] != account["name"]:
        line.append(f" {account['address']}", "dim")
    line.append(f"  {_usd(account['equity'])}  ")
    line.append("unrealized ").append(_signed(account["unrealized"]))
    for name in ("price", "fees", "funding", "liquidation"):
        line.append(f"  {name} ").append(_signed(profit[name]))
    return line


def positions_table(positions: list[dict[str, Any]]) -> Table:
    """Return open positions."""
    table = _table("position", "size>", "entry>", "profit>", "leverage", "liquidation>")
    for it in positions:
        leverage = it.get("leverage")
        table.add_row(
            it["coin"],
            it["szi"],
            it["entryPx"],
            _signed(it["unrealizedPnl"]) if "unrealizedPnl" in it else Text("-"),
            f"{leverage['value']}x {leverage['type']}" if leverage else "-",
            it.get("liquidationPx") or "-",
        )
    return table


def orders_table(orders: list[dict[str, Any]]) -> Table:
    """Return open orders."""
    table = _table("order>", "coin", "side", "size>", "limit>", "type", "trigger", "")
    for it in orders:
        kind = it["orderType"] if it["isTrigger"] else it["tif"] or it["orderType"]
        table.add_row(
            str(it["oid"]),
            it["coin"],
            "buy" if it["side"] == "B" else "sell",
            it["sz"],
            it["limitPx"],
            kind + (" reduce-only" if it["reduceOnly"] else ""),
            it["triggerCondition"] if it["isTrigger"] else "",
            Text("uncertain", "red") if it["uncertain"] else "",
        )
    return table


def fills_table(fills: list[dict[str, Any]]) -> Table:
    """Return the latest fills, newest first."""
    table = _table(
        "fill>", "time", "coin", "what", "size>", "price>", "fee>", "quality"
    )
    for it in fills:
        moment = datetime.fromtimestamp(it["time"] / 1000, UTC)
        table.add_row(
            str(it["tid"]),
            f"{moment:%H:%M:%S}",
            it["coin"],
            it["dir"],
            it["sz"],
            it["px"],
            it["fee"],
            it["quality"],
        )
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        side = "right" if name.endswith(">") else "left"
        table.add_column(name.rstrip(">"), justify=side, no_wrap=True)  # type: ignore[arg-type]
    return table


def _usd(value: Any) -> str:
    return f"{Decimal(str(value)):,.2f} USDC"


def _signed(value: Any) -> Text:
    amount = Decimal(str(value))
    return Text(f"{amount:+,.2f}", "red" if amount < 0 else "green" if amount else "")
