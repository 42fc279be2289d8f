"""What the session's tests share: a driver that keeps the time and the answers."""

from __future__ import annotations

from math import inf
from random import Random

import pytest

from bistoury.session import (
    Acknowledged,
    Backoff,
    Cause,
    Complaint,
    Policy,
    Pong,
    Promise,
    Session,
    State,
    Subscription,
    Traits,
    Update,
    VenueError,
)
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session.model import Heals

WALL = 1_790_000_000.0
STEADY = Policy(backoff=Backoff(jitter=0.0))


def mids(dex=""):
    """Return a feed that speaks at intervals, greets, and has one frame per state."""
    params = (("dex", dex),) if dex else ()
    traits = Traits(f"allMids:{dex}", Promise.PERIODIC, greets=True, heals=Heals.ITSELF)
    return Subscription("allMids", params), traits


def trades(coin="BTC"):
    """Return a feed that speaks when something happens, and replays."""
    traits = Traits(
        f"trades:{coin}",
        replays=True,
        is_lossless=True,
        heals=Heals.REPLAY,
        memory=5_000,
    )
    return Subscription("trades", (("coin", coin),)), traits


def bbo(coin="BTC"):
    """Return a feed that speaks when something happens, and does not replay."""
    traits = Traits(f"bbo:{coin}", heals=Heals.ITSELF)
    return Subscription("bbo", (("coin", coin),)), traits


def fills(user="0xa"):
    """Return a user's feed: it greets with history, and is silent by rule."""
    traits = Traits(
        f"userFills:{user}",
        Promise.SPARSE,
        greets=True,
        user=user,
        is_lossless=True,
        heals=Heals.REQUEST,
        note="all is known",
        memory=5_000,
    )
    return Subscription("userFills", (("user", user),)), traits


def orders(user="0xa"):
    """Return a user's feed that says nothing by itself."""
    traits = Traits(
        "orderUpdates",
        Promise.SPARSE,
        user=user,
        is_lossless=True,
        heals=Heals.REQUEST,
        memory=5_000,
    )
    return Subscription("orderUpdates", (("user", user),)), traits


def notes(user="0xa"):
    """Return a feed whose past nobody keeps."""
    traits = Traits("notification", Promise.SPARSE, user=user, is_lossless=True)
    return Subscription("notification", (("user", user),)), traits


def frame(feed, *times, is_snapshot=False, time=0, body=b""):
    """Return a frame of ``feed``; each row is known by its venue time."""
    subscription, traits = feed
    update = Update(traits.route, body, is_snapshot=is_snapshot, time=time)
    update.message = {"channel": subscription.feed, "data": []}
    if traits.memory:
        update.keep([(at, at, f"row {at}") for at in times])
        update.oldest, update.time = min(times, default=0), max(times, default=0)
        update.seen = len(times)
    return update


