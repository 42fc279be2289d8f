"""The real supervisor on the real asyncio, in virtual time, over a transport in memory."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec
import pytest

from bistoury.errors import (
    ConnectFailedError,
    ConnectionLostError,
    TransportError,
)
from bistoury.hyperliquid import feeds, wire
from bistoury.session import Backoff, Cause, Policy, Session, State, Update
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session import notices as say
from bistoury.supervisor import Supervisor
from bistoury.testing.virtual_time import VirtualTimeLoop, run
from bistoury.transport.memory import MemoryTransport

STEADY = Policy(backoff=Backoff(jitter=0.0))
WALL = 1_790_000_000.0

MIDS = feeds.canonical({"type": "allMids"})
TRADES = feeds.canonical({"type": "trades", "coin": "BTC"})
FILLS = feeds.canonical({"type": "userFills", "user": "0x" + "a" * 40})


class Peer:
    """The venue's end of one connection: acknowledges, answers pings, remembers."""

    def __init__(self, connection, venue):
        self.connection = connection
        self.venue = venue
        self.heard = []
        self.losses = []

    def frame(self, data):
        message = msgspec.json.decode(data)
        self.heard.append(message)
        if self.venue.is_mute:
            return
        if message["method"] == "ping":
            self.say({"channel": "pong"})
        else:
            self.say({"channel": "subscriptionResponse", "data": message})

    def lost(self, error):
        self.losses.append(error)

    def say(self, message):
        self.connection.send(msgspec.json.encode(message))

    def asked(self):
        return [it["subscription"]["type"] for it in self.heard if "subscription" in it]


class Venue:
    """Accepts, refuses or hangs, as its script says."""

    def __init__(self):
        self.peers = []
        self.script = []
        self.is_mute = False
        self.opens = []
        self._memory = MemoryTransport(self._accept)

    async def connect(self, url, receiver):
        self.opens.append(asyncio.get_running_loop().time())
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            await step
        return await self._memory.connect(url, receiver)

    def _accept(self, connection):
        self.peers.append(Peer(connection, self))
        return self.peers[-1]

    @property
    def peer(self):
        return self.peers[-1]


class App:
    """Whoever the session works for: remembers what it is told."""

    def __init__(self):
        self.delivered, self.raw, self.told, self.ticks = [], [], [], []
        self.wanted, self.unread = [], []
        self.react = lambda notice: None

    def deliver(self, entry, update):
        self.delivered.append((str(entry.subscription), update))

    def deliver_raw(self, entry, update):
        self.raw.append((str(entry.subscription), update))

    def announce(self, notice):
        self.told.append(notice)
        self.react(notice)

    def ponged(self):
        pass

    def ticked(self, now):
        self.ticks.append(now)

    def backfill(self, wanted):
        self.wanted.append(wanted)

    def unreadable(self, error):
        self.unread.append(error)

    def heard(self, kind):
        return [notice for notice in self.told if isinstance(notice, kind)]


class Stage:
    """A session, its supervisor, an application and a venue."""

    def __init__(self, codec=wire, policy=STEADY):
        self.app, self.venue = App(), Venue()
        self.session = Session(policy, Random(0))
        self.loop = asyncio.get_running_loop()
        self.supervisor = Supervisor(
            self.session,
            self.venue,
            codec,
            self.app,
            url="mem://venue",
            wall_clock=lambda: WALL + self.loop.time(),
        )
        self.supervisor.attach(self.loop)

    def want(self, *subscriptions):
        for it in subscriptions:
            self.supervisor.feed(on.SubscribeRequested(it, feeds.traits(it)))
        return self

    async def live(self, *subscriptions):
        self.want(*subscriptions)
        self.supervisor.feed(on.ConnectRequested(WALL + self.loop.time()))
        await self.until(State.LIVE)
        return self

    async def until(self, state):
        async with asyncio.timeout(600):
            while self.session.state is not state:
                await asyncio.sleep(0.01)

    async def close(self):
        self.supervisor.feed(on.CloseRequested())
        await self.until(State.CLOSED)
        await self.supervisor.finish(1.0)

    def frame(self, message, number=None):
        number = number or self.session.connection_id
        data = message if isinstance(message, bytes) else msgspec.json.encode(message)
        self.supervisor.receiver(number).frame(data)


def played(scenario, **options):
    """Play a scenario in virtual time; nothing may be left over when it ends."""

    async def main():
        complaints = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        stage = Stage(**options)
        result = await scenario(stage)
        if stage.session.state is not State.CLOSED:
            await stage.close()
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert complaints == []
        return result

    return run(main())


