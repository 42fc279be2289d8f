from __future__ import annotations

import asyncio

import pytest

from bistoury.errors import ConnectFailedError
from bistoury.transport.memory import MemoryTransport


@pytest.fixture
def venue(recorder):
    """The far ends accepted so far, each with the receiver it works for."""
    accepted = []

    def accept(connection):
        receiver = type(recorder)()
        accepted.append((connection, receiver))
        return receiver

    accepted_transport = MemoryTransport(accept)
    accepted_transport.accepted = accepted
    return accepted_transport


async def settle():
    for _ in range(4):
        await asyncio.sleep(0)


async def test_carries_frames_both_ways_in_order(venue, recorder):
    near = await venue.connect("mem://venue/ws", recorder)
    ((far, far_receiver),) = venue.accepted
    for n in range(10):
        near.send(b"up %d" % n)
        far.send(b"down %d" % n)
    assert recorder.frames == far_receiver.frames == []
    await settle()

    assert far.url == near.url == "mem://venue/ws"
    assert far_receiver.frames == [b"up %d" % n for n in range(10)]
    assert recorder.frames == [b"down %d" % n for n in range(10)]


async def test_an_accepting_end_may_speak_first(recorder):
    def accept(connection):
        connection.send(b"welcome")
        return type(recorder)()

    await MemoryTransport(accept).connect("mem://", recorder)
    assert recorder.frames == []
    await settle()

    assert recorder.frames == [b"welcome"]


async def test_accept_may_refuse(recorder):
    def accept(connection):
        raise ConnectFailedError("upgrade", "no", status=429)

    with pytest.raises(ConnectFailedError):
        await MemoryTransport(accept).connect("mem://", recorder)


async def test_close_ends_both_ends_once_after_what_was_sent(venue, recorder):
    near = await venue.connect("mem://", recorder)
    ((far, far_receiver),) = venue.accepted
    far.send(b"too late for you")
    near.send(b"last words")
    near.close(1001)
    near.close()
    near.send(b"unsaid")
    far.send(b"unheard")
    await settle()
    far.close()
    far.abort()
    await settle()

    (theirs,), (ours,) = far_receiver.losses, recorder.losses
    assert far_receiver.story == [b"last words", theirs]
    assert recorder.story == [ours]
    assert (theirs.code, theirs.detail) == (1001, "closed by the peer")
    assert ours.detail == "closed by this side"


async def test_abort_has_no_code(venue, recorder):
    near = await venue.connect("mem://", recorder)
    near.abort()
    await settle()

    assert venue.accepted[0][1].losses[0].code is None
    assert recorder.losses[0].code is None


async def test_paused_reading_holds_frames_and_the_end(venue, recorder):
    near = await venue.connect("mem://", recorder)
    far = venue.accepted[0][0]
    near.pause_reading()
    far.send(b"1")
    far.send(b"2")
    far.close()
    await settle()
    assert recorder.story == []

    recorder.react = lambda data: near.pause_reading()
    near.resume_reading()
    near.resume_reading()
    await settle()
    assert recorder.story == [b"1"]
    near.resume_reading()
    await settle()
    near.resume_reading()
    await settle()
    assert recorder.story[:2] == [b"1", b"2"]
    assert len(recorder.losses) == 1


async def test_closing_while_paused_is_heard(venue, recorder):
    near = await venue.connect("mem://", recorder)
    near.pause_reading()
    near.close()
    await settle()

    assert len(recorder.losses) == 1


async def test_frames_after_close_in_the_same_turn_are_fenced(venue, recorder):
    near = await venue.connect("mem://", recorder)
    recorder.react = lambda data: near.close()
    for _ in range(3):
        venue.accepted[0][0].send(b"x")
    await settle()

    assert len(recorder.frames) == 1
    assert len(recorder.losses) == 1


async def test_an_exception_of_the_receiver_ends_the_connection_and_is_its_cause(
    venue, recorder
):
    await venue.connect("mem://", recorder)
    recorder.react = lambda data: 1 / 0
    venue.accepted[0][0].send(b"x")
    await settle()

    assert isinstance(recorder.losses[0].__cause__, ZeroDivisionError)
    assert venue.accepted[0][1].losses[0].code == 1011
