"""How things are, for users: statistics, health, and whether data may be acted on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from ..config import Config
from ..dispatcher import Dispatcher
from ..errors import StaleDataError
from ..mailbox import Mailbox
from ..observability import health
from ..observability.chronicle import Chronicle
from ..observability.incidents import Moment
from ..observability.monitor import Monitor
from ..observability.snapshot import About
from ..observability.tally import Tally
from ..observability.verdict import verdict_of
from ..observability.window import Window
from ..session import Session, Subscription
from ..session.clocks import venue_time
from ..session.registry import Entry
from ..supervisor import Supervisor
from . import feeds, validate
from .auditor import Auditor
from .claims import Claims
from .handles import SubscriptionHandle
from .limits import Account
from .residing import Residing, at_home


class Viewing(Residing):
    """Reads; changes nothing."""

    config: Config
    _dispatcher: Dispatcher
    _monitor: Monitor
    _account: Account
    _claims: Claims
    _auditor: Auditor

    def get_reconnection_stats(self) -> dict[str, Any]:
        """Return the state of the connection; from any thread."""
        return health.reconnection_stats(self._view())

    @at_home
    async def get_connection_health(self) -> dict[str, Any]:
        """Return how well the connection does, with reasons if it does not."""
        self._check_loop()
        return health.connection_health(self._view())

    def require_fresh(
        self,
        subscription: Mapping[str, Any] | Subscription | SubscriptionHandle,
        max_age: float,
    ) -> None:
        """
        Make sure that the newest data of a subscription may be acted on.

        Its age counts from when it happened at the venue, as far as that is known.

        Raises:
            ConfigError: ``max_age`` is no number of seconds.
            StaleDataError: it is older than ``max_age`` seconds, has a gap or is not
                live.
        """
        max_age = validate.seconds(max_age, "max_age")
        wanted = subscription_of(subscription)
        entry = self._fleet.entry(wanted)
        age = None
        if entry is not None:
            age = health.data_age(entry, self._sessions, self.now())
        is_sound = (
            entry is not None
            and self._fleet.is_live
            and self.state_of(entry) in ("live", "late")
        )
        if not is_sound or age is None or age > max_age:
            raise StaleDataError(wanted, age, max_age)

    @abstractmethod
    def gave_up(self, subscription: Subscription) -> None:
        """Hear that nobody wants a feed any more."""

    def state_of(self, entry: Entry) -> str:
        """Return where a subscription stands, in one word."""
        return self._session.conversation.freshness.state(entry, self.now())

    def now(self) -> float:
        """Return the sessions' time, in seconds."""
        return self._supervisor.now()

    def _venue_now(self) -> int:
        """Return the venue's time, in milliseconds, as far as it is known."""
        offset = self._session.conversation.recovery.server_offset
        best = health.least_delay(self._sessions)
        return venue_time(self.now(), self._supervisor.wall(), best, offset)

    @property
    def _session(self) -> Session:
        """The session that shows how things are."""
        return self._fleet.lead.session

    @property
    def _supervisor(self) -> Supervisor:
        return self._fleet.lead.supervisor

    @cached_property
    def _chronicle(self) -> Chronicle:
        return Chronicle(
            lambda: verdict_of(self._view(is_brief=True)),
            lambda: Moment(self.now(), self._supervisor.wall()),
        )

    @cached_property
    def _tally(self) -> Tally:
        return Tally()

    @cached_property
    def _window(self) -> Window:
        from .. import __version__  # noqa: PLC0415 -- it imports all of this

        about = About(self.config.venue, self.config.ws_url, __version__)
        parts = self._chronicle, self._tally
        return Window(self._view, about, *parts, self._where_it_lives)

    def _where_it_lives(self, work: Callable[[], Any]) -> Any:
        """Return what ``work`` returns in the client's thread, if it has one."""
        if self._io is None or not self._io.is_elsewhere:
            return work()
        return self._io.call(work)

    @property
    def _sessions(self) -> list[Session]:
        return [line.session for line in self._fleet.lines]

    def _view(self, *, is_brief: bool = False) -> health.View:
        """Return what there is to see; briefly, without each subscription."""
        session = self._session
        return health.View(
            session=session,
            sessions=self._sessions,
            entries={} if is_brief else self._fleet.entries(),
            monitor=self._monitor,
            limits=self._account,
            now=self.now(),
            state=session.state,
            loop_lag=self._supervisor.loop_lag,
            is_attached=self._claims.is_active,
            audit={} if is_brief else self._auditor.totals(),
            readers=self._dispatcher.places(),
            due=self._fleet.due,
            is_ready=self._fleet.is_ready,
            queued=0 if is_brief else sum(it.depth for it in self._mailboxes()),
            conflated=0 if is_brief else sum(it.conflated for it in self._mailboxes()),
        )

    def _mailboxes(self) -> list[Mailbox[Any]]:
        boxes = self._dispatcher.outlets()
        return [box for box in boxes if isinstance(box, Mailbox)]


def subscription_of(
    given: Mapping[str, Any] | Subscription | SubscriptionHandle,
) -> Subscription:
    """Return the subscription that is meant."""
    if isinstance(given, SubscriptionHandle):
        return given.subscription
    return feeds.canonical(given.fields if isinstance(given, Subscription) else given)