def mids(price="1"):
    return {"channel": "allMids", "data": {"mids": {"BTC": price}}}


def trades(*times):
    rows = [{"coin": "BTC", "time": at, "tid": at, "px": "1"} for at in times]
    return {"channel": "trades", "data": rows}


# Opening


def test_opens_a_connection_and_asks_for_what_is_wanted():
    async def scenario(stage):
        await stage.live(MIDS, TRADES)

        assert stage.venue.peer.connection.url == "mem://venue"
        assert [it["method"] for it in stage.venue.peer.heard] == [
            "ping",
            "subscribe",
            "subscribe",
        ]
        assert stage.venue.peer.asked() == ["allMids", "trades"]
        assert stage.supervisor.loop is stage.loop
        assert stage.supervisor.now() == stage.loop.time()
        assert stage.supervisor.wall() == WALL + stage.loop.time()

    played(scenario)


def test_gives_up_what_is_not_wanted_any_more():
    async def scenario(stage):
        await stage.live(TRADES)
        stage.supervisor.feed(on.UnsubscribeRequested(TRADES))
        await asyncio.sleep(0.1)

        assert stage.venue.peer.heard[-1] == {
            "method": "unsubscribe",
            "subscription": {"type": "trades", "coin": "BTC"},
        }
        assert stage.session.registry.entries == {}

    played(scenario)


@pytest.mark.parametrize(
    ("error", "cause", "code", "reason", "wait"),
    [
        (
            ConnectFailedError("upgrade", "slow down", status=429, retry_after=20.0),
            Cause.RATE_LIMITED,
            429,
            "upgrade: slow down",
            20.0,
        ),
        (
            ConnectFailedError("upgrade", "blocked?", status=403),
            Cause.REJECTED,
            403,
            "upgrade: blocked?",
            1.0,
        ),
        (
            ConnectFailedError("dns", "no such host"),
            Cause.DNS,
            None,
            "dns: no such host",
            1.0,
        ),
        (
            ConnectFailedError("tcp", "nothing", timed_out=True),
            Cause.CONNECT_TIMEOUT,
            None,
            "tcp: nothing",
            1.0,
        ),
        (TransportError("odd"), Cause.NETWORK, None, "odd", 1.0),
        (
            ZeroDivisionError("a bug"),
            Cause.NETWORK,
            None,
            "tcp: unexpected ZeroDivisionError('a bug')",
            1.0,
        ),
    ],
    ids=["429", "403", "dns", "timeout", "unknown", "bug"],
)
def test_an_attempt_that_fails_is_told_with_its_cause_and_made_again(
    error, cause, code, reason, wait
):
    async def scenario(stage):
        stage.venue.script = [error]
        await stage.live()

        assert stage.app.heard(say.Disconnected) == [
            say.Disconnected(cause, code, reason, 1, 0.0, was_open=False)
        ]
        assert stage.venue.opens == [0.0, wait]

    played(scenario)


def test_an_attempt_that_hangs_is_cancelled_after_ten_seconds():
    async def scenario(stage):
        forever = stage.loop.create_future()
        stage.venue.script = [forever]
        await stage.live()

        assert stage.venue.opens == [0.0, 11.0]
        assert forever.cancelled()
        assert [it.cause for it in stage.app.heard(say.Disconnected)] == [
            Cause.CONNECT_TIMEOUT
        ]

    played(scenario)


def test_a_connection_that_opens_although_it_was_given_up_is_let_go():
    async def scenario(stage):
        async def stubborn():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                await asyncio.sleep(2)  # as if the handshake ended all the same

        stage.venue.script = [stubborn()]
        await stage.live(TRADES)
        live_on = stage.venue.peer
        await asyncio.sleep(5)
        late = next(peer for peer in stage.venue.peers if peer is not live_on)

        assert [error.code for error in late.losses] == [None]
        assert late.heard == []
        assert stage.session.state is State.LIVE
        assert live_on.losses == []

    played(scenario)


def test_an_attempt_that_fails_after_it_was_given_up_is_no_news():
    async def scenario(stage):
        async def stubborn():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                await asyncio.sleep(2)
                raise ConnectFailedError("tls", "too late") from None

        stage.venue.script = [stubborn()]
        await stage.live(TRADES)
        await asyncio.sleep(5)

        assert stage.session.state is State.LIVE
        assert len(stage.app.heard(say.Disconnected)) == 1

    played(scenario)


