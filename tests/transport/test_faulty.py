from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ConnectFailedError, ConnectionLostError
from bistoury.testing.virtual_time import run
from bistoury.transport.faulty import (
    Cut,
    Delay,
    Fault,
    FaultyTransport,
    Garble,
    Lose,
    Refuse,
    Repeat,
    Stall,
)
from bistoury.transport.memory import MemoryTransport


class Log:
    """A receiver that notes when it heard what."""

    def __init__(self, react=None):
        self.story = []
        self.react = react

    def frame(self, data):
        self.story.append((asyncio.get_running_loop().time(), data))
        if self.react is not None:
            self.react(data)

    def lost(self, error):
        self.story.append((asyncio.get_running_loop().time(), error))

    @property
    def heard(self):
        return [
            (at, "lost" if isinstance(item, Exception) else item)
            for at, item in self.story
        ]


class Rig:
    """A faulty connection to a far end that sends one frame a second."""

    def __init__(self, *faults, react=None):
        # The first fault is for connecting, the others for a frame each.
        self.faults = list(faults)
        self.log = Log(react and (lambda data: react(self)))
        self.far = None
        self.far_log = Log()

    def plan(self, now):
        return self.faults.pop(0) if self.faults else None

    def accept(self, connection):
        self.far = connection
        return self.far_log

    async def connect(self):
        transport = FaultyTransport(MemoryTransport(self.accept), self.plan)
        self.near = await transport.connect("mem://", self.log)

    async def send(self, count):
        for n in range(count):
            self.far.send(b"%d" % n)
            await asyncio.sleep(1)


def play(*faults, count=3, react=None, then=10.0, end=None):
    rig = Rig(None, *faults, react=react)

    async def main():
        await rig.connect()
        await rig.send(count)
        if end is not None:
            end(rig)
        await asyncio.sleep(then)

    run(main())
    return rig


def test_without_faults_everything_passes_at_once():
    assert play().log.heard == [(0, b"0"), (1, b"1"), (2, b"2")]


def test_refuses_to_open_in_the_phase_of_the_plan():
    rig = Rig(Refuse("upgrade", 429, 3.0))
    with pytest.raises(ConnectFailedError) as caught:
        run(rig.connect())

    error = caught.value
    assert (error.phase, error.status, error.retry_after) == ("upgrade", 429, 3.0)


@pytest.mark.parametrize("fault", [Delay(2.0), Stall(2.0)])
def test_opens_late(fault):
    async def main():
        await Rig(fault).connect()
        return asyncio.get_running_loop().time()

    assert run(main()) == 2.0


def test_other_faults_do_not_strike_opening():
    run(Rig(Lose()).connect())


def test_a_delay_delays_what_follows():
    assert play(Delay(1.5)).log.heard == [(1.5, b"0"), (1.5, b"1"), (2, b"2")]


def test_a_shorter_delay_does_not_overtake():
    assert play(Delay(5), Delay(1)).log.heard == [(5, b"0"), (5, b"1"), (5, b"2")]


def test_a_stall_counts_from_what_is_already_held():
    assert play(Stall(2), Stall(2)).log.heard == [(2, b"0"), (4, b"1"), (4, b"2")]


def test_loses_repeats_and_garbles():
    rig = play(Lose(), Repeat(), Garble())

    assert rig.log.heard == [(1, b"1"), (1, b"1"), (2, b"\0")]


def test_garbled_text_is_text_and_not_json():
    rig = Rig(None, Garble())

    async def main():
        await rig.connect()
        rig.far.send('{"coin":"€€"}'.encode())
        await asyncio.sleep(1)

    run(main())
    ((_, data),) = rig.log.story
    data.decode()
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(data)


def test_a_cut_takes_the_place_of_a_frame_and_ends_the_connection():
    rig = play(None, Cut(1012, "restart"))

    assert rig.log.heard == [(0, b"0"), (1, "lost")]
    error = rig.log.story[-1][1]
    assert isinstance(error, ConnectionLostError)
    assert (error.code, error.reason) == (1012, "restart")
    assert rig.far_log.heard == [(1, "lost")]


def test_a_cut_waits_for_what_was_delayed():
    assert play(Delay(3), Cut()).log.heard == [(3, b"0"), (3, "lost")]


def test_nothing_is_sent_after_a_cut():
    rig = play(Delay(3), Cut(), end=lambda rig: rig.near.send(b"x"))

    assert b"x" not in [item for _, item in rig.far_log.story]


def test_the_peers_end_waits_for_its_turn():
    rig = play(Delay(5), count=1, end=lambda rig: rig.far.close(1001))

    assert rig.log.heard == [(5, b"0"), (5, "lost")]


@pytest.mark.parametrize("verb", ["close", "abort"])
@pytest.mark.parametrize("faults", [(), (Delay(9),), (Delay(9), Cut())])
def test_letting_go_is_heard_at_once_and_fences_what_was_held(verb, faults):
    rig = play(*faults, count=2, end=lambda rig: getattr(rig.near, verb)())

    assert rig.log.heard[-1] == (2, "lost")
    assert [item for _, item in rig.log.heard].count("lost") == 1
    if faults:
        assert len(rig.log.heard) == 1


def test_letting_go_after_the_peers_end_that_was_held_is_heard_too():
    def end(rig):
        rig.far.close()
        asyncio.get_running_loop().call_later(1, rig.near.close)

    assert play(Delay(9), count=1, end=end).log.heard == [(2, "lost")]


def test_letting_go_inside_a_frame_stops_the_frames():
    rig = play(Delay(5), react=lambda rig: rig.near.close())

    assert rig.log.heard == [(5, b"0"), (5, "lost")]


def test_a_pause_holds_what_is_due():
    def end(rig):
        rig.near.pause_reading()
        asyncio.get_running_loop().call_later(4, rig.near.resume_reading)

    assert play(Delay(4), count=1, end=end).log.heard == [(5, b"0")]


def test_a_pause_inside_a_frame_holds_the_next():
    def react(rig):
        rig.near.pause_reading()
        asyncio.get_running_loop().call_later(2, rig.near.resume_reading)

    assert play(Delay(5), count=2, react=react).log.heard == [(5, b"0"), (7, b"1")]


@pytest.mark.parametrize("fault", [None, Delay(2)])
def test_an_exception_of_the_receiver_is_the_cause_of_the_end(fault):
    rig = play(fault, count=2, react=lambda rig: 1 / 0)

    assert len(rig.log.story) == 2
    assert isinstance(rig.log.story[-1][1].__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    "fault",
    [Refuse("dns"), Cut(1001, "x"), Stall(1.0), Lose(), Repeat(), Garble(), Delay(0.5)],
)
def test_faults_are_data(fault):
    for codec in (msgspec.json, msgspec.toml):
        wrapped = {"fault": fault}
        again = (
            codec.decode(codec.encode(wrapped), type=dict[str, Fault])
            if codec is msgspec.json
            else None
        )
        assert again in (None, wrapped)
    assert msgspec.convert({"fault": "stall", "seconds": 2}, Fault) == Stall(2)


FAULTS = st.one_of(
    st.none(),
    st.builds(Delay, st.floats(0, 5)),
    st.builds(Stall, st.floats(0, 5)),
    st.just(Lose()),
)


@given(st.lists(FAULTS, max_size=12))
def test_order_survives_any_plan(faults):
    rig = play(*faults, count=12, then=200.0)

    heard = [int(item) for _, item in rig.log.story]
    expected = [n for n in range(12) if n >= len(faults) or faults[n] != Lose()]
    assert heard == expected
