"""What ``bistoury watch`` shows, and what its keys do; knows no terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from .picture import account, header, incident_line, subscription_table

_SORTS = ("state", "feed", "age", "rate", "lag", "gaps", "messages")
_WORST_FIRST = (
    *("refused", "failed", "stale", "recovering", "pending", "late", "live"),
)
_FEW_INCIDENTS = 3
_HEADER = 3
_LEAST_ROWS = 3


class Viewer:
    """A view that is drawn anew for every state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.is_over = False
        self.account: dict[str, Any] | None = None
        self.wanted_incident: int | None = None
        self._state = state
        self._sort = "state"
        self._is_reversed = False
        self._filter = ""
        self._is_typing = False
        self._is_on_incidents = False
        self._chosen = 0
        self._offset = 0
        self._trouble = ""

    def see(self, state: dict[str, Any]) -> None:
        """Take a newer state."""
        self._state, self._trouble = state, ""

    def lose(self, why: str) -> None:
        """Hear that there is none: what is shown grows old, and must say so."""
        self._trouble = why

    # Keys

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        if self._is_typing:
            self._type(key)
        elif key in {"q", "Q"}:
            self.is_over = True
        elif key == "s":
            at = _SORTS.index(self._sort)
            self._sort = _SORTS[(at + 1) % len(_SORTS)]
        elif key == "r":
            self._is_reversed = not self._is_reversed
        elif key == "/":
            self._is_typing, self._is_on_incidents = True, False
        elif key in {"tab", "i"}:
            self._is_on_incidents = not self._is_on_incidents
            self.wanted_incident, self._offset = None, 0
        elif key == "enter":
            self._open()
        elif key == "escape":
            self._back()
        else:
            self._move({"up": -1, "k": -1, "down": 1, "j": 1}.get(key, 0))
            self._move({"page up": -10, "page down": 10}.get(key, 0))

    def _type(self, key: str) -> None:
        if key in {"enter", "escape"}:
            self._is_typing = False
            self._filter = "" if key == "escape" else self._filter
        elif key == "backspace":
            self._filter = self._filter[:-1]
        elif len(key) == 1 and key.isprintable():
            self._filter += key
        self._offset = 0

    def _open(self) -> None:
        incidents = self._state["incidents"]
        self._is_on_incidents = True
        if incidents:
            self._chosen = min(self._chosen, len(incidents) - 1)
            self.wanted_incident = incidents[self._chosen]["number"]
            self.account, self._offset = None, 0

    def _back(self) -> None:
        if self.wanted_incident is not None:
            self.wanted_incident, self._offset = None, 0
        elif self._is_on_incidents:
            self._is_on_incidents = False
        else:
            self._filter, self._offset = "", 0

    def _move(self, by: int) -> None:
        if self._is_on_incidents and self.wanted_incident is None:
            last = max(0, len(self._state["incidents"]) - 1)
            self._chosen = min(max(0, self._chosen + by), last)
        else:
            self._offset = max(0, self._offset + by)

    # The picture

    def render(self, width: int, height: int) -> RenderableType:
        """Return the picture for a terminal of this size; never taller than it."""
        lines: list[RenderableType] = [_cut(it, width) for it in header(self._state)]
        if self._trouble:
            text = f"no word any more, this is old: {self._trouble}"
            lines[-1] = _cut(Text(text, "bold white on red"), width)
        room = height - len(lines) - 1
        if self.wanted_incident is not None:
            lines += self._account(width, room)
        elif self._is_on_incidents:
            lines += self._incidents(width, room)
        else:
            lines += self._subscriptions(width, room)
        return Group(*lines, self._footer(width))

    def _subscriptions(self, width: int, room: int) -> list[RenderableType]:
        rows = self._shown()
        incidents = self._state["incidents"][:_FEW_INCIDENTS]
        few = incidents if room - len(incidents) - 3 >= _LEAST_ROWS else []
        space = room - 1 - (len(few) + 1 if few else 0)
        self._offset = min(self._offset, max(0, len(rows) - space))
        part = rows[self._offset : self._offset + space]
        table = subscription_table(part, self._sort, is_reversed=self._is_reversed)
        found: list[RenderableType] = [table]
        found += [Text("")] * (space - len(part))
        if few:
            total = self._state["incident_count"]
            title = f"incidents: {total} since the start (Tab)"
            found.append(_cut(Text(title, "bold"), width))
            found += [_cut(incident_line(it), width) for it in few]
        return found

    def _incidents(self, width: int, room: int) -> list[RenderableType]:
        found: list[RenderableType] = [Text("incidents, newest first", "bold")]
        incidents = self._state["incidents"]
        if not incidents:
            found.append(Text("nothing has gone wrong since the client started"))
        first = max(0, min(self._chosen - (room - 2), len(incidents) - room + 1))
        for number, it in enumerate(incidents[first : first + room - 1], first):
            line = incident_line(it)
            if number == self._chosen:
                line.stylize("reverse")
            found.append(_cut(line, width))
        return _filled(found, room)

    def _account(self, width: int, room: int) -> list[RenderableType]:
        if self.account is None:
            return _filled([Text("…")], room)
        lines = [_cut(it, width) for it in account(self.account)]
        self._offset = min(self._offset, max(0, len(lines) - room))
        return _filled(lines[self._offset : self._offset + room], room)

    def _footer(self, width: int) -> Text:
        if self._is_typing:
            return _cut(Text(f"filter: {self._filter}▏ Enter keeps, Esc clears"), width)
        rows = self._shown()
        total = len(self._state["subscriptions"])
        shown = f"{len(rows)} of {total}" if self._filter else str(total)
        keys = "s sort r turn / filter Tab incidents Enter open Esc back q quit"
        return _cut(Text(f"{shown} feeds  {keys}", "reverse"), width)

    def _shown(self) -> list[dict[str, Any]]:
        words = self._filter.lower().split()
        rows = [
            row
            for row in self._state["subscriptions"]
            if all(it in f"{row['name']} {row['state']}".lower() for it in words)
        ]
        rows.sort(key=lambda row: row["name"])
        rows.sort(key=self._key, reverse=self._is_reversed)
        return rows

    def _key(self, row: dict[str, Any]) -> Any:
        """Return what to sort by: first what is likelier to be looked for."""
        match self._sort:
            case "feed":
                return row["name"]
            case "state":
                return _rank(_WORST_FIRST, row["state"])
            case "gaps":
                gaps = row["gaps"]
                return (-gaps["open"], -gaps["unrecoverable"], -gaps["recovered"])
            case column:
                value = row[column]
                return (value is None, -(value or 0))


def _rank(order: Iterable[str], word: str) -> int:
    ranks = {name: number for number, name in enumerate(order)}
    return ranks.get(word, len(ranks))


def _cut(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line


def _filled(lines: list[Any], room: int) -> list[RenderableType]:
    lines = lines[:room]
    return [*lines, *[Text("")] * (room - len(lines))]