# Losing


@pytest.mark.parametrize(
    ("end", "cause", "code"),
    [
        (lambda it: it.close(1000), Cause.SERVER_ROTATION, 1000),
        (lambda it: it.close(1008), Cause.RATE_LIMITED, 1008),
        (lambda it: it.abort(), Cause.NETWORK, None),
        (
            lambda it: it.hang_up(
                ConnectionLostError("closed", code=1000, reason="Inactive")
            ),
            Cause.IDLE_TIMEOUT,
            1000,
        ),
    ],
    ids=["rotation", "rate limit", "reset", "idle"],
)
def test_comes_back_when_the_peer_goes_however_it_goes(end, cause, code):
    async def scenario(stage):
        await stage.live(TRADES)
        end(stage.venue.peer.connection)
        await stage.until(State.BACKOFF)
        await stage.until(State.LIVE)

        (gone,) = stage.app.heard(say.Disconnected)
        assert (gone.cause, gone.code) == (cause, code)
        assert stage.session.connection_id == 2
        assert stage.venue.peer.asked() == ["trades"]

    played(scenario)


def test_a_loss_is_known_by_its_reason_or_else_by_its_detail():
    async def scenario(stage):
        await stage.live(TRADES)
        for error in (
            ConnectionLostError("detail", code=1000, reason="Expired"),
            ConnectionLostError("detail"),
        ):
            stage.supervisor.lost(stage.session.connection_id, error)
            await stage.until(State.LIVE)

        assert [it.reason for it in stage.app.heard(say.Disconnected)] == [
            "Expired",
            "detail",
        ]

    played(scenario)


def test_the_end_of_an_old_connection_leaves_the_new_one_alone():
    async def scenario(stage):
        await stage.live(TRADES)
        stage.venue.peer.connection.abort()
        await stage.until(State.BACKOFF)
        await stage.until(State.LIVE)
        stage.supervisor.lost(1, ConnectionLostError("again"))
        stage.want(MIDS)
        await asyncio.sleep(0.1)

        assert stage.session.state is State.LIVE
        assert stage.venue.peer.asked() == ["trades", "allMids"]

    played(scenario)


def test_frames_of_an_old_connection_are_thrown_away():
    async def scenario(stage):
        await stage.live(TRADES)
        stage.venue.peer.connection.abort()
        await stage.until(State.BACKOFF)
        stage.frame(trades(1), number=1)
        await stage.until(State.LIVE)
        stage.frame(trades(2), number=1)
        stage.frame({"channel": "pong"}, number=1)
        assert stage.app.delivered == []

        stage.frame(trades(3))
        assert [name for name, _ in stage.app.delivered] == ["trades(coin=BTC)"]

    played(scenario)


def test_a_silent_connection_is_cut_without_a_word():
    async def scenario(stage):
        await stage.live(TRADES)
        first = stage.venue.peer
        stage.venue.is_mute = True
        await stage.until(State.BACKOFF)
        stage.venue.is_mute = False

        assert 23 < stage.loop.time() < 25
        await stage.until(State.LIVE)
        assert [error.code for error in first.losses] == [None]

    played(scenario)


def test_reconnecting_on_request_says_goodbye():
    async def scenario(stage):
        await stage.live(TRADES)
        first = stage.venue.peer
        stage.supervisor.feed(on.ReconnectRequested("user"))
        await stage.until(State.LIVE)

        assert [error.code for error in first.losses] == [1000]
        assert stage.session.connection_id == 2

    played(scenario)


# Closing


def test_closing_says_goodbye_and_leaves_nothing_behind():
    async def scenario(stage):
        await stage.live(TRADES)
        await stage.close()

        assert [error.code for error in stage.venue.peer.losses] == [1000]
        assert stage.session.deadline == float("inf")

    played(scenario)


@pytest.mark.parametrize("state", [State.CONNECTING, State.BACKOFF])
def test_closing_before_it_is_open_leaves_nothing_behind(state):
    async def scenario(stage):
        if state is State.CONNECTING:
            stage.venue.script = [stage.loop.create_future()]
        else:
            stage.venue.script = [ConnectFailedError("dns", "no")]
        stage.supervisor.feed(on.ConnectRequested())
        await stage.until(state)
        await stage.close()
        opens = len(stage.venue.opens)
        await asyncio.sleep(100)

        assert len(stage.venue.opens) == opens

    played(scenario)


def test_can_be_connected_again_after_a_close():
    async def scenario(stage):
        await stage.live(TRADES)
        await stage.close()
        await stage.live()

        assert stage.venue.peer.asked() == ["trades"]

    played(scenario)


