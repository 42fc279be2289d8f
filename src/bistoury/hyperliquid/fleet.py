"""
All the lines of one client: which subscription goes over which.

Feeds that one socket cannot tell apart go to another one. With several shards,
users' feeds have one of their own and the market's are spread over the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..errors import SubscriptionLimitError
from ..session import Policy, State, Subscription
from ..session import events as on
from ..session.model import Traits
from ..session.registry import Entry
from .group import Group
from .line import Line

RESTING = (State.IDLE, State.CLOSED)


class MakesLines(Protocol):
    """Makes a line for a group; new ones live by ``policy``."""

    policy: Policy

    def __call__(self, group: Group) -> Line:
        """Make a line."""
        ...


class Fleet:
    """Every line; speaks to them as one."""

    def __init__(
        self,
        make_line: MakesLines,
        may_grow: Callable[[], bool],
        *,
        shards: int,
        redundancy: int,
    ) -> None:
        self._make_line = make_line
        self._may_grow = may_grow
        self._redundancy = redundancy
        self._shards = shards
        self.groups: list[Group] = []
        for _ in range(shards):
            self._add_group()

    # As one

    @property
    def lines(self) -> list[Line]:
        """Every line."""
        return [line for group in self.groups for line in group.lines]

    @property
    def lead(self) -> Line:
        """The line that shows how things are: of the worst group, its best."""
        leads = [group.lead for group in self._counting]
        return min(leads, key=lambda line: line.session.state.rank)

    @property
    def _counting(self) -> list[Group]:
        return [group for group in self.groups if group.counts]

    @property
    def is_live(self) -> bool:
        """Whether everything wanted is granted on some line."""
        return all(group.is_live for group in self._counting)

    @property
    def is_resting(self) -> bool:
        """Whether no line does anything."""
        return all(line.session.state in RESTING for line in self.lines)

    @property
    def is_ready(self) -> bool:
        """Whether all is granted and has spoken, where the venue speaks at once."""
        return all(any(map(_is_ready, group.lines)) for group in self.groups)

    @property
    def is_proven(self) -> bool:
        """Whether all was granted over connections that are proven to work."""
        return all(
            any(line.session.is_ready for line in group.lines) for group in self.groups
        )

    @property
    def due(self) -> set[Subscription]:
        """What is wanted and granted on no line."""
        return set().union(*(group.due for group in self.groups))

    @property
    def policy(self) -> Policy:
        """How patient every line is."""
        return self._make_line.policy

    def feed(self, event: on.Event) -> None:
        """Let something happen to every line."""
        if isinstance(event, on.PolicyChanged):
            self._make_line.policy = event.policy  # for lines yet to be made
        for line in self.lines:
            line.supervisor.feed(event)

    # Subscriptions

    def relieve(self, group: Group) -> Line:
        """Add a line to a group that asks for what the others carry."""
        line = self._make_line(group)
        for subscription, traits in group.wanted.items():
            line.supervisor.feed(on.SubscribeRequested(subscription, traits))
            refused = group.refused(subscription)
            if refused is not None:
                line.session.registry.recall(refused)
        group.lines.append(line)
        return line

    def group_of(self, subscription: Subscription) -> Group | None:
        """Return who carries a subscription, if anyone does."""
        for group in self.groups:
            if subscription in group.wanted:
                return group
        return None

    def entry(self, subscription: Subscription) -> Entry | None:
        """Return how a subscription stands."""
        group = self.group_of(subscription)
        return None if group is None else group.entry(subscription)

    def entries(self) -> dict[Subscription, Entry]:
        """Return how every wanted subscription stands."""
        return {
            subscription: entry
            for group in self.groups
            for subscription in list(group.wanted)
            if (entry := group.entry(subscription)) is not None
        }

    def want(self, subscription: Subscription, traits: Traits) -> None:
        """
        Subscribe, over a line that can carry it.

        Raises:
            SubscriptionLimitError: every line carries something it could not be told
                from, and the venue allows no further connection.
        """
        group = self.group_of(subscription) or self._place(subscription, traits)
        group.want(subscription, traits)

    def release(self, subscription: Subscription) -> None:
        """Unsubscribe; a line nobody needs any more goes too."""
        group = self.group_of(subscription)
        if group is None:
            return
        group.release(subscription)
        if not group.wanted and self.groups.index(group) >= self._shards:
            self.groups.remove(group)
            group.feed(on.CloseRequested())

    def _place(self, subscription: Subscription, traits: Traits) -> Group:
        free = [group for group in self._suitable(traits) if _has_room(group, traits)]
        if free:
            return min(free, key=lambda group: len(group.wanted))
        for group in self.groups[self._shards :]:
            if _has_room(group, traits):
                return group
        if not self._may_grow():
            raise SubscriptionLimitError(
                subscription,
                "its frames could not be told from those of another subscription, and"
                " no further connection is allowed",
            )
        # One more subscription does not end being live, so neither does the connection
        # that it takes, unless that turns out to be in trouble.
        was_live = self.is_live
        group = self._add_group()
        group.counts = not was_live
        return group

    def _suitable(self, traits: Traits) -> list[Group]:
        shards = self.groups[: self._shards]
        if len(shards) == 1:
            return shards
        return shards[:1] if traits.user else shards[1:]

    def _add_group(self) -> Group:
        group = Group()
        for _ in range(self._redundancy):
            group.lines.append(self._make_line(group))
        self.groups.append(group)
        return group

    def of(self, line: Line) -> Group | None:
        """Return the group of a line, unless it is gone."""
        return next((group for group in self.groups if line in group.lines), None)


def _has_room(group: Group, traits: Traits) -> bool:
    return all(traits.route != other.route for other in group.wanted.values())


def _is_ready(line: Line) -> bool:
    session = line.session
    registry = session.registry
    return session.is_ready and not registry.due and not registry.mute
