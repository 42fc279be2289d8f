"""What goes to stdout."""

from __future__ import annotations

import io
import json
import sys

import pytest

from bistoury.cli.output import StatusLine, may_animate, write_json, write_line


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        return 0


def test_json_carries_its_version_first(capsys):
    write_json({"ok": True})

    assert capsys.readouterr().out == '{"v":1,"ok":true}\n'


def test_json_can_be_indented(capsys):
    write_json({"ok": True}, indent=2)

    shown = capsys.readouterr().out
    assert json.loads(shown) == {"v": 1, "ok": True}
    assert "\n  " in shown


def test_writes_lines(capsys):
    write_line("a")

    assert capsys.readouterr().out == "a\n"


@pytest.mark.parametrize(
    ("term", "may"), [("xterm", True), ("dumb", False), ("", False)]
)
def test_animates_only_where_a_line_can_be_drawn_over(monkeypatch, term, may):
    monkeypatch.setenv("TERM", term)

    assert may_animate(Terminal()) is may
    assert not may_animate(io.StringIO())


def test_a_status_line_is_cut_to_the_width_and_taken_away(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(
        "os.get_terminal_size", lambda _: __import__("os").terminal_size((10, 5))
    )
    line = StatusLine()

    line.show("x" * 50)
    line.clear()
    line.clear()

    assert terminal.getvalue() == "\r\x1b[2K" + "x" * 9 + "\r\x1b[2K"


def test_a_status_line_in_a_log_is_nothing(capsys):
    line = StatusLine()

    line.show("x")
    line.clear()

    assert capsys.readouterr().err == ""