class Deaf:
    """A connection whose peer never agrees that it is over."""

    def __init__(self):
        self.said = []

    def send(self, frame):
        self.said.append(frame)

    def close(self, code=1000):
        self.said.append("close")

    def abort(self):
        self.said.append("abort")


def test_a_goodbye_nobody_answers_is_cut_short_in_the_end():
    async def scenario(stage):
        deaf = Deaf()

        async def connect(url, receiver):
            return deaf

        stage.venue.connect = connect
        stage.supervisor.feed(on.ConnectRequested())
        await stage.until(State.LIVE)
        stage.supervisor.feed(on.CloseRequested())
        await stage.until(State.CLOSED)
        assert deaf.said[-1] == "close"
        await stage.supervisor.finish(0.5)

        assert deaf.said[-1] == "abort"

    played(scenario)


# Data


def test_data_goes_straight_to_the_application():
    async def scenario(stage):
        await stage.live(MIDS, TRADES)
        stage.frame(mids())

        ((name, update),) = stage.app.delivered
        assert name == "allMids"
        assert isinstance(update, Update)
        assert wire.read(update)["data"] == {"mids": {"BTC": "1"}}
        assert [it.subscription for it in stage.app.heard(say.Started)] == [MIDS]
        stage.frame(mids("2"))
        assert len(stage.app.heard(say.Started)) == 1
        assert len(stage.app.delivered) == 2

    played(scenario)


def test_what_was_delivered_before_is_not_delivered_again():
    async def scenario(stage):
        await stage.live(TRADES)
        for message in (trades(1, 2), trades(1, 2), trades(2, 3)):
            stage.frame(message)

        rows = [[it["tid"] for it in u.message["data"]] for _, u in stage.app.delivered]
        assert rows == [[1, 2], [3]]

    played(scenario)


def test_the_first_data_is_told_with_what_it_spans_before_anything_is_taken_out():
    async def scenario(stage):
        await stage.live(TRADES)
        begin = 1_790_000_000_000
        stage.frame(trades(begin, begin + 1))
        stage.venue.peer.connection.abort()
        await stage.until(State.BACKOFF)
        await stage.until(State.LIVE)
        replay = trades(*range(begin, begin + 6))
        stage.frame(replay)

        (opened, settled) = stage.app.heard(say.Gap)
        assert (opened.status, settled.status) == ("open", "recovered")
        assert settled.recovered_count == 4

    played(scenario)


def test_raw_frames_go_to_those_who_want_them_as_they_came():
    async def scenario(stage):
        await stage.live(TRADES)
        stage.frame(trades(1))
        assert stage.app.raw == []
        stage.session.registry.entries[TRADES].has_raw_readers = True
        stage.frame(trades(1))

        assert [name for name, _ in stage.app.raw] == ["trades(coin=BTC)"]
        assert len(stage.app.delivered) == 1

    played(scenario)


# What cannot be read


def test_a_text_that_is_no_json_is_told_and_raises_no_doubt():
    async def scenario(stage):
        await stage.live(FILLS)
        stage.frame(b"Websocket connection established.")

        assert len(stage.app.unread) == 1
        assert stage.app.heard(say.Gap) == []
        assert stage.session.state is State.LIVE

    played(scenario)


def test_a_frame_that_cannot_be_read_may_have_been_data():
    async def scenario(stage):
        await stage.live(FILLS)
        stage.frame(b'{"channel":"userFills","data":')

        assert len(stage.app.unread) == 1
        assert [gap.cause for gap in stage.app.heard(say.Gap)] == [Cause.PROTOCOL_ERROR]
        assert len(stage.app.wanted) == 1

    played(scenario)


def test_a_row_that_cannot_be_read_does_not_cost_the_others():
    async def scenario(stage):
        await stage.live(TRADES)
        message = trades(1, 2)
        message["data"].insert(1, {"coin": "BTC"})
        stage.frame(message)

        ((_, update),) = stage.app.delivered
        assert [row["tid"] for row in update.message["data"]] == [1, 2]
        (error,) = stage.app.unread
        assert (error.channel, error.detail) == ("trades:BTC", "1 rows left out")

    played(scenario)


def test_frames_nobody_wants_are_thrown_away():
    async def scenario(stage):
        await stage.live(TRADES)
        for frame in (mids(), {"channel": "somethingNew", "data": 1}):
            stage.frame(frame)

        assert stage.app.delivered == []
        assert stage.session.conversation.unrouted == 2

    played(scenario)


