"""``bistoury paper parity``: how far paper can be believed, by a real account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import ConfigError
from .. import running
from ..options import ApiUrl, AsJson, Network, config_from, require
from .start import Assume, assumptions

if TYPE_CHECKING:
    from ...config import Config
    from ...paper_trading.universe import Universe

_NO_CASH = "1"


def parity(  # noqa: PLR0917 -- all are options
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="What start --recording kept.")
    ],
    user: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Whose orders; asked of the venue."),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Or from here: JSON, orders and fills."),
    ] = None,
    assume: Assume = None,
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Place a real account's orders on paper, and compare with its real fills.

    Orders and fills are public; no key is needed. Those count that the account
    placed while the recording was made.

    Examples:
        bistoury paper parity btc.log.gz --user 0x6f… --network mainnet

        bistoury paper parity btc.log.gz --rows mine.json --set queue=log --json
    """
    try:
        is_one = (user is None) is not (rows is None)
        require(is_one, "--user", user, "an address, or a file by --rows")
        paper = assumptions(_NO_CASH, assume)
        config = config_from(network, api_url)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None

    async def work() -> int:
        from ...paper_trading.parity import parity as compared  # noqa: PLC0415

        try:
            found, universe = await _known(config, recording, user, rows)
            told = compared(
                recording,
                found["orders"],
                found["fills"],
                universe=universe,
                config=paper,
            )
        except ConfigError:
            raise  # which is a ValueError too
        except OSError as error:
            running.say(f"{error.filename}: {error.strerror}")
            return running.WRONG_USE
        except (KeyError, TypeError, ValueError) as error:
            running.say(f"orders or fills are not of the venue's shape: {error!r}")
            return running.BAD
        _tell(told, as_json=as_json)
        return running.DONE

    running.run(work)


async def _known(
    config: Config, recording: Path, user: str | None, rows: Path | None
) -> tuple[dict[str, Any], Universe | None]:
    """Return orders and fills, and the rules if the recording has none."""
    from ...hyperliquid.client import HyperLiquidIntegration  # noqa: PLC0415
    from ...paper_trading.recording import BEGIN, messages  # noqa: PLC0415
    from ...paper_trading.universe import Universe  # noqa: PLC0415

    begin, first = next(messages(recording), (0, None))
    needs_rules = first is not None and first["channel"] != BEGIN
    if rows is not None and not needs_rules:
        return _read(rows), None
    client = HyperLiquidIntegration(config)
    try:
        universe = None
        if needs_rules:
            universe = Universe.from_meta(await client.info.get_meta())
        if rows is not None:
            return _read(rows), universe
        assert user is not None
        orders = await client.info.historical_orders(user)
        fills = await client.info.user_fills_by_time(user, begin)
        return {"orders": orders, "fills": list(fills)}, universe
    finally:
        await client.disconnect()


def _read(path: Path) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415

    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    from ..output import write_json, write_line  # noqa: PLC0415

    if as_json:
        write_json(told, indent=2)
        return
    filled, rate, times = told["filled"], told["fill_rate"], told["time_to_fill_ms"]
    error = told["price_error_bps"]
    write_line(f"PAPER beside {told['orders']} real orders")
    write_line(
        f"  filled        {filled['both']} both, {filled['only_real']} only really,"
        f" {filled['only_paper']} only on paper, {filled['neither']} neither"
    )
    write_line(
        f"  fill rate     {_share(rate['real'])} really,"
        f" {_share(rate['paper'])} on paper"
    )
    write_line(
        f"  time to fill  {_time(times['real'])} really,"
        f" {_time(times['paper'])} on paper (median)"
    )
    write_line(
        f"  price error   {_points(error['mean'])} mean, {_points(error['median'])}"
        f" median, {_points(error['worst'])} worst; above zero, paper was worse"
    )
    for name in ("left_out", "refused_on_paper"):
        for reason, number in told[name].items():
            write_line(f"  {name.replace('_', ' ')}: {number} {reason}")
    for note in told["notes"]:
        write_line(f"  note: {note}")


def _share(value: Any) -> str:
    return "-" if value is None else f"{value * 100:.1f} %"


def _time(value: Any) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def _points(value: Any) -> str:
    return "-" if value is None else f"{value:.2f} bp"
