"""
A small application, for tests that stop, wake and end a whole process.

Connects to ``BISTOURY_API_URL``, says what happens as JSON lines, and ends in an
orderly way on SIGTERM.
"""

import asyncio
import json
import signal
import sys
import time

from bistoury import HyperLiquidIntegration


def say(name, **facts):
    sys.stdout.write(json.dumps({"event": name, **facts}) + "\n")
    sys.stdout.flush()


async def main():
    client = HyperLiquidIntegration()
    ending = []

    def end():
        ending.append(time.monotonic())
        task.cancel()

    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    client.on("ready", lambda it: say("ready", connection=it.connection_id))
    client.on(
        "disconnected",
        lambda it: say("lost", cause=str(it.cause), was_open=it.was_open),
    )
    client.on("reconnecting", lambda it: say("waiting", delay=it.delay_seconds))
    client.on("connected", lambda it: say("open", connection=it.connection_id))
    await client.subscribe_all_mids(lambda message: None)
    say("began")
    try:
        async with client:
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not ending:
            raise
        state = client.get_reconnection_stats()["state"]
        took = time.monotonic() - ending[0]
        rest = asyncio.all_tasks() - {task}
        if rest:  # an attempt that was cancelled may still be closing its socket
            _, rest = await asyncio.wait(rest, timeout=1)
        names = [it.get_name() for it in rest]
        say("ended", took=took, state=state, tasks=names)


try:
    asyncio.run(main())
except KeyboardInterrupt:
    say("interrupted")
    sys.exit(130)
