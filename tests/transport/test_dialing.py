from __future__ import annotations

import asyncio
import socket

import pytest

from bistoury.transport import dialing
from bistoury.transport.dialing import DialledSocket, dial


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def black_hole():
    """An address whose backlog is full: it answers no SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield info(listener.getsockname())
        for filler in fillers:
            filler.close()


@pytest.fixture
def closed():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield info(probe.getsockname())


def info(address, family=socket.AF_INET):
    return (family, socket.SOCK_STREAM, 0, "", address)


async def test_connects_and_remembers_whom_it_dialled(listener):
    with await dial([info(listener.getsockname())]) as sock:
        assert sock.getpeername() == listener.getsockname()
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        accepted.close()
        with pytest.raises(ConnectionResetError):
            await asyncio.get_running_loop().sock_recv(sock, 1)
        with pytest.raises(OSError, match="not connected"):
            socket.socket.getpeername(sock)
        assert sock.getpeername() == listener.getsockname()


def test_a_socket_never_dialled_has_no_peer():
    with DialledSocket() as sock, pytest.raises(OSError, match="not connected"):
        sock.getpeername()


async def test_goes_on_to_the_next_address_at_once_when_one_refuses(listener, closed):
    loop = asyncio.get_running_loop()
    began = loop.time()
    with await dial([closed, closed, info(listener.getsockname())], stagger=60.0):
        assert loop.time() - began < 1.0


async def test_does_not_wait_for_a_black_hole(listener, black_hole, footprint):
    before = footprint()
    with await dial([black_hole, info(listener.getsockname())], stagger=0.02) as sock:
        assert sock.getpeername() == listener.getsockname()
    await before.settles()


async def test_closes_those_that_connected_too_late(listener, footprint, monkeypatch):
    connect = dialing._connect
    before = footprint()

    async def together(one):
        sock = await connect(one)
        await asyncio.sleep(0.02)
        return sock

    monkeypatch.setattr(dialing, "_connect", together)
    with await dial([info(listener.getsockname())] * 3, stagger=0.0):
        pass
    await before.settles()


async def test_says_once_what_all_addresses_said(closed):
    with pytest.raises(ConnectionRefusedError):
        await dial([closed, closed])


async def test_says_the_different_things_that_were_said(closed):
    broadcast = info(("255.255.255.255", 9))
    with pytest.raises(OSError, match=";") as caught:
        await dial([closed, broadcast])
    assert "refused" in str(caught.value)


async def test_a_name_without_addresses_is_an_error():
    with pytest.raises(OSError, match="no address"):
        await dial([])


async def test_a_mistake_is_not_taken_for_a_refusal(monkeypatch, listener):
    async def mistaken(one):
        raise ZeroDivisionError

    monkeypatch.setattr(dialing, "_connect", mistaken)
    with pytest.raises(ZeroDivisionError):
        await dial([info(listener.getsockname())])


async def test_cancelling_closes_every_attempt(black_hole, footprint):
    before = footprint()
    task = asyncio.create_task(dial([black_hole] * 3, stagger=0.01))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert footprint.now() == before.before


def test_the_families_take_turns():
    four, six = (socket.AF_INET, 4), (socket.AF_INET6, 6)
    mixed = dialing._alternating([six, six, six, four, four])

    assert mixed == [six, four, six, four, six]
