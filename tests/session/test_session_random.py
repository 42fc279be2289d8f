"""Whatever happens, in whatever order: the promises that hold for every run."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import inf, isfinite
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from bistoury.session import notices as say
from bistoury.session.breaker import Breaker
from bistoury.session.budget import Window
from bistoury.session.model import Heals
from bistoury.session.state import CONNECTED, TRANSITIONS


def feed(name, promise, heals, params=(), **traits):
    return Subscription(name, params), Traits(name, promise, heals=heals, **traits)


PERIODIC, EVENT, SPARSE = Promise.PERIODIC, Promise.EVENT, Promise.SPARSE
ROWS = {"memory": 5, "is_lossless": True}
FEEDS = [
    feed("mids", PERIODIC, Heals.ITSELF, greets=True),
    feed("trades", EVENT, Heals.REPLAY, replays=True, **ROWS),
    feed("fills", SPARSE, Heals.REQUEST, greets=True, user="0xa", **ROWS),
    feed("notes", SPARSE, Heals.NEVER, user="0xa", is_lossless=True),
    feed("book", PERIODIC, Heals.ITSELF, (("figures", 2),)),
    feed("book", PERIODIC, Heals.ITSELF, (("figures", 5),)),
]

# A number of a connection, counted back from the current one: mostly the current.
ages = st.sampled_from([0, 0, 0, 0, 1, -1])
feeds = st.sampled_from(FEEDS)
pauses = st.sampled_from([0.0, 0.0, 0.001, 0.5, 1.0, 5.0, 24.0, 60.0, 600.0])
policies = st.sampled_from(
    [
        Policy(),
        Policy(auto_reconnect=False),
        Policy(message_timeout=2.0, watchdog_cap=1),
        Policy(backoff=Backoff(90.0, 60.0, 1.0, 0.0), retry_after_limit=5.0),
    ]
)
messages = st.one_of(
    st.just(Pong()),
    st.builds(lambda one, ok: Acknowledged(ok, one[0].fields), feeds, st.booleans()),
    st.builds(
        lambda one, ok: VenueError(Complaint.REFUSED, "no", one[0].fields, ok),
        feeds,
        st.booleans(),
    ),
    st.builds(lambda kind: VenueError(kind, "no"), st.sampled_from(Complaint)),
)
happenings = st.one_of(
    st.just(("connect",)),
    st.just(("close",)),
    st.just(("reconnect",)),
    st.tuples(st.just("policy"), policies),
    st.tuples(st.just("want"), feeds),
    st.tuples(st.just("release"), feeds),
    st.tuples(st.just("opened"), ages),
    st.tuples(
        st.just("lost"),
        ages,
        st.sampled_from(Cause),
        st.sampled_from([None, 0.0, 20.0, 1e9]),
    ),
    st.tuples(st.just("message"), ages, messages),
    st.tuples(st.just("data"), ages, feeds, st.integers(1, 9)),
    st.tuples(st.just("backfilled"), st.booleans(), st.booleans(), st.integers(0, 9)),
    st.tuples(st.just("doubt"), ages),
    st.just(("ask",)),
    st.tuples(st.just("tick"), st.sampled_from([0.0, 0.0, 0.0, 0.01, 7.0, 600.0])),
    st.tuples(st.just("early"), st.just(0.0)),
    st.tuples(st.just("wall"), st.sampled_from([-3_600.0, 6.0, 3_600.0])),
)


class Run:
    """Plays happenings on a session and watches what it asks for."""

    def __init__(self, **options):
        self.session = Session(rng=Random(7), **options)
        self.now, self.wall = 0.0, 1_790_000_000.0
        self.journal = []
        self.effects = []
        self.open = 0  # the number of the connection that is open or opening
        self.opens = []
        self.waits = []
        self.reads = []
        self.frames = 0
        self.gaps = {}  # the state of the gap of each subscription, as it was told

    def feed(self, event):
        self.journal.append((self.now, event))
        effects = self.session.handle(event, self.now)
        self.effects.append(effects)
        for effect in effects:
            self.check(effect)
        if isinstance(event, on.TimePassed):
            assert self.session.deadline > self.now

    def check(self, effect):
        """Hold the session to what it promises about each effect."""
        session = self.session
        match effect:
            case do.OpenConnection(number):
                assert self.open == 0, "one connection at a time"
                assert number == session.connection_id
                self.open = number
                self.opens.append((number, self.now))
            case do.DropConnection(number):
                assert number == self.open
                self.open = 0
            case do.SendPing() | do.SendSubscribe() | do.SendUnsubscribe():
                assert self.open == session.connection_id
            case do.Announce(notice):
                if type(notice).__name__ == "StateChanged":
                    assert TRANSITIONS[notice.old][notice.because] is notice.new
                if type(notice).__name__ == "Reconnecting":
                    self.waits.append(notice.delay_seconds)
                if isinstance(notice, say.Gap):
                    assert notice.status == "open"
                    assert notice.until is None
                    self.gaps[notice.subscription] = notice
            case do.Backfill(subscription):
                assert session.registry.entries[subscription].gap is not None
                self.reads.append(effect)
            case do.Release(subscription):
                session.registry.entries[subscription].continuity.release()
            case do.CloseGap(notice):
                assert notice.status in ("recovered", "unrecoverable")
                assert notice.since <= notice.until

    def play(self, happening):
        session, number = self.session, self.session.connection_id
        match happening:
            case ("connect",):
                self.feed(on.ConnectRequested())
            case ("close",):
                self.feed(on.CloseRequested())
            case ("reconnect",):
                self.feed(on.ReconnectRequested("user"))
            case ("policy", policy):
                self.feed(on.PolicyChanged(policy))
            case ("want", (subscription, traits)):
                self.feed(on.SubscribeRequested(subscription, traits))
            case ("release", (subscription, _)):
                self.feed(on.UnsubscribeRequested(subscription))
            case ("opened", age):
                if session.state in (State.CONNECTING, State.CLOSING) or age:
                    self.feed(on.ConnectionOpened(number - age))
            case ("lost", age, cause, retry_after):
                if age == 0:
                    self.open = 0
                lost = on.ConnectionLost(number - age, cause, None, "", retry_after)
                self.feed(lost)
            case ("message", age, message):
                self.feed(on.MessageReceived(number - age, message))
            case ("data", age, (subscription, traits), key):
                self.data(number - age, subscription, traits, key)
            case ("backfilled", failed, complete, found):
                self.backfilled(failed, complete, found)
            case ("doubt", age):
                self.feed(on.LossSuspected(number - age))
            case ("ask",):
                self.feed(on.RequestSent())
            case ("tick", late):
                if isfinite(session.deadline):
                    self.now = max(self.now, session.deadline) + late
                    self.feed(on.TimePassed(self.now + self.wall))
            case ("early", _):
                self.feed(on.TimePassed(self.now + self.wall))
            case ("wall", step):
                self.wall += step

    def data(self, number, subscription, traits, at):
        self.frames += 1
        update = Update(traits.route, str(self.frames).encode())
        if traits.memory:
            update.keep([(at, at, at)])
            update.oldest = update.time = at
            update.seen = 1
        entry = self.session.admit(number, update, self.now)
        if entry is not None:
            assert self.session.state in CONNECTED
            assert number == self.session.connection_id
            assert entry.is_wanted
            if not entry.is_speaking:
                name = entry.subscription
                self.feed(on.DataStarted(number, name, update.oldest, update.time, 1))

    def backfilled(self, failed, complete, found):
        """Answer the oldest read, as long as it is about a gap that is open."""
        while self.reads:
            wanted = self.reads.pop(0)
            entry = self.session.registry.entries.get(wanted.subscription)
            if entry and entry.gap and entry.gap.number == wanted.number:
                name, number = wanted.subscription, wanted.number
                done = on.BackfillDone(name, number, failed, complete, found, found)
                self.feed(done)
                return


# Three times what the profile asks for: these find the most.
MORE = settings(max_examples=3 * settings().max_examples)


@pytest.mark.parametrize("gate", [False, True], ids=["reports", "gate"])
@MORE
@given(st.lists(st.tuples(pauses, happenings), max_size=60))
def test_no_course_of_events_breaks_a_promise(gate, story):
    run = Run(
        connections=Window(5),
        messages=Window(12),
        breaker=Breaker(2, 30.0),
        breaker_is_gate=gate,
    )
    for pause, happening in story:
        run.now = min(run.now + pause, max(run.now, run.session.deadline))
        run.play(happening)

    numbers = [number for number, _ in run.opens]
    assert numbers == list(range(1, len(numbers) + 1))
    for _, at in run.opens:
        assert sum(at <= other < at + 60.0 for _, other in run.opens) <= 5
    # Seconds that the venue named may be longer: bounded, and spread upwards.
    assert all(0.0 <= wait <= 900.0 * 1.25 for wait in run.waits)


@given(st.lists(st.tuples(pauses, happenings), max_size=60))
def test_a_journal_replays_to_the_same_effects(story):
    run = Run()
    for pause, happening in story:
        run.now += pause
        if happening[0] != "data":  # data takes the fast lane, past the journal
            run.play(happening)

    again = Session(rng=Random(7))
    decode = msgspec.json.Decoder(tuple[float, on.Event]).decode
    for entry, effects in zip(run.journal, run.effects, strict=True):
        now, event = decode(msgspec.json.encode(entry))
        assert again.handle(event, now) == effects


@given(
    st.floats(0.001, 600.0),
    st.floats(0.001, 600.0),
    st.floats(1.0, 100.0),
    st.lists(
        st.sampled_from([Cause.NETWORK, Cause.RATE_LIMITED, Cause.DNS]), max_size=40
    ),
    st.integers(0, 99),
)
def test_no_delay_exceeds_the_cap_by_more_than_the_jitter(
    initial, maximum, factor, causes, seed
):
    policy = Policy(backoff=Backoff(initial, maximum, factor))
    session, now = Session(policy, Random(seed), connections=Window(10**9)), 0.0
    session.handle(on.ConnectRequested(), now)
    for cause in causes:
        while session.state is State.BACKOFF:
            now = session.deadline
            session.handle(on.TimePassed(now), now)
        lost = on.ConnectionLost(session.connection_id, cause)
        (wait,) = [
            effect.notice.delay_seconds
            for effect in session.handle(lost, now)
            if isinstance(effect, do.Announce) and hasattr(effect.notice, "attempt")
        ]
        assert 0.0 < wait <= 1.25 * maximum * (1 + 1e-9)


# F44: subscribe, unsubscribe, subscribe again, inside the latency of the answers


class Venue:
    """Handles requests in order and answers in order, as slowly as it is told to."""

    def __init__(self):
        self.held = set()
        self.requests = deque()
        self.answers = deque()

    def handle(self):
        if self.requests:
            wanted, fields = self.requests.popleft()
            key = tuple(sorted(fields.items()))
            (self.held.add if wanted else self.held.discard)(key)
            # "Already subscribed" and "Already unsubscribed" come out of the wire
            # as acknowledgements too; defaults are added on the way.
            self.answers.append(Acknowledged(wanted, {**fields, "added": True}))


class Quarrel:
    """One session, one venue, and an application that cannot make up its mind."""

    def __init__(self):
        self.session = Session(rng=Random(0), connections=Window(10**9))
        self.venue = Venue()
        self.now = 0.0
        self.wanted = {}
        self.feed(on.ConnectRequested())

    def feed(self, event):
        for effect in self.session.handle(event, self.now):
            match effect:
                case do.OpenConnection(number):
                    self.venue = Venue()
                    self.feed(on.ConnectionOpened(number))
                case do.SendSubscribe(subscription):
                    self.venue.requests.append((True, subscription.fields))
                case do.SendUnsubscribe(subscription):
                    self.venue.requests.append((False, subscription.fields))

    def want(self, one):
        subscription, traits = one
        # The client refuses a second subscription whose frames look the same.
        if self.wanted.get(traits.route, subscription) == subscription:
            self.wanted[traits.route] = subscription
            self.feed(on.SubscribeRequested(subscription, traits))

    def release(self, one):
        subscription, traits = one
        if self.wanted.get(traits.route) == subscription:
            del self.wanted[traits.route]
            self.feed(on.UnsubscribeRequested(subscription))

    def answer(self):
        if self.venue.answers:
            message = self.venue.answers.popleft()
            self.feed(on.MessageReceived(self.session.connection_id, message))

    def lose_answer(self):
        if self.venue.answers:
            self.venue.answers.popleft()

    def wait(self, seconds):
        until = self.now + seconds
        while self.session.deadline <= until:
            self.now = self.session.deadline
            self.feed(on.MessageReceived(self.session.connection_id, Pong()))
            for route in self.wanted:
                update = Update(route, b"")
                self.session.admit(self.session.connection_id, update, self.now)
            self.feed(on.TimePassed(self.now))
        self.now = until

    def cut(self):
        self.feed(on.ConnectionLost(self.session.connection_id, Cause.NETWORK))
        self.wait(75.0)

    def settle(self):
        """Let everything under way come to its end, lost answers included."""
        for _ in range(6):
            while self.venue.requests or self.venue.answers:
                self.venue.handle()
                self.answer()
            self.wait(5.0)


moves = st.one_of(
    st.tuples(st.just("want"), feeds),
    st.tuples(st.just("want"), feeds),
    st.tuples(st.just("release"), feeds),
    st.tuples(st.just("release"), feeds),
    st.just(("handle",)),
    st.just(("answer",)),
    st.just(("lose",)),
    st.just(("wait",)),
    st.just(("cut",)),
)


@MORE
@given(st.lists(moves, max_size=50))
def test_the_venue_holds_what_was_wanted_last_whatever_the_interleaving(story):
    it = Quarrel()
    for move in story:
        match move:
            case ("want", one):
                it.want(one)
            case ("release", one):
                it.release(one)
            case ("handle",):
                it.venue.handle()
            case ("answer",):
                it.answer()
            case ("lose",):
                it.lose_answer()
            case ("wait",):
                it.wait(5.0)
            case ("cut",):
                it.cut()
    it.settle()

    wanted = {tuple(sorted(s.fields.items())) for s in it.wanted.values()}
    assert it.venue.held == wanted
    assert it.session.state is State.LIVE
    assert it.session.registry.held == len(wanted)
    assert set(it.session.registry.entries) == set(it.wanted.values())
    assert it.session.deadline < inf


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=12))
def test_every_quarrel_about_one_feed_ends_with_the_last_word(story):
    it, one = Quarrel(), FEEDS[0]
    for wants, progress in story:
        (it.want if wants else it.release)(one)
        for _ in range(progress):
            it.venue.handle()
            it.answer()
    it.settle()

    assert bool(it.venue.held) is bool(story and story[-1][0])


def test_delays_grow_monotonously_between_two_stable_connections():
    session, now, waits = Session(Policy(backoff=Backoff(jitter=0.0))), 0.0, []
    session.handle(on.ConnectRequested(), now)
    for _ in range(8):
        while session.state is State.BACKOFF:
            now = session.deadline
            session.handle(on.TimePassed(now), now)
        session.handle(on.ConnectionOpened(session.connection_id), now)
        now += 3.0
        session.handle(on.ConnectionLost(session.connection_id, Cause.NETWORK), now)
        waits.append(session.retry_at - now)

    assert all(a <= b for a, b in pairwise(waits))
