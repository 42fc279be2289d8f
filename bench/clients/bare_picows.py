"""picows alone: frames as bytes, nothing decoded, nothing protected."""

import asyncio
import json

import picows
from meter import FEEDS, METER, SPEC, URL


class Listener(picows.WSListener):
    """Takes the bytes of each frame."""

    def __init__(self):
        self.take = METER.stamp if SPEC["stamps"] else METER.tick

    def on_ws_frame(self, transport, frame):
        """Copy the payload, as whoever wants it must."""
        frame.get_payload_as_bytes()
        self.take()


async def main():
    """Subscribe, and take what comes."""
    METER.seen = -len(FEEDS)  # the acknowledgements
    transport, _ = await picows.ws_connect(Listener, URL)
    for feed in FEEDS:
        body = {"method": "subscribe", "subscription": feed}
        transport.send(picows.WSMsgType.TEXT, json.dumps(body).encode())
    METER.on_done = transport.disconnect
    await transport.wait_disconnected()
    METER.report(picows=picows.__version__)


asyncio.run(main())
