"""
Two namespaces, a venue in one, a client in the other, and what goes wrong between.

A namespace and everything in it is removed again, whatever happens; only processes
started here are ended, by their id.
"""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
NUMBERS = itertools.count()
VETH = "10.77.0.1", "10.77.0.2"
TUN = "10.88.0.1", "10.88.0.2"
STARTED = 60.0
SETTLED = 100.0
"""Seconds for the longest delay with its jitter, a handshake and two reads."""


def ip(*command):
    subprocess.run(["ip", *command], check=True, capture_output=True, timeout=20)


def enters(namespace):
    return ("ip", "netns", "exec", namespace)


class Child:
    """A process whose lines of JSON are kept, and can be waited for."""

    def __init__(self, process):
        self.process = process
        self.said = []
        self._heard = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, script, *arguments, inside=None):
        process = await asyncio.create_subprocess_exec(
            *(enters(inside) if inside else ()),
            *(sys.executable, str(HERE / script), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **{k: v for k, v in os.environ.items() if k[:8] != "BISTOURY"},
                "PYTHONPATH": str(SOURCES),
            },
            limit=1 << 22,
        )
        return cls(process)

    async def _read(self):
        while line := await self.process.stdout.readline():
            self.said.append(json.loads(line))
            self._heard.set()
        self._heard.set()

    async def until(self, condition, within=STARTED):
        async with asyncio.timeout(within):
            while not condition():
                if self._reading.done():
                    error = (await self.process.stderr.read()).decode()[-2000:]
                    raise AssertionError(f"ended early: {error}")
                self._heard.clear()
                await self._heard.wait()

    async def ask(self, value):
        """Write a line; return the answer, the next line that is no event."""
        count = len(self.answers)
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        await self.until(lambda: len(self.answers) > count)
        return self.answers[-1]

    @property
    def answers(self):
        return [it for it in self.said if it.get("event", "account") == "account"]

    def events(self, name):
        return [it for it in self.said if it.get("event") == name]

    async def end(self):
        if self.process.returncode is None:
            for number in (signal.SIGCONT, signal.SIGKILL):
                self.process.send_signal(number)
        await self.process.wait()
        await self._reading
        transport = self.process._transport
        transport.close()


class World:
    """One venue, one client, and the network between them."""

    def __init__(self, folder, *, weather=False):
        self.name = f"bis{os.getpid()}x{next(NUMBERS)}"
        self.inner, self.outer = f"{self.name}v", f"{self.name}c"
        self.addresses = TUN if weather else VETH
        self.has_weather = weather
        self.ledger = str(folder / f"{self.name}.ledger")
        self.url = ""
        self.port = 0
        self.relay = self.venue = self.client = None
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def _begin(self):
        for namespace in (self.inner, self.outer):
            ip("netns", "add", namespace)
            self._stack.callback(
                subprocess.run, ["ip", "netns", "del", namespace], check=False
            )
            ip("-n", namespace, "link", "set", "lo", "up")
        if self.has_weather:
            ways = [f"{it}/24" for it in self.addresses]
            self.relay = await self._child(
                "relay.py", self.inner, ways[0], self.outer, ways[1]
            )
            await self.relay.until(lambda: self.relay.said)
        else:
            self._join()
        await self.start_venue()
        self.client = await self._child(
            "client.py", self.url, self.ledger, inside=self.outer
        )
        await self.client.until(lambda: self.client.events("ready"))

    def _join(self):
        ip(
            *("link", "add", "vv", "netns", self.inner, "type", "veth"),
            *("peer", "name", "vc", "netns", self.outer),
        )
        pairs = zip((self.inner, self.outer), ("vv", "vc"), self.addresses, strict=True)
        for namespace, device, address in pairs:
            ip("-n", namespace, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", namespace, "link", "set", device, "up")

    async def _child(self, *arguments, **options):
        child = await Child.start(*arguments, **options)
        self._stack.push_async_callback(child.end)
        return child

    async def start_venue(self):
        self.venue = await self._child(
            *("venue.py", self.addresses[0], str(self.port), self.ledger),
            inside=self.inner,
        )
        await self.venue.until(lambda: self.venue.said)
        self.url = self.venue.said[0]["url"]
        self.port = int(self.url.rpartition(":")[2])

    # What can go wrong

    async def signal(self, number):
        self.venue.process.send_signal(number)
        if number == signal.SIGKILL:
            await self.venue.process.wait()

    async def link(self, way):
        ip("-n", self.inner, "link", "set", "vv", way)

    async def drop(self, *ways):
        """Drop what leaves (``up``) and what arrives (``down``) at the client."""
        hooks = {"down": "input", "up": "output"}
        rules = ["add table inet f"]
        for way in ways:
            whose = "saddr" if way == "down" else "daddr"
            hook = f"{{ type filter hook {hooks[way]} priority 0; }}"
            rules.append(f"add chain inet f {way} {hook}")
            rules.append(f"add rule inet f {way} ip {whose} {self.addresses[0]} drop")
        self._nft("; ".join(rules))

    async def let_through(self):
        self._nft("delete table inet f")

    def _nft(self, text):
        subprocess.run(
            [*enters(self.outer), "nft", text],
            check=True,
            capture_output=True,
            timeout=20,
        )

    async def move(self, address):
        # The old one first: it takes later ones of its network along.
        for what, which in (("del", self.addresses[1]), ("add", address)):
            ip("-n", self.outer, "addr", what, f"{which}/24", "dev", "vc")

    async def weather(self, **changes):
        return await self.relay.ask(changes)

    # What came of it

    async def account(self, since):
        """Wait until all is well again; return the account from ``since`` on."""
        async with asyncio.timeout(SETTLED):
            while True:
                found = await self.client.ask([since, now_ms() - 2000])
                if found["is_connected"] and not found["open_gaps"]:
                    break
                await asyncio.sleep(0.5)
        await asyncio.sleep(3)
        return await self.client.ask([since, now_ms() - 2500])


def now_ms():
    return int(time.time() * 1000)


async def play(folder, scenario):
    """Play a scenario; return its figures."""
    async with World(folder, weather=scenario.weather) as world:
        # A connection is forgiven its past after five seconds.
        await asyncio.sleep(8)
        since = now_ms()
        await asyncio.sleep(4)
        began = time.monotonic()
        await scenario.breaks(world)
        await asyncio.sleep(scenario.lasts)
        await scenario.heals(world)
        # What stays as it is has no end but its beginning.
        ended = began if scenario.stays else time.monotonic()
        found = await world.account(since)
        client = world.client
        losses = [it for it in client.events("disconnected") if it["was_open"]]
        readies = [it["at"] for it in client.events("ready") if it["at"] > began]
        data = [it["at"] for it in client.events("data") if it["at"] > ended]
        back = readies[-1:] if losses else data[:1]
        names = ("published", "recovered", "repeated", "in_gaps", "lost", "missing")
        return {
            "causes": [it["cause"] for it in losses],
            "notice": round(losses[0]["at"] - began, 2) if losses else None,
            "recover": round(max(0.0, back[0] - ended), 2) if back else None,
            "connections": len(client.events("connected")),
            "delays": [it["text"] for it in client.events("reconnecting")],
            **{name: found[name] for name in names},
            "weather": await world.weather() if world.relay else None,
        }
