"""
Report the health of a connection, over and over.

    python examples/health_report.py --seconds 300 --every 60
"""

from __future__ import annotations

import argparse
import asyncio

from bistoury import Config, HyperLiquidIntegration


async def report(client: HyperLiquidIntegration) -> None:
    """Print how the connection does, and why not well if it does not."""
    health = await client.get_connection_health()
    stats = client.get_reconnection_stats()
    age = health["last_message_age_seconds"]
    lines = [
        f"connected     {'yes' if stats['currently_connected'] else 'no'}",
        f"healthy       {'yes' if health['is_healthy'] else 'no'}",
        f"success rate  {health['success_rate']:.1%}",
        f"avg response  {health['avg_response_time'] * 1000:.1f} ms",
        f"last message  {'none yet' if age is None else f'{age:.1f} s ago'}",
        f"reconnecting  {'yes' if stats['reconnection_task_active'] else 'no'}",
        *(f"reason        {reason}" for reason in health["reasons"]),
    ]
    print("\n".join(lines), end="\n\n", flush=True)


async def main(seconds: float, every: float) -> None:
    """Watch one connection for a while."""
    client = HyperLiquidIntegration(Config.load_from_env())
    await client.connect()
    await client.subscribe_all_mids(lambda _: None)
    try:
        async with asyncio.timeout(seconds):
            while True:
                await asyncio.sleep(every)
                await report(client)
    except TimeoutError:
        pass
    finally:
        await client.disconnect()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Report the health of a connection.")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--every", type=float, default=60.0)
    given = parser.parse_args()
    asyncio.run(main(given.seconds, given.every))
