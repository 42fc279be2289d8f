from __future__ import annotations

import socket
import struct

import pytest

from bistoury.transport.tcp_state import how_tcp_ended


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        yield near, far


def test_an_end_of_file_leaves_our_half_open(pair):
    near, far = pair
    far.close()
    assert near.recv(1) == b""

    assert how_tcp_ended(near).startswith("end of file")


def test_a_reset_leaves_nothing(pair):
    near, far = pair
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    with pytest.raises(ConnectionResetError):
        near.recv(1)

    assert how_tcp_ended(near).startswith("reset")


def test_what_it_cannot_know_it_does_not_claim(pair):
    near, _ = pair
    assert how_tcp_ended(near) == "connection lost"
    near.close()
    assert how_tcp_ended(near) == "connection lost"
