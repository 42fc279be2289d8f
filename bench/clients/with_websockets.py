"""The websockets library and the standard library's json: the usual tutorial."""

import asyncio
import json

import websockets
from meter import FEEDS, METER, URL, readers

HANDLERS = readers()


async def main():
    """Subscribe, and take what comes."""
    async with websockets.connect(URL) as socket:
        for feed in FEEDS:
            await socket.send(json.dumps({"method": "subscribe", "subscription": feed}))
        async for frame in socket:
            message = json.loads(frame)
            handler = HANDLERS.get(message["channel"])
            if handler is not None:
                handler(message)
            if METER.is_done:
                break
    METER.report(websockets=websockets.__version__)


asyncio.run(main())
