"""What ``watch`` draws and what its keys do, without a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bistoury.cli.viewer import Viewer
from bistoury.cli.watch import keys_in


def row(name, state="live", **more):
    gaps = {"open": 0, "recovered": 0, "unrecoverable": 0}
    return {
        "name": name,
        "feed": name.partition("(")[0],
        "state": state,
        "age": 0.5,
        "rate": 1.0,
        "lag": None,
        "gaps": gaps,
        "messages": 7,
        "error": None,
    } | more


def incident(number, **more):
    return {
        "number": number,
        "kind": "outage",
        "title": f"connection {number} lost",
        "since": 1_795_000_000_000,
        "until": None,
        "seconds": 3.0,
        "fate": "1 gap open",
    } | more


def state(rows=(), incidents=(), status="ok", line="ok: all is live"):
    return {
        "network": "local",
        "url": "ws://127.0.0.1:8765/ws",
        "verdict": {"status": status, "line": line, "reasons": [], "off": False},
        "statistics": {
            "total_reconnects": 0,
            "gaps": {"open": 0, "recovered": 0, "unrecoverable": 0},
        },
        "health": {
            "state": "live",
            "uptime_seconds": 1.0,
            "messages_per_second": 3.0,
            "feed_lag_seconds": {"p50": None, "p99": 0.2},
            "limits": {"messages_per_minute": {"used": 1, "allowed": 2000}},
        },
        "last_ping_seconds": 0.01,
        "subscriptions": list(rows),
        "incidents": list(incidents),
        "incident_count": len(incidents),
    }


def drawn(viewer, width=80, height=24):
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(viewer.render(width, height), end="")
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    return lines


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (40, 12)])
@pytest.mark.parametrize("count", [0, 3, 1000])
def test_the_picture_fits_the_terminal(width, height, count):
    rows = [row(f"trades(coin=C{n})") for n in range(count)]
    viewer = Viewer(state(rows, [incident(1, title="x" * 300)] * 5))
    for keys in ("", "\t", "\r", "\x1b\x1b", "/zz"):
        for key in keys_in(keys):
            viewer.press(key)
        assert len(drawn(viewer, width, height)) == height


def test_the_worst_stands_first():
    rows = [row("a"), row("b", "refused"), row("c", "stale"), row("d", "late")]
    lines = drawn(Viewer(state(rows)))

    assert [line[0] for line in lines[4:8]] == ["b", "c", "d", "a"]


def test_keys_sort_and_turn():
    rows = [row("a", messages=1), row("b", messages=9), row("c", messages=5)]
    viewer = Viewer(state(rows))
    for _ in range(6):
        viewer.press("s")
    assert [line[0] for line in drawn(viewer)[4:7]] == ["b", "c", "a"]

    viewer.press("r")
    assert [line[0] for line in drawn(viewer)[4:7]] == ["a", "c", "b"]


def test_a_filter_is_typed_kept_and_cleared():
    rows = [row("trades(coin=BTC)"), row("bbo(coin=ETH)", "stale")]
    viewer = Viewer(state(rows))
    for key in keys_in("/btq\x7fc\r"):
        viewer.press(key)
    text = "\n".join(drawn(viewer))
    assert "trades(coin=BTC)" in text
    assert "bbo" not in text
    assert "1 of 2" in text
    assert not viewer.is_over  # the q was text

    viewer.press("escape")
    assert "bbo" in "\n".join(drawn(viewer))


def test_escape_while_typing_takes_the_filter_away():
    viewer = Viewer(state([row("trades(coin=BTC)"), row("bbo(coin=ETH)")]))
    for key in keys_in("/btc\x1b"):
        viewer.press(key)

    text = "\n".join(drawn(viewer))
    assert "bbo" in text
    assert "2 feeds" in text


def test_a_thousand_rows_can_be_walked_through():
    rows = [row(f"c{n:04}") for n in range(1000)]
    viewer = Viewer(state(rows))
    for _ in range(200):
        viewer.press("page down")
    text = "\n".join(drawn(viewer))

    assert "c0999" in text
    viewer.press("up")
    assert "c0998" in "\n".join(drawn(viewer))


def test_an_incident_is_chosen_opened_and_left():
    viewer = Viewer(state(incidents=[incident(2), incident(1)]))
    for key in ("tab", "down", "enter"):
        viewer.press(key)
    assert viewer.wanted_incident == 1
    viewer.account = incident(1) | {
        "steps": [{"at": 1_795_000_000_000, "text": "connection 1 lost"}],
        "steps_left_out": 4,
        "missed": [
            {
                "subscription": "trades(coin=BTC)",
                "since": 1_795_000_000_000,
                "until": None,
                "status": "unrecoverable",
                "recovered_count": 2,
            }
        ],
        "missed_left_out": 3,
    }
    text = "\n".join(drawn(viewer))
    assert "What happened" in text
    assert "lost for good" in text
    assert "4 steps in between" in text
    assert "and 3 more" in text

    viewer.press("escape")
    assert "newest first" in "\n".join(drawn(viewer))
    viewer.press("escape")
    assert "newest first" not in "\n".join(drawn(viewer))
    viewer.press("q")
    assert viewer.is_over


def test_what_is_old_says_so():
    viewer = Viewer(state([row("a")]))
    viewer.lose("http://127.0.0.1:1: refused")
    assert "this is old" in "\n".join(drawn(viewer))

    viewer.see(state([row("a")]))
    assert "this is old" not in "\n".join(drawn(viewer))


def test_what_a_terminal_sends_becomes_keys():
    assert list(keys_in("a\x1b[A\x1bOB\t\r\x1b")) == [
        *("a", "up", "down", "tab", "enter", "escape")
    ]