def test_a_bug_in_decoding_costs_a_connection_and_not_the_retries():
    class Codec:
        PING = wire.PING
        subscribe = staticmethod(wire.subscribe)
        unsubscribe = staticmethod(wire.unsubscribe)
        is_ill = False

        def decode(self, frame):
            if self.is_ill and b"mids" in frame:
                raise ZeroDivisionError("a bug")
            return None if b"dull" in frame else wire.decode(frame)

    codec = Codec()

    async def scenario(stage):
        await stage.live(MIDS)
        codec.is_ill = True
        stage.venue.peer.say(mids())
        await stage.until(State.BACKOFF)
        codec.is_ill = False
        await stage.until(State.LIVE)
        stage.frame(b"dull")

        (gone,) = stage.app.heard(say.Disconnected)
        assert gone.cause is Cause.NETWORK
        assert "ZeroDivisionError" in gone.reason

    played(scenario, codec=codec)


# Run to completion


def test_events_raised_meanwhile_wait_their_turn():
    async def scenario(stage):
        depth = []

        def react(notice):
            depth.append(len(depth))
            if isinstance(notice, say.Connected):
                # In the middle of opening: must not run before that is done.
                stage.supervisor.feed(on.UnsubscribeRequested(TRADES))
                assert TRADES in stage.session.registry.entries

        stage.app.react = react
        await stage.live(TRADES, MIDS)
        await asyncio.sleep(1)

        assert [it["method"] for it in stage.venue.peer.heard[:4]] == [
            "ping",
            "subscribe",
            "subscribe",
            "unsubscribe",
        ]
        assert TRADES not in stage.session.registry.entries

    played(scenario)


def test_a_bug_in_the_application_leaves_the_session_with_a_timer():
    async def scenario(stage):
        await stage.live(TRADES)

        def react(notice):
            raise ZeroDivisionError("a bug")

        stage.app.react = react
        with pytest.raises(ZeroDivisionError):
            stage.supervisor.lost(1, ConnectionLostError("reset"))
        stage.app.react = lambda notice: None
        await stage.until(State.LIVE)

        assert stage.session.connection_id == 2

    played(scenario)


# The timer


def test_the_timer_is_armed_again_only_to_fire_earlier():
    async def scenario(stage):
        await stage.live(TRADES)
        supervisor = stage.supervisor
        timer = supervisor._timer
        for _ in range(5):
            stage.frame({"channel": "pong"})
            stage.frame(trades(1))
            assert supervisor._timer is timer
        assert not timer.cancelled()

        supervisor.feed(on.ConnectionLost(1, Cause.NETWORK))
        earlier = supervisor._timer
        deadline = stage.session.deadline
        assert earlier.when() <= deadline
        supervisor.feed(on.ReconnectRequested("now"))
        assert supervisor._timer is not earlier
        assert earlier.cancelled()

    played(scenario)


def test_a_timer_that_fires_too_soon_finds_the_new_deadline():
    async def scenario(stage):
        stage.venue.script = [ConnectFailedError("dns", "no")]
        stage.supervisor.feed(on.ConnectRequested())
        await stage.until(State.BACKOFF)
        ticks = len(stage.app.ticks)
        stage.session.retry_at += 2.0  # the deadline recedes behind the timer's back
        await asyncio.sleep(1.5)

        assert stage.session.state is State.BACKOFF
        assert len(stage.app.ticks) == ticks
        await asyncio.sleep(2)
        assert stage.session.state is State.LIVE

    played(scenario)


def test_ticks_are_told_once_a_second_while_connected():
    async def scenario(stage):
        await stage.live()
        stage.app.ticks.clear()
        await asyncio.sleep(5)

        gaps = [
            b - a for a, b in zip(stage.app.ticks, stage.app.ticks[1:], strict=False)
        ]
        assert gaps == pytest.approx([1.0] * len(gaps))
        assert len(gaps) >= 3

    played(scenario)


def test_how_late_the_last_tick_came_is_known():
    async def scenario(stage):
        await stage.live()
        await asyncio.sleep(3)
        assert stage.supervisor.loop_lag == pytest.approx(0.0, abs=1e-6)
        stage.loop._virtual.now += 4.0  # as if a handler blocked the loop
        await asyncio.sleep(0.5)

        assert 3.0 < stage.supervisor.loop_lag <= 4.0

    played(scenario)


# What was missed


