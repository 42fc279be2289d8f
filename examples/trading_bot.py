"""
The shape of a trading bot: handlers for the market, a loop that watches over it.

    python examples/trading_bot.py --seconds 120
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from typing import Any

from bistoury import Config, HyperLiquidIntegration

logger = logging.getLogger("trading_bot")


class TradingBot:
    """Follows prices and trades; your strategy goes where the log lines are."""

    def __init__(self, config: Config) -> None:
        self.client = HyperLiquidIntegration(config)
        self.client.reconnect_delay = 1.0
        self.client.max_reconnect_delay = 60.0
        self.prices: dict[str, float] = {}
        self.volume = 0.0

    async def handle_price_update(self, message: dict[str, Any]) -> None:
        """Keep the newest prices."""
        mids = message["data"]["mids"]
        self.prices = {coin: float(price) for coin, price in mids.items()}

    async def handle_trade_update(self, message: dict[str, Any]) -> None:
        """Add volume up: each trade comes once, also after a reconnection."""
        if message.get("snapshot"):
            return  # what happened before we came
        self.volume += sum(float(trade["sz"]) for trade in message["data"])

    async def run(self, seconds: float, every: float = 1.0) -> None:
        """Trade, if only in thought, for a while."""
        try:
            await self.client.connect()
            await self.client.subscribe_all_mids(self.handle_price_update)
            await self.client.subscribe_trades("BTC", self.handle_trade_update)
            logger.info("started")
            async with asyncio.timeout(seconds):
                while True:
                    await asyncio.sleep(every)
                    self.look()
        except TimeoutError:
            logger.info("time is up")
        finally:
            await self.client.disconnect(disable_auto_reconnect=True)
            logger.info("stopped")

    def look(self) -> None:
        """See whether the prices can be trusted."""
        stats = self.client.get_reconnection_stats()
        if not stats["currently_connected"]:
            logger.warning("disconnected since %s", stats["connection_lost_time"])
            return
        price = self.prices.get("BTC")
        logger.info("BTC at %s, %.5f traded since the start", price, self.volume)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The shape of a trading bot.")
    parser.add_argument("--seconds", type=float, default=120.0)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(TradingBot(Config.load_from_env()).run(parser.parse_args().seconds))
