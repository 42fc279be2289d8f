from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bistoury.errors import ConnectFailedError, ConnectionLostError
from bistoury.transport.picows import PicowsTransport


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("continuation of nothing", 1002),
        ("new message inside a fragmented one", 1002),
        ("binary inside a fragmented one", 1002),
        ("rsv1", 1002),
        ("rsv2", 1002),
        ("rsv3 on a continuation", 1002),
        ("rsv1 on a ping", 1002),
        ("rsv1 on a close", 1002),
        ("unknown opcode", 1002),
        ("fragmented ping", 1002),
        ("long ping", 1002),
        ("bad text", 1007),
        ("bad text at the end", 1007),
        ("bad text in fragments", 1007),
        ("surrogate", 1007),
        ("bad close reason", 1007),
        ("close code 0", 1002),
        ("close code 1005", 1002),
        ("close code 1006", 1002),
        ("close code 2999", 1002),
        ("close code 5000", 1002),
        ("one byte of a close code", 1002),
        ("too big", 1009),
        ("too big in fragments", 1009),
        ("too many fragments", 1009),
    ],
)
async def test_closes_with_the_code_that_names_the_violation(
    kit, serve, recorder, *, frames, name, code
):
    bad = {
        "continuation of nothing": [frames.more(b"x")],
        "new message inside a fragmented one": [
            frames.text(b"a", fin=False),
            frames.text(b"b"),
        ],
        "binary inside a fragmented one": [
            frames.text(b"a", fin=False),
            frames.frame(2, b"b"),
        ],
        "rsv1": [frames.text(b"{}", rsv=4)],
        "rsv2": [frames.text(b"{}", rsv=2)],
        "rsv3 on a continuation": [
            frames.text(b"a", fin=False),
            frames.frame(0, b"b", rsv=1),
        ],
        "rsv1 on a ping": [frames.frame(9, rsv=4)],
        "rsv1 on a close": [frames.frame(8, b"\x03\xe8", rsv=4)],
        "unknown opcode": [frames.frame(3, b"x")],
        "fragmented ping": [frames.frame(9, b"x", fin=False)],
        "long ping": [frames.frame(9, b"x" * 126)],
        "bad text": [frames.text(b"\xff")],
        "bad text at the end": [frames.text(b'{"a":"' + b"\xe2\x82")],
        "bad text in fragments": [frames.text(b"\xe2", fin=False), frames.more(b"x")],
        "surrogate": [frames.text(b"\xed\xa0\x80")],
        "bad close reason": [frames.close(1000, b"\xff")],
        "close code 0": [frames.close(0)],
        "close code 1005": [frames.close(1005)],
        "close code 1006": [frames.close(1006)],
        "close code 2999": [frames.close(2999)],
        "close code 5000": [frames.close(5000)],
        "one byte of a close code": [frames.frame(8, b"\x03")],
        "too big": [frames.text(b"x" * 100_001)],
        "too big in fragments": [
            frames.text(b"x" * 60_000, fin=False),
            frames.more(b"x" * 60_000),
        ],
        "too many fragments": [frames.text(b"", fin=False)]
        + [frames.more(b"", fin=False)] * 10,
    }[name]
    transport = PicowsTransport(
        close_timeout=0.2, max_message_size=100_000, max_fragments=10
    )
    server, _ = await kit.connected(
        serve, transport, recorder, *bad, frames.text(b"afterwards")
    )

    error = await recorder.end()
    assert await server.result() == code
    if name.startswith("close code") and name not in (
        "close code 1005",
        "close code 2999",
    ):
        assert error.code == int(name.split()[-1])
    else:
        assert error.code == code
    await asyncio.sleep(0.05)
    assert len(recorder.losses) == 1
    assert recorder.story[-1] is error
    assert b"afterwards" not in recorder.frames


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1012, 3000, 4999])
async def test_answers_a_close_frame_once_and_is_lost_with_its_code(
    serve, transport, recorder, frames, code
):
    async def script(peer):
        await peer.upgrade(frames.close(code, b"because"), frames.text(b"late"))
        answer = await peer.receive_close()
        peer.send(frames.close(1001))
        await peer.hung_up()
        return answer

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)

    error = await recorder.end()
    assert (error.code, error.reason, error.detail) == (
        code,
        "because",
        "closed by the peer",
    )
    assert await server.result() == code
    connection.close()
    connection.abort()
    connection.send(b"x")
    assert recorder.story == [error]


async def test_the_first_of_two_close_frames_counts(
    kit, serve, transport, recorder, frames
):
    await kit.connected(
        serve,
        transport,
        recorder,
        frames.close(1012, b"first"),
        frames.close(1001, b"second"),
    )

    error = await recorder.end()
    assert (error.code, error.reason) == (1012, "first")
    await asyncio.sleep(0.05)
    assert recorder.story == [error]


async def test_a_close_frame_without_a_code_is_answered_with_1000(
    kit, serve, transport, recorder, frames
):
    server, _ = await kit.connected(serve, transport, recorder, frames.frame(8))

    assert (await recorder.end()).code == 1005
    assert await server.result() == 1000


