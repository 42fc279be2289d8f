"""
Weather for IP packets: delay, jitter, loss, reordering, and a direction that is shut.

Two TUN devices, one in each of two namespaces, with this process between them: what
a kernel's netem does, where the kernel has none. Arguments: the venue's namespace and
address, the client's. Each line on stdin is JSON with what to change: ``delay``,
``jitter`` (s), ``loss``, ``reorder`` (0 to 1), ``shut`` (bool), and ``way``: ``down``
(to the client), ``up`` or neither for both. Each is answered with the counters.
"""

import asyncio
import ctypes
import fcntl
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from random import Random

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
MTU = 1400
MOST_WAITING = 10_000


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def enter(path):
    with Path(path).open() as place:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(place.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")


def device(namespace, name, address):
    """Make a TUN device in a namespace; its descriptor works from anywhere."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(f"/var/run/netns/{namespace}")
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name, IFF_TUN | IFF_NO_PI))
        for command in (
            ("addr", "add", address, "dev", name.decode()),
            ("link", "set", "dev", name.decode(), "mtu", str(MTU), "up"),
        ):
            subprocess.run(["ip", *command], check=True)
    finally:
        enter(f"/proc/self/fd/{home}")
        os.close(home)
    return tun


class Way:
    """One direction: from the device it reads to the device it writes."""

    def __init__(self, source, target, seed):
        self.source, self.target = source, target
        self.rng = Random(seed)
        self.now = {"delay": 0.0, "jitter": 0.0, "loss": 0.0, "reorder": 0.0}
        self.is_shut = False
        self.counts = {"seen": 0, "dropped": 0, "overtook": 0}
        self._last = 0.0
        self._waiting = 0
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(source, self.read)

    def read(self):
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            self.forward(packet)

    def forward(self, packet):
        self.counts["seen"] += 1
        now, rng = self.now, self.rng
        full = self._waiting >= MOST_WAITING
        if self.is_shut or full or rng.random() < now["loss"]:
            self.counts["dropped"] += 1
            return
        due = self.loop.time() + max(
            0.0, now["delay"] + rng.uniform(-now["jitter"], now["jitter"])
        )
        if rng.random() < now["reorder"]:
            self.counts["overtook"] += due < self._last
        else:
            due = self._last = max(due, self._last)  # jitter alone reorders nothing
        self._waiting += 1
        self.loop.call_at(due, self.write, packet)

    def write(self, packet):
        self._waiting -= 1
        try:
            os.write(self.target, packet)
        except OSError:  # a full queue, or a device that is down: one more loss
            self.counts["dropped"] += 1


async def main():
    venue, venue_address, client, client_address = sys.argv[1:]
    a = device(venue, b"wv0", venue_address)
    b = device(client, b"wc0", client_address)
    ways = {"down": Way(a, b, 1), "up": Way(b, a, 2)}
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    say({})
    while line := await reader.readline():
        said = json.loads(line)
        chosen = said.pop("way", None)
        for name, way in ways.items():
            if chosen in (None, name):
                way.is_shut = said.get("shut", way.is_shut)
                way.now |= {k: v for k, v in said.items() if k != "shut"}
        say({k: w.counts for k, w in ways.items()})


asyncio.run(main())
