"""Raw frames, kept."""

from __future__ import annotations

import gzip

import pytest

from bistoury.cli.examination.recording import Recording, RecordingTransport
from bistoury.errors import ConfigError, ConnectionLostError


class Inner:
    async def connect(self, url, receiver):
        self.receiver = receiver
        return url


class Receiver:
    def __init__(self):
        self.heard = []

    def frame(self, data):
        self.heard.append(data)

    def lost(self, error):
        self.heard.append(error)


async def test_keeps_what_passes_and_lets_it_pass(tmp_path):
    inner, receiver, end = Inner(), Receiver(), ConnectionLostError("over")
    with Recording(tmp_path / "frames") as recording:
        transport = RecordingTransport(inner, recording)
        assert await transport.connect("ws://x", receiver) == "ws://x"

        inner.receiver.frame(b'{"a":1}')
        inner.receiver.frame(b'{\n"b":\r\n2}')
        inner.receiver.lost(end)

    lines = (tmp_path / "frames").read_bytes().splitlines()
    assert [line.split(b" ", 1)[1] for line in lines] == [b'{"a":1}', b'{ "b":  2}']
    assert all(line.split(b" ")[0].isdigit() for line in lines)
    assert receiver.heard == [b'{"a":1}', b'{\n"b":\r\n2}', end]
    assert recording.frames == 2


def test_compresses_where_the_name_says_so(tmp_path):
    with Recording(tmp_path / "frames.gz") as recording:
        recording.write(b"{}")

    packed = (tmp_path / "frames.gz").read_bytes()
    assert gzip.decompress(packed).endswith(b" {}\n")


def test_overwrites_nothing(tmp_path):
    (tmp_path / "frames").touch()

    with pytest.raises(ConfigError, match="a new file"):
        Recording(tmp_path / "frames")
