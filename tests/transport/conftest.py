"""What the transport tests share: a scripted peer, a receiver that remembers, counters."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import socket
import ssl
import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from bistoury.errors import ConnectFailedError
from bistoury.transport.picows import PicowsTransport

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Recorder:
    """A receiver that remembers, in order, and can be waited for."""

    def __init__(self):
        self.frames = []
        self.losses = []
        self.story = []
        self.react = None
        self._changed = asyncio.Event()

    def frame(self, data):
        self.frames.append(data)
        self.story.append(data)
        self._changed.set()
        if self.react is not None:
            self.react(data)

    def lost(self, error):
        self.losses.append(error)
        self.story.append(error)
        self._changed.set()

    async def until(self, condition, timeout=5.0):
        async with asyncio.timeout(timeout):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def got(self, count):
        await self.until(lambda: len(self.frames) >= count)
        return self.frames

    async def end(self):
        await self.until(lambda: self.losses)
        return self.losses[0]


class Peer:
    """One connection as the server's script sees it."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.request = b""

    async def read_request(self):
        self.request = await self.reader.readuntil(b"\r\n\r\n")

    def accept_header(self):
        key = next(
            line.split(b":", 1)[1].strip()
            for line in self.request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        return base64.b64encode(hashlib.sha1(key + _GUID).digest())

    async def upgrade(self, *frames, extra=b""):
        await self.read_request()
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + self.accept_header() + b"\r\n" + extra + b"\r\n"
        )
        self.send(answer + b"".join(frames))

    def send(self, *data):
        self.writer.write(b"".join(data))

    async def receive(self):
        """Return (opcode, payload) of the next frame from the client."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", await self.reader.readexactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", await self.reader.readexactly(8))[0]
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(size)
        return first & 0xF, bytes(b ^ mask[i % 4] for i, b in enumerate(data))

    async def receive_close(self):
        """Return the code of the client's close frame."""
        while True:
            opcode, data = await self.receive()
            if opcode == 8:
                return struct.unpack("!H", data[:2])[0]

    async def hung_up(self):
        """Wait until the client has let go."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self):
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Server:
    """Runs a script for each connection; its URL; what the scripts returned."""

    def __init__(self, server, scheme):
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}/ws"
        self.results = asyncio.Queue()

    async def result(self):
        async with asyncio.timeout(5.0):
            return await self.results.get()


class Frames:
    """Bytes of frames as a server sends them."""

    @staticmethod
    def frame(opcode, payload=b"", *, fin=True, rsv=0):
        first = (0x80 if fin else 0) | (rsv << 4) | opcode
        size = len(payload)
        if size < 126:
            return bytes((first, size)) + payload
        if size < 65536:
            return bytes((first, 126)) + struct.pack("!H", size) + payload
        return bytes((first, 127)) + struct.pack("!Q", size) + payload

    def text(self, payload, *, fin=True, rsv=0):
        return self.frame(1, payload, fin=fin, rsv=rsv)

    def more(self, payload, *, fin=True):
        return self.frame(0, payload, fin=fin)

    def close(self, code, reason=b""):
        return self.frame(8, struct.pack("!H", code) + reason)


@pytest.fixture(autouse=True)
async def no_complaints():
    """Whatever reaches the loop's exception handler fails the test."""
    heard = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: heard.append(context)
    )
    yield heard
    gc.collect(1)
    await asyncio.sleep(0)
    assert heard == []


@pytest.fixture
def frames():
    return Frames()


@pytest.fixture
async def recorder():
    return Recorder()


@pytest.fixture
async def serve():
    """Start a server that runs ``script(peer)`` for each connection."""
    servers = []
    scripts = []
    failures = []

    async def start(script, *, context=None):
        async def handle(reader, writer):
            task = asyncio.current_task()
            scripts.append(task)
            try:
                server_object.results.put_nowait(await script(Peer(reader, writer)))
            except (
                ConnectionError,
                asyncio.IncompleteReadError,
                asyncio.CancelledError,
            ):
                pass
            except Exception as error:  # noqa: BLE001 -- told by the fixture
                failures.append(error)
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        server_object = Server(server, "wss" if context else "ws")
        return server_object

    yield start
    for server in servers:
        server.close()
    for script in scripts:
        script.cancel()
    await asyncio.gather(*scripts, return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not failures


@pytest.fixture
def transport():
    return PicowsTransport(close_timeout=0.2)


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class Footprint:
    """What a test must leave as it found it."""

    def __init__(self):
        self.before = self.now()

    @staticmethod
    def now():
        gc.collect()
        tasks = [
            task
            for task in asyncio.all_tasks()
            if "Server" not in repr(task) and "handle" not in repr(task)
        ]
        return (
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
            len(tasks),
        )

    async def settles(self, *, turns=200):
        """Give the server's side its turns; then all counts must be as before."""
        for _ in range(turns):
            if self.now() == self.before:
                return
            await asyncio.sleep(0.005)
        assert self.now() == self.before


@pytest.fixture
async def footprint():
    return Footprint


SHORT = 0.15


class Kit:
    """What the tests of connecting share."""

    @staticmethod
    def quick(**settings):
        """Return a transport whose phases are short."""
        phases = ("dns", "tcp", "proxy", "tls", "upgrade")
        limits = {f"{phase}_timeout": SHORT for phase in phases}
        return PicowsTransport(**{**limits, "close_timeout": 0.1, **settings})

    @staticmethod
    async def failure(transport, url, recorder):
        """Return the error of a connection that must not open."""
        with pytest.raises(ConnectFailedError) as caught:
            await transport.connect(url, recorder)
        assert recorder.story == []
        return caught.value

    @staticmethod
    async def connected(serve, transport, recorder, *after):
        """Connect to a peer that sends ``after`` and reports the client's close code."""

        async def script(peer):
            await peer.upgrade()
            peer.send(*after)
            return await peer.receive_close()

        server = await serve(script)
        return server, await transport.connect(server.url, recorder)

    @staticmethod
    async def tarpit(peer):
        """Read, and never answer."""
        await peer.hung_up()

    @staticmethod
    async def echo(peer):
        """Accept the upgrade."""
        await peer.upgrade()
        await peer.hung_up()


@pytest.fixture
def kit():
    return Kit()


@pytest.fixture
def black_hole():
    """A loopback port that drops SYNs, its backlog being full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    for one in (*fillers, listener):
        one.close()


@pytest.fixture
def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@pytest.fixture
def tls(server_context, client_context):
    return server_context, client_context