async def test_our_close_is_over_when_the_peer_answers(serve, recorder, frames):
    async def script(peer):
        await peer.upgrade()
        code = await peer.receive_close()
        peer.send(frames.text(b"late"), frames.close(code))
        await peer.hung_up()
        return code

    server = await serve(script)
    transport = PicowsTransport(close_timeout=30.0)
    connection = await transport.connect(server.url, recorder)
    connection.close(3001)
    connection.close(1000)

    error = await recorder.end()
    assert error.detail == "closed by this side"
    assert recorder.frames == []
    assert await server.result() == 3001
    assert connection._timer.cancelled()


async def test_close_gives_up_on_a_peer_that_never_answers(serve, transport, recorder):
    async def script(peer):
        await peer.upgrade()
        await peer.receive_close()
        await peer.hung_up()
        return "dropped"

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)
    began = asyncio.get_running_loop().time()
    connection.close()

    assert recorder.losses == []
    assert (await recorder.end()).detail == "closed by this side"
    assert 0.15 < asyncio.get_running_loop().time() - began < 1.0
    assert await server.result() == "dropped"


async def test_close_while_reading_is_paused_is_answered(serve, recorder, frames):
    async def script(peer):
        await peer.upgrade()
        peer.send(frames.close(await peer.receive_close()))
        await peer.hung_up()

    server = await serve(script)
    connection = await PicowsTransport(close_timeout=30.0).connect(server.url, recorder)
    connection.pause_reading()
    connection.close()

    assert (await recorder.end()).code == 1000


async def test_abort_is_heard_on_a_later_turn_and_once(kit, serve, transport, recorder):
    _, connection = await kit.connected(serve, transport, recorder)
    connection.abort()
    connection.abort()

    assert recorder.losses == []
    assert (await recorder.end()).detail == "aborted by this side"
    await asyncio.sleep(0.01)
    assert len(recorder.losses) == 1


@pytest.mark.parametrize("verb", ["close", "abort"])
async def test_frames_of_the_same_read_are_fenced(
    serve, transport, recorder, frames, verb
):
    async def script(peer):
        await peer.upgrade()
        await peer.receive()
        peer.send(*(frames.text(b"%d" % n) for n in range(10)))
        await peer.hung_up()

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)
    recorder.react = lambda data: getattr(connection, verb)()
    connection.send(b"go")

    await recorder.end()
    assert recorder.frames == [b"0"]


async def test_a_reset_and_an_end_of_file_are_told_apart(serve, transport, recorder):
    async def resets(peer):
        await peer.upgrade()
        await peer.receive()
        peer.reset()

    async def hangs_up(peer):
        await peer.upgrade()
        await peer.receive()
        peer.writer.close()

    for script, word in ((resets, "reset"), (hangs_up, "end of file")):
        recorder.losses.clear()
        server = await serve(script)
        connection = await transport.connect(server.url, recorder)
        connection.send(b"go")
        error = await recorder.end()
        assert error.code is None
        assert word in error.detail


async def test_an_exception_of_the_receiver_ends_the_connection_and_is_its_cause(
    kit, serve, transport, recorder, frames
):
    server, _ = await kit.connected(
        serve, transport, recorder, frames.text(b"a"), frames.text(b"b")
    )
    mistake = ZeroDivisionError("a bug")

    def react(data):
        raise mistake

    recorder.react = react

    error = await recorder.end()
    assert isinstance(error, ConnectionLostError)
    assert error.detail.startswith("receiver failed: ")
    assert error.__cause__ is mistake
    assert recorder.frames == [b"a"]
    assert await server.result() == 1011


async def test_an_exception_on_an_assembled_message_is_told_too(
    kit, serve, transport, recorder, frames
):
    await kit.connected(
        serve, transport, recorder, frames.text(b"a", fin=False), frames.more(b"b")
    )
    recorder.react = lambda data: 1 / 0

    assert isinstance((await recorder.end()).__cause__, ZeroDivisionError)


async def test_an_exception_from_lost_reaches_the_loop(
    kit, serve, transport, recorder, no_complaints
):
    _, connection = await kit.connected(serve, transport, recorder)
    remember = recorder.lost

    def lost(error):
        remember(error)
        raise ZeroDivisionError

    recorder.lost = lost
    connection.abort()

    await recorder.end()
    assert isinstance(no_complaints.pop()["exception"], ZeroDivisionError)


async def test_releasing_twice_is_harmless(kit, serve, transport, recorder, frames):
    _, connection = await kit.connected(serve, transport, recorder, frames.text(b"1"))
    await recorder.got(1)
    connection.release()

    assert recorder.frames == [b"1"]
    connection.abort()


async def test_an_exception_on_a_frame_that_came_with_the_upgrade_is_told_too(
    serve, transport, recorder, frames
):
    async def script(peer):
        await peer.upgrade(frames.text(b"1"), frames.text(b"2"))
        return await peer.receive_close()

    server = await serve(script)
    await transport.connect(server.url, recorder)
    recorder.react = lambda data: 1 / 0

    assert isinstance((await recorder.end()).__cause__, ZeroDivisionError)
    assert recorder.frames == [b"1"]
    assert await server.result() == 1011


async def test_a_reset_right_after_the_upgrade_is_a_connection_lost(
    serve, transport, recorder
):
    async def script(peer):
        await peer.upgrade()
        await peer.writer.drain()
        peer.reset()

    server = await serve(script)
    for _ in range(30):
        recorder.losses.clear()
        # The reset may overtake the answer in the kernel.
        with suppress(ConnectFailedError):
            connection = await transport.connect(server.url, recorder)
            assert (await recorder.end()).code is None
            connection.send(b"nobody")
