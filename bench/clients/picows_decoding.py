"""
picows with a decoder and a handler by channel: the floor of a whole client.

``dict``: msgspec into plain dicts. ``typed``: the envelope with msgspec, then the
channel's own Struct. Nothing is protected: no health, no gaps, no duplicates.
"""

import asyncio
import json

import msgspec
import picows
from meter import FEEDS, METER, SPEC, URL, readers
from shapes import TYPED_READERS, Message

HANDLERS = readers()


class Dicts(picows.WSListener):
    """Decodes everything into dicts."""

    decode = msgspec.json.Decoder().decode

    def on_ws_frame(self, transport, frame):
        """Decode, and hand over."""
        message = self.decode(frame.get_payload_as_bytes())
        handler = HANDLERS.get(message["channel"])
        if handler is not None:
            handler(message)


class Typed(picows.WSListener):
    """Decodes everything into Structs."""

    decode = msgspec.json.Decoder(Message).decode

    def on_ws_frame(self, transport, frame):
        """Decode, and hand over."""
        data = frame.get_payload_as_bytes()
        try:
            message = self.decode(data)
        except msgspec.ValidationError:
            return  # an acknowledgement
        TYPED_READERS[message.__class__](message.data)


async def main():
    """Subscribe, and take what comes."""
    listener = Typed if SPEC["handler"] == "typed" else Dicts
    transport, _ = await picows.ws_connect(listener, URL)
    for feed in FEEDS:
        body = {"method": "subscribe", "subscription": feed}
        transport.send(picows.WSMsgType.TEXT, json.dumps(body).encode())
    METER.on_done = transport.disconnect
    await transport.wait_disconnected()
    METER.report(picows=picows.__version__, msgspec=msgspec.__version__)


asyncio.run(main())
