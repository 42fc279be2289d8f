"""aiohttp and orjson, as one writes it by hand: no protection at all."""

import asyncio

import aiohttp
import orjson
from meter import FEEDS, METER, URL, readers

HANDLERS = readers()


async def main():
    """Subscribe, and take what comes."""
    async with aiohttp.ClientSession() as session, session.ws_connect(URL) as socket:
        for feed in FEEDS:
            await socket.send_json({"method": "subscribe", "subscription": feed})
        async for frame in socket:
            message = orjson.loads(frame.data)
            handler = HANDLERS.get(message["channel"])
            if handler is not None:
                handler(message)
            if METER.is_done:
                break
    METER.report(aiohttp=aiohttp.__version__, orjson=orjson.__version__)


asyncio.run(main())