class Driver:
    """A session, the clock it lives by, and what it asked for last."""

    def __init__(self, policy=STEADY, **options):
        options.setdefault("rng", Random(0))
        self.session = Session(policy, **options)
        self.now = 0.0
        self.wall = WALL
        self.effects = []
        self.story = []
        self.waits = []
        self.frames = 0
        self.delivered = []

    # Facts

    def feed(self, event, after=0.0):
        self.now += after
        self.effects = self.session.handle(event, self.now)
        self.story += [(self.now, effect) for effect in self.effects]
        self.waits += [it.delay_seconds for it in self.heard("Reconnecting")]
        for effect in self.did(do.Release):
            entry = self.registry.entries[effect.subscription]
            self.delivered += entry.continuity.release()
        return self

    def connect(self):
        return self.feed(on.ConnectRequested())

    def close(self):
        return self.feed(on.CloseRequested())

    def reconnect(self, reason="user"):
        return self.feed(on.ReconnectRequested(reason))

    def adopt(self, policy):
        return self.feed(on.PolicyChanged(policy))

    def want(self, *feeds):
        for subscription, traits in feeds:
            self.feed(on.SubscribeRequested(subscription, traits))
        return self

    def release(self, feed):
        return self.feed(on.UnsubscribeRequested(feed[0]))

    def opened(self, number=None):
        return self.feed(on.ConnectionOpened(number or self.session.connection_id))

    def lost(self, cause=Cause.NETWORK, number=None, **facts):
        number = number or self.session.connection_id
        return self.feed(on.ConnectionLost(number, cause, **facts))

    def hear(self, message, number=None):
        number = number or self.session.connection_id
        return self.feed(on.MessageReceived(number, message))

    def pong(self, number=None):
        return self.hear(Pong(), number)

    def ack(self, *feeds):
        for subscription, _ in feeds:
            self.hear(Acknowledged(True, subscription.fields))
        return self

    def unack(self, feed):
        return self.hear(Acknowledged(False, feed[0].fields))

    def refuse(self, feed, text="Invalid subscription", *, subscribed=True):
        fields = feed[0].fields
        return self.hear(VenueError(Complaint.REFUSED, text, fields, subscribed))

    def complain(self, kind, text="no", **facts):
        return self.hear(VenueError(kind, text, **facts))

    def doubted(self, event):
        """Say first what may have been missed before a frame."""
        self.feed(event)

    def data(self, feed, *times, number=None, is_snapshot=False, time=0, body=None):
        """Let a frame come as the supervisor would: admit, then tell of the first."""
        number = number or self.session.connection_id
        # Every frame is another one, else it would be known as a repetition.
        self.frames += 1
        body = str(self.frames).encode() if body is None else body
        update = frame(feed, *times, is_snapshot=is_snapshot, time=time, body=body)
        oldest, newest, rows = update.oldest, update.time, update.seen
        self.effects = []
        entry = self.session.admit(number, update, self.now)
        if entry is None and self.session.conversation.is_doubtful:
            self.doubted(on.LossSuspected(number, Cause.SILENT))
            entry = self.session.admit(number, update, self.now)
        if entry is not None and not entry.is_speaking:
            name = entry.subscription
            self.feed(on.DataStarted(number, name, oldest, newest, rows))
        self.admitted = entry
        if entry is not None and not update.is_void:
            self.delivered.append(update)
        return update

    def backfilled(self, wanted, *times, **facts):
        """Answer a read of the venue's history as the supervisor would."""
        feed = wanted.subscription, self.registry.entries[wanted.subscription].traits
        found = frame(feed, *times)
        found.is_snapshot = False
        self.registry.entries[wanted.subscription].continuity.found.append(found)
        facts.setdefault("oldest", found.oldest)
        facts.setdefault("newest", found.time)
        done = on.BackfillDone(wanted.subscription, wanted.number, **facts)
        return self.feed(done)

    # Time

    def tick(self, late=0.0):
        """Let the deadline come, and ``late`` seconds more."""
        return self.at(self.session.deadline + late)

    def at(self, now):
        """Let time pass at ``now``, whatever the deadline."""
        assert now < inf
        self.now = now
        return self.feed(on.TimePassed(self.now + self.wall))

    def until(self, now, meanwhile=lambda: None, every=inf):
        """Let each deadline come up to ``now``, and call ``meanwhile`` at intervals."""
        next_at = self.now + every
        while min(self.session.deadline, next_at) <= now:
            if next_at <= self.session.deadline:
                self.now = next_at
                meanwhile()
                next_at = self.now + every
            else:
                self.tick()
        self.now = now
        return self

    # Longer stretches

    def live(self, *feeds):
        """Bring it to live and ready on a first connection at the present moment."""
        self.want(*feeds).connect().opened().pong().ack(*feeds)
        for feed in feeds:
            if feed[1].greets:
                self.data(feed)
        assert self.session.state is State.LIVE
        assert self.session.is_ready
        return self

    def stable(self, *feeds):
        """Bring it to live, and let it last."""
        self.live(*feeds)
        return self.until(self.now + self.session.policy.stable_after)

    def backoff(self):
        """Bring it into back-off."""
        if self.session.state is State.IDLE:
            self.connect()
        return self.lost()

    # What came of it

    def did(self, kind):
        """Return the effects of the last event that are of one kind."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def heard(self, name):
        """Return the notices of the last event that have this name."""
        told = [effect.notice for effect in self.did(do.Announce)]
        return [notice for notice in told if type(notice).__name__ == name]

    def told(self, name):
        """Return the moments and notices of this name since the beginning."""
        return [
            (at, effect.notice)
            for at, effect in self.story
            if isinstance(effect, do.Announce) and type(effect.notice).__name__ == name
        ]

    def opens(self):
        """Return when connections were asked for."""
        return [
            at for at, effect in self.story if isinstance(effect, do.OpenConnection)
        ]

    def asked(self):
        """Return what the last event asked the venue for."""
        return [effect.subscription for effect in self.did(do.SendSubscribe)]

    @property
    def state(self):
        return self.session.state

    @property
    def deadline(self):
        return self.session.deadline

    @property
    def registry(self):
        return self.session.registry

    @property
    def conversation(self):
        return self.session.conversation


# Of the whole session, because hypothesis does not like fixtures made per test.


@pytest.fixture(scope="session")
def drive():
    return Driver


@pytest.fixture(scope="session")
def steady():
    """Return a policy without jitter."""
    return STEADY


class Feeds:
    mids = staticmethod(mids)
    trades = staticmethod(trades)
    bbo = staticmethod(bbo)
    fills = staticmethod(fills)
    orders = staticmethod(orders)
    notes = staticmethod(notes)
    frame = staticmethod(frame)


@pytest.fixture(scope="session")
def feeds():
    return Feeds
