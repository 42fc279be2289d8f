"""
nautilus_trader's Hyperliquid socket, used as its data client uses it.

The instruments, which it would load from the venue's mainnet, are written here.
"""

# mypy: ignore-errors

import asyncio
import sys

import nautilus_trader
import said
from nautilus_trader.core import nautilus_pyo3 as nt
from nautilus_trader.model.data import TradeTick, capsule_to_data

URL = "ws" + sys.argv[1].removeprefix("http") + "/ws"


def instrument(coin):
    """Return a perpetual of the venue."""
    money = nt.Currency.from_str("USDC")
    return nt.CryptoPerpetual(
        instrument_id=nt.InstrumentId.from_str(f"{coin}-USD-PERP.HYPERLIQUID"),
        raw_symbol=nt.Symbol(coin),
        base_currency=nt.Currency.from_str(coin),
        quote_currency=money,
        settlement_currency=money,
        is_inverse=False,
        price_precision=1,
        size_precision=5,
        price_increment=nt.Price.from_str("0.1"),
        size_increment=nt.Quantity.from_str("0.00001"),
        ts_event=0,
        ts_init=0,
    )


def hear(message):
    """Say what came."""
    it = capsule_to_data(message)
    coin = str(it.instrument_id).partition("-")[0]
    if isinstance(it, TradeTick):
        said.trades(coin, [int(str(it.trade_id))])
    else:
        said.book(coin)


async def main():
    """Subscribe, and listen until ended."""
    said.say("version", version=nautilus_trader.__version__)
    both = [instrument("BTC"), instrument("ETH")]
    client = nt.HyperliquidWebSocketClient(url=URL)
    await client.connect(asyncio.get_running_loop(), both, hear)
    await client.wait_until_active(10.0)
    for it in both:
        await client.subscribe_trades(it.id)
    await client.subscribe_book(both[0].id)
    while True:
        if not client.is_active():
            said.say("word", text="is_active() is false")
        await asyncio.sleep(0.25)


asyncio.run(main())
