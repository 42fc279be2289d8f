from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession, WSMsgType, web

from bistoury.simulator import Abort, Close, Send
from bistoury.simulator.wire_end import Socket


@pytest.fixture
async def ends():
    """A server-side socket and the client at its other end."""
    made: asyncio.Future[Socket] = asyncio.get_running_loop().create_future()

    async def serve(request):
        response = web.WebSocketResponse(autoping=False, autoclose=False)
        await response.prepare(request)
        socket = Socket(response, request.transport)
        made.set_result(socket)
        try:
            while (await response.receive()).type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                pass
        finally:
            await socket.finish()
        return response

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with ClientSession() as session:
        ws = await session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield await made, ws
        await ws.close()
    await runner.cleanup()


async def test_outputs_are_written_in_order(ends):
    socket, ws = ends
    socket.put(Send(1, b"one"))
    socket.put(Send(1, b"two", binary=True))
    socket.put(Send(1, b"three", rate=10_000.0))
    socket.put(Close(1, 1012, "bye"))

    messages = [await ws.receive() for _ in range(4)]

    assert [(m.type, m.data) for m in messages] == [
        (WSMsgType.TEXT, "one"),
        (WSMsgType.BINARY, b"two"),
        (WSMsgType.TEXT, "three"),
        (WSMsgType.CLOSE, 1012),
    ]


@pytest.mark.parametrize("size", [5, 300, 70_000])
async def test_a_slow_frame_is_a_whole_frame_of_any_size(ends, size):
    socket, ws = ends
    socket.put(Send(1, b"x" * size, rate=size * 50.0))

    assert await ws.receive_str() == "x" * size


async def test_text_that_is_no_text_goes_out_as_it_is(ends):
    socket, ws = ends
    socket.put(Send(1, b"\xff\xfe"))

    message = await ws.receive()

    assert message.type is WSMsgType.ERROR


async def test_a_reset_does_not_wait_behind_a_slow_frame(ends):
    socket, ws = ends
    socket.put(Send(1, b"x" * 1000, rate=1.0))
    socket.put(Abort(1, "rst"))

    async with asyncio.timeout(5):
        message = await ws.receive()

    assert message.type in {WSMsgType.ERROR, WSMsgType.CLOSED}
