"""How long each coin's data could not be traded on, since it first could."""

from __future__ import annotations

from .events import Event, FeedChanged


class Degraded:
    """Adds up the time between changes of feeds; times are venue ms."""

    def __init__(self) -> None:
        self.since: dict[str, int] = {}
        """By coin: when its data could first be traded on."""
        self._state: dict[str, tuple[str, int]] = {}
        self._spent: dict[str, dict[str, int]] = {}

    def restart(self, at: int) -> None:
        """Begin to add up anew; how things stand is known."""
        self.since = dict.fromkeys(self.since, at)
        self._state = {coin: (state, at) for coin, (state, _) in self._state.items()}
        self._spent = {}

    def see(self, event: Event) -> None:
        """Hear a fact."""
        if not isinstance(event, FeedChanged):
            return
        coin = event.coin
        if coin in self.since:
            self._spent[coin] = self._of(coin, event.at)
        elif event.state == "live":
            self.since[coin] = event.at
        self._state[coin] = (event.state, event.at)

    def spent(self, until: int) -> dict[str, dict[str, int]]:
        """Return by coin how many ms were spent in each state that is not live."""
        return {coin: self._of(coin, until) for coin in self.since}

    def _of(self, coin: str, until: int) -> dict[str, int]:
        spent = dict(self._spent.get(coin, {}))
        state, since = self._state[coin]
        if state != "live":
            spent[state] = spent.get(state, 0) + until - since
        return spent
