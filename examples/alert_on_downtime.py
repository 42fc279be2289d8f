"""
Tell somebody when the connection has been away for too long; once per outage.

    python examples/alert_on_downtime.py --seconds 600 --after 30
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime, timedelta

from bistoury import Config, HyperLiquidIntegration


def send(text: str) -> None:
    """Send an alert: here to the screen, in your bot by mail or messenger."""
    print(f"ALERT {text}", flush=True)


async def alert_on_extended_downtime(
    client: HyperLiquidIntegration, after: timedelta, every: float
) -> None:
    """Look at the connection, over and over."""
    alerted = False
    while True:
        lost = client.get_reconnection_stats()["connection_lost_time"]
        if lost is None:
            if alerted:
                send("the connection is back")
            alerted = False
        else:
            # The client gives the time as this machine's clock shows it.
            downtime = datetime.now() - datetime.fromisoformat(lost)  # noqa: DTZ005
            if downtime > after and not alerted:
                send(f"no connection for {downtime.total_seconds():.0f} s")
                alerted = True
        await asyncio.sleep(every)


async def main(seconds: float, after: float) -> None:
    """Watch over one connection for a while."""
    client = HyperLiquidIntegration(Config.load_from_env())
    await client.connect()
    await client.subscribe_all_mids(lambda _: None)
    print("watching", flush=True)
    patience = timedelta(seconds=after)
    try:
        async with asyncio.timeout(seconds):
            await alert_on_extended_downtime(client, patience, min(after / 4, 30.0))
    except TimeoutError:
        pass
    finally:
        await client.disconnect()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Alert on a long downtime.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--after", type=float, default=300.0)
    given = parser.parse_args()
    asyncio.run(main(given.seconds, given.after))
