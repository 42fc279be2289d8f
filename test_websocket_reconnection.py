"""
Watch a client lose its connection and come back.

    python test_websocket_reconnection.py

starts a venue on this machine, pulls its "cable" for twelve seconds, and ends with
a verdict after half a minute. Against the real venue the cable is yours to pull:

    python test_websocket_reconnection.py --network mainnet
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from time import monotonic
from typing import Any

from src.bistoury.cli import running
from src.bistoury.config import Config
from src.bistoury.hyperliquid.client import HyperLiquidIntegration

MESSAGE_TIMEOUT = 10.0
BEFORE = 5.0
CABLE_OUT = 12.0
BACK_WITHIN = 25.0
BY_HAND = 300.0


class Watcher:
    """Prints what happens to one client, and remembers it for the verdict."""

    def __init__(self, config: Config) -> None:
        self.client = HyperLiquidIntegration(config)
        self.client.set_message_timeout(MESSAGE_TIMEOUT)
        self.messages: Counter[str] = Counter()
        self.before: Counter[str] = Counter()
        """What had come when everything was last acknowledged."""
        self.silences = 0
        self.losses = 0
        self.recoveries = 0
        self.restored = 0
        self.is_leaving = False
        self._has_reported = False
        self._recovered = asyncio.Event()
        self._began = monotonic()
        self.client.on("disconnected", self.disconnected)
        self.client.on("reconnecting", self.reconnecting)
        self.client.on("ready", self.ready)
        self.client.on("stable", self.stable)

    def say(self, text: str) -> None:
        """Write a line, with the seconds since the beginning."""
        print(f"[{monotonic() - self._began:5.1f}s] {text}", flush=True)

    async def subscribe(self) -> None:
        """Follow prices, trades and a book."""
        await self.client.subscribe_all_mids(self.counting("allMids"))
        await self.client.subscribe_trades("BTC", self.counting("trades BTC"))
        await self.client.subscribe_orderbook("BTC", self.counting("l2Book BTC"))

    def counting(self, name: str) -> Any:
        """Return a handler that counts the messages of one feed."""

        def count(_: dict[str, Any]) -> None:
            self.messages[name] += 1

        return count

    def disconnected(self, event: Any) -> None:
        """Tell of a loss; the message timeout has a sentence of its own."""
        if self.is_leaving:
            return
        if not event.was_open:
            self.say(f"   attempt failed: {event.cause} ({event.reason})")
            return
        self.losses += 1
        if event.cause == "silent" and event.reason.startswith("no messages"):
            self.silences += 1
            seconds = self.client.get_reconnection_stats()["message_timeout_seconds"]
            self.say(
                f"⚠️ No messages received for {seconds:g}s, connection appears dead"
            )
        else:
            self.say(f"⚠️ Connection lost: {event.cause} ({event.reason})")

    def reconnecting(self, event: Any) -> None:
        """Tell of an attempt and its real delay."""
        delay = event.delay_seconds
        self.say(f"🔄 Reconnection attempt #{event.attempt} (delay: {delay:.1f}s)")

    def ready(self, event: Any) -> None:
        """Tell of a return: everything is acknowledged, and data flows."""
        self.before = Counter(self.messages)
        if self.losses > self.recoveries:
            self.restored = event.restored
            self.say(
                f"   {event.restored} subscriptions restored,"
                f" {event.downtime_seconds:.1f}s after the loss"
            )

    def stable(self, _: Any) -> None:
        """Tell of a recovery: the new connection has lasted."""
        if self.losses > self.recoveries:
            self.recoveries = self.losses
            self.say("✅ Reconnection successful and stable")
            self._recovered.set()

    async def recovered(self, within: float) -> bool:
        """Wait for a recovery; return whether it came."""
        try:
            await asyncio.wait_for(self._recovered.wait(), within)
        except TimeoutError:
            return False
        return True

    async def count_aloud(self, every: float) -> None:
        """Say now and then how many messages came."""
        before = Counter(self.messages)
        while True:
            await asyncio.sleep(every)
            fresh = self.messages - before
            before = Counter(self.messages)
            feeds = ", ".join(f"{name} {count}" for name, count in fresh.items())
            self.say(f"📨 {fresh.total()} messages ({feeds or 'silence'})")

    async def report_health(self) -> None:
        """Say how healthy the connection is; once."""
        if self._has_reported:
            return
        self._has_reported = True
        health = await self.client.get_connection_health()
        pings = health["ping_rtt_seconds"]["p50"]
        self.say(
            f"📊 healthy: {health['is_healthy']},"
            f" success rate {health['success_rate']:.0%},"
            f" ping {'unknown' if pings is None else f'{pings * 1000:.1f} ms'},"
            f" {self.client.get_reconnection_stats()['total_reconnects']} reconnects"
        )

    async def leave(self) -> None:
        """Disconnect, after a last look."""
        await self.report_health()
        self.is_leaving = True
        await self.client.disconnect(disable_auto_reconnect=True)


async def on_a_local_venue() -> int:
    """Pull the cable of a venue of our own, and judge."""
    from src.bistoury.simulator import Settings, Venue  # noqa: PLC0415
    from src.bistoury.simulator.faults import Refuse, Silent  # noqa: PLC0415

    async with Venue(Settings(trade_rate=2.0)) as venue:
        ws_url = f"ws{venue.url.removeprefix('http')}/ws"
        watcher = Watcher(
            Config(network="local", api_url=venue.url, ws_url=ws_url, proxy="")
        )
        watcher.say(f"a local venue at {venue.url}")
        watcher.client.reconnect_delay = 1.0
        reporter = asyncio.create_task(watcher.count_aloud(2.0))
        try:
            if not await watcher.client.connect():
                watcher.say("❌ the local venue was not reached")
                return running.UNREACHABLE
            await watcher.subscribe()
            watcher.say("connected; prices, trades and a book of BTC subscribed")
            await asyncio.sleep(BEFORE)
            watcher.say(f"🔌 the cable is out, for {CABLE_OUT:g}s")
            venue.inject(Silent())
            venue.inject(Refuse(how="tcp"))
            await asyncio.sleep(CABLE_OUT)
            watcher.say("🔌 the cable is back")
            venue.heal()
            await watcher.recovered(BACK_WITHIN)
            fresh = watcher.messages - watcher.before
            await watcher.report_health()
            return verdict(watcher, set(fresh))
        finally:
            reporter.cancel()
            await watcher.leave()


def verdict(watcher: Watcher, speaking: set[str]) -> int:
    """Say what was promised and whether it was kept; return the exit status."""
    silent = sorted(set(watcher.messages) - speaking)
    checks = {
        "the silence was noticed": watcher.silences == 1,
        "the connection came back": watcher.recoveries == 1
        and watcher.client.is_connected(),
        "3 of 3 subscriptions were restored": watcher.restored == len(watcher.messages),
        f"messages flow again{f', but not {silent}' if silent else ''}": not silent,
    }
    for text, is_kept in checks.items():
        watcher.say(f"{'✓' if is_kept else '✗'} {text}")
    is_passed = all(checks.values())
    watcher.say("✅ PASSED" if is_passed else "❌ FAILED")
    return running.DONE if is_passed else running.BAD


async def by_hand(network: str, api_url: str | None, seconds: float) -> int:
    """Watch the real venue while somebody pulls a cable."""
    watcher = Watcher(Config(network=network, api_url=api_url))
    reporter = asyncio.create_task(watcher.count_aloud(5.0))
    try:
        if not await watcher.client.connect():
            last = watcher.client.get_reconnection_stats()["last_disconnect"]
            watcher.say(f"❌ {watcher.client.config.ws_url} was not reached: {last}")
            return running.UNREACHABLE
        await watcher.subscribe()
        watcher.say(f"connected to {watcher.client.config.ws_url}")
        watcher.say("🔌 disconnect your network for 10 seconds or more, then reconnect")
        watcher.say(f"   this ends after {seconds:g}s, or with Ctrl-C")
        await asyncio.sleep(seconds)
        await watcher.report_health()
        is_passed = watcher.client.is_connected()
        times = f"{watcher.losses} times lost, {watcher.recoveries} times recovered"
        watcher.say(f"{'✅ PASSED' if is_passed else '❌ FAILED'}: {times}")
        return running.DONE if is_passed else running.BAD
    finally:
        reporter.cancel()
        await watcher.leave()


def main() -> int:
    """Read the options, and run."""
    parser = argparse.ArgumentParser(
        description="Watch a client lose its connection and come back.",
        epilog="Without options: a venue on this machine, and a verdict.",
    )
    parser.add_argument(
        "--network", choices=("local", "mainnet", "testnet"), default="local"
    )
    parser.add_argument("--api-url", help="a venue elsewhere, such as bistoury sim's")
    parser.add_argument(
        "--seconds", type=float, default=BY_HAND, help="how long to wait for you"
    )
    asked = parser.parse_args()
    running.prepare()
    if asked.network == "local" and asked.api_url is None:
        return running.execute(on_a_local_venue)
    return running.execute(lambda: by_hand(asked.network, asked.api_url, asked.seconds))


if __name__ == "__main__":
    sys.exit(main())
