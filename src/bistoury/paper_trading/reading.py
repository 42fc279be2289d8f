"""What can be read of an engine: its facts as they come, and what they add up to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

from ..errors import ConfigError
from .accounts import Accounts
from .events import Event
from .journal import JournalError, read
from .report import explain, report
from .settings import PaperConfig
from .telling import Telling
from .writer import Writer


class Reading:
    """Reads; changes nothing."""

    paper: PaperConfig
    _accounts: Accounts
    _facts: list[Event]
    _journal_path: str | os.PathLike[str] | None
    _telling: Telling
    _refused: ConfigError | JournalError | None
    _writer: Writer | None

    @property
    def trouble(self) -> str:
        """Why nothing can be done until somebody helps; empty while all is well."""
        failed = self._writer.error if self._writer is not None else None
        return str(failed or self._refused or "")

    def on(self, event_name: str, handler: Callable[[Any], Any]) -> Callable[[], None]:
        """
        Let ``handler`` hear of events; return what takes it back.

        Names: ``order``, ``fill``, ``reject``, ``funding``, ``liquidation`` and
        ``feed_state``. Everything told was written down before.
        """
        return self._telling.on(event_name, handler)

    def events(self) -> AsyncIterator[Event]:
        """Return an async iterator over all facts from now on; ends with ``stop``."""
        return self._telling.events()

    def facts(self) -> list[Event]:
        """Return every fact there is: of the journal, or since this engine was made."""
        if self._journal_path is not None:
            return read(self._journal_path)
        return list(self._facts)

    def report(self, account: str = "main") -> dict[str, Any]:
        """Return what came of it; see ``bistoury.paper_trading.report``."""
        if account not in self._accounts.by_name:
            self._refuse_account(account)
        return report(self.facts(), account)

    def explain(self, tid: int) -> dict[str, Any]:
        """
        Return why a fill was made, by the number of its trade.

        Raises:
            ConfigError: there is no such fill.
        """
        try:
            return explain(self.facts(), tid)
        except KeyError:
            raise ConfigError("fill", tid, "the tid of a fill") from None

    def _refuse_account(self, account: str) -> NoReturn:
        known = ", ".join(sorted(self._accounts.by_name))
        raise ConfigError("account", account, f"one of {known}")
