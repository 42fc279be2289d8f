from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from threading import Event

import pytest

from bistoury.transport import resolver
from bistoury.transport.resolver import Resolver

ANSWER = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))


def resolver_threads():
    return [one for one in threading.enumerate() if one.name == "bistoury-resolver"]


class Gate:
    """A look-up that waits until it is let through, and remembers who asked."""

    def __init__(self):
        self.asked = []
        self.open = Event()
        self.most_at_once = 0
        self._inside = 0

    def __call__(self, host, port, family):
        self._inside += 1
        self.most_at_once = max(self.most_at_once, self._inside)
        self.asked.append(host)
        self.open.wait(10)
        self._inside -= 1
        return [ANSWER]


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


async def gone(threads):
    for thread in threads:
        await asyncio.to_thread(thread.join, 5)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_literal_address_needs_no_thread(host):
    def lookup(*question):
        raise AssertionError

    ((family, kind, _, _, address),) = await Resolver(lookup).resolve(host, 443)

    assert kind == socket.SOCK_STREAM
    assert address[:2] == (host, 443)
    assert family == (socket.AF_INET6 if ":" in host else socket.AF_INET)


async def test_knows_localhost():
    addresses = await Resolver().resolve("localhost", 80, socket.AF_INET)

    assert [info[4] for info in addresses] == [("127.0.0.1", 80)]


async def test_asks_one_at_a_time_in_order(gate):
    resolver = Resolver(gate)
    tasks = [asyncio.create_task(resolver.resolve(f"h{n}", 80)) for n in range(5)]
    await asyncio.sleep(0)
    assert len(resolver_threads()) == 1
    gate.open.set()

    assert await asyncio.gather(*tasks) == [[ANSWER]] * 5
    assert gate.asked == [f"h{n}" for n in range(5)]
    assert gate.most_at_once == 1


async def test_no_thread_is_left_when_nobody_asks(gate):
    gate.open.set()
    await Resolver(gate).resolve("h", 80)
    threads = resolver_threads()
    await gone(threads)

    assert resolver_threads() == []


async def test_a_question_behind_one_that_hangs_waits_until_its_own_deadline(gate):
    resolver = Resolver(gate)
    first = asyncio.create_task(resolver.resolve("hangs", 80))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolver.resolve("waits", 80)
    gate.open.set()

    assert await first == [ANSWER]
    await gone(resolver_threads())
    assert gate.asked == ["hangs"]


async def test_who_asks_again_shares_the_answer_of_the_one_that_hung(gate):
    resolver = Resolver(gate)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await resolver.resolve("h", 80)
    again = asyncio.create_task(resolver.resolve("h", 80))
    await asyncio.sleep(0)
    gate.open.set()

    assert await again == [ANSWER]
    assert gate.asked == ["h"]


@pytest.mark.parametrize(
    "error",
    [socket.gaierror(-2, "unknown"), UnicodeError("label too long"), SystemExit(3)],
)
async def test_an_error_goes_to_who_asked_and_the_next_is_answered(error):
    def lookup(host, port, family):
        if host == "bad":
            raise error
        return [ANSWER]

    resolver = Resolver(lookup)
    with pytest.raises(OSError if isinstance(error, SystemExit) else type(error)):
        await resolver.resolve("bad", 80)
    assert await resolver.resolve("good", 80) == [ANSWER]


async def test_tolerates_a_loop_closed_meanwhile(gate):
    resolver = Resolver(gate)

    def another_life():
        async def main():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await resolver.resolve("h", 80)

        asyncio.run(main())

    await asyncio.to_thread(another_life)
    gate.open.set()
    await gone(resolver_threads())

    assert await resolver.resolve("h2", 80) == [ANSWER]


async def test_tries_again_when_no_thread_could_be_had(gate, monkeypatch):
    gate.open.set()
    resolver = Resolver(gate)

    def fail(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            await resolver.resolve("h", 80)

    assert await resolver.resolve("h", 80) == [ANSWER]


def test_a_look_up_that_hangs_does_not_delay_the_exit():
    program = textwrap.dedent(
        """
        import asyncio, time
        from bistoury.transport.resolver import Resolver

        async def main():
            try:
                async with asyncio.timeout(0.05):
                    await Resolver(lambda *_: time.sleep(60)).resolve("h", 80)
            except TimeoutError:
                print("timed out")

        asyncio.run(main())
        """
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        capture_output=True,
        timeout=10,
        check=True,
        env={"PYTHONPATH": str(Path(resolver.__file__).parents[2])},
    )

    assert (done.stdout, done.stderr) == (b"timed out\n", b"")