def test_history_is_asked_for_and_what_it_brings_is_delivered_in_order():
    async def scenario(stage):
        await stage.live(FILLS)
        stage.venue.peer.connection.abort()
        await stage.until(State.BACKOFF)
        await stage.until(State.LIVE)
        (wanted,) = stage.app.wanted
        begin = 1_790_000_000_000

        def fill(at):
            return {"time": at, "coin": "BTC", "oid": 1, "tid": at}

        data = {"user": "0x" + "a" * 40, "fills": [fill(begin + 5)]}
        stage.frame({"channel": "userFills", "data": data})
        assert stage.app.delivered == []
        found = wire.recovered(FILLS, "fills", [fill(begin + 1), fill(begin + 2)])
        stage.supervisor.backfilled(wanted, [found], complete=True)

        times = [
            [row["time"] - begin for row in update.message["data"]["fills"]]
            for _, update in stage.app.delivered
        ]
        assert times == [[1, 2], [5]]
        await asyncio.sleep(5)
        second = stage.app.wanted[1]
        stage.supervisor.backfilled(second, [], complete=True)
        settled = stage.app.heard(say.Gap)[-1]
        assert (settled.status, settled.recovered_count) == ("recovered", 2)

    played(scenario)


def test_a_read_that_failed_is_tried_again():
    async def scenario(stage):
        await stage.live(FILLS)
        stage.venue.peer.connection.abort()
        await stage.until(State.BACKOFF)
        await stage.until(State.LIVE)
        stage.supervisor.backfilled(stage.app.wanted[0], None, complete=False)
        await asyncio.sleep(2.5)

        assert [wanted.reading for wanted in stage.app.wanted] == [1, 2]

    played(scenario)


def test_an_answer_about_a_gap_that_is_no_more_is_thrown_away():
    async def scenario(stage):
        await stage.live(FILLS)
        stage.venue.peer.connection.abort()
        await stage.until(State.BACKOFF)
        await stage.until(State.LIVE)
        (wanted,) = stage.app.wanted
        entry = stage.session.registry.entries[FILLS]
        old = do.Backfill(FILLS, wanted.number + 1, 1, 0)
        for about in (old, do.Backfill(TRADES, wanted.number, 1, 0)):
            stage.supervisor.backfilled(about, [Update("x", b"")], complete=True)
        assert entry.continuity.found == []
        entry.gap = None
        stage.supervisor.backfilled(wanted, [Update("x", b"")], complete=True)
        assert entry.continuity.found == []

    played(scenario)


def test_what_was_settled_for_nobody_is_not_told():
    async def scenario(stage):
        await stage.live(TRADES)
        told = len(stage.app.told)
        gap = say.Gap(MIDS, 1, 2, "recovered", 0, Cause.NETWORK)
        stage.supervisor._carry_out(do.CloseGap(gap, 0))
        stage.supervisor._carry_out(do.Release(MIDS))

        assert len(stage.app.told) == told
        assert stage.app.delivered == []

    played(scenario)


# Loops


def test_a_loop_that_was_closed_under_it_is_given_up_and_another_one_serves():
    stages = []

    async def first():
        stage = Stage()
        await stage.live(TRADES)
        stages.append(stage)

    async def second():
        (stage,) = stages
        supervisor, stage.loop = stage.supervisor, asyncio.get_running_loop()
        assert stage.session.state is State.LIVE
        supervisor.abandon()
        assert stage.session.state is State.CLOSED
        assert supervisor.loop is None

        stage.venue.peers.clear()
        supervisor.attach(stage.loop)
        await stage.live()
        assert stage.venue.peer.asked() == ["trades"]
        await stage.close()

    for main in (first, second):
        loop = VirtualTimeLoop()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()


def test_an_hour_of_outages_is_the_same_hour_again():
    async def hour(stage, seed):
        rng = Random(seed)
        await stage.live(TRADES, MIDS)
        story = []
        while stage.loop.time() < 3600:
            await asyncio.sleep(rng.uniform(1, 60))
            if stage.session.state is State.LIVE:
                stage.frame(mids(str(stage.loop.time())))
                getattr(stage.venue.peer.connection, rng.choice(["close", "abort"]))()
            if rng.random() < 0.3:
                stage.venue.script = [ConnectFailedError("tcp", "refused")] * 3
        story += [str(notice) for notice in stage.app.told]
        story += stage.venue.opens
        return story

    def play(seed):
        return played(lambda stage: hour(stage, seed), policy=Policy())

    assert play(1) == play(1)
    assert play(1) != play(2)
