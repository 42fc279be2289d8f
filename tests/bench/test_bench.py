"""The benchmark's own judgement: what it sends, what it measures, what it says of it."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET

import pytest

pytest.importorskip("bench", reason="the benchmarks are not in this checkout")

from bench import flood, inside, instructions, plots, report, stream
from bistoury.hyperliquid import feeds, wire
from bistoury.session import Update


def test_every_message_is_one_of_its_feed_and_none_is_like_another():
    begin_ms = 1_790_000_000_000
    found = list(stream.messages("mixed", 2000, begin_ms=begin_ms))
    wanted = {feeds.route(feeds.canonical(it)) for it in stream.subscriptions("mixed")}

    updates = [wire.decode(frame) for frame in found]
    assert all(isinstance(it, Update) for it in updates)
    assert {it.route for it in updates} == wanted
    assert len(set(found)) == len(found)
    keys = [(it.route, key) for it in updates for _, key, _ in it.items or ()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_says_how_long_it_is(size):
    payload = b"x" * size
    framed = flood.framed(payload)
    length = framed[1]

    assert framed.endswith(payload)
    if length == 126:
        length = int.from_bytes(framed[2:4], "big")
    elif length == 127:
        length = int.from_bytes(framed[2:10], "big")
    assert (framed[0], length) == (0x81, size)


@pytest.mark.parametrize("typed", [False, True])
def test_without_a_socket_the_same_client_gets_every_message(typed):
    seen = []
    frames = inside.frames("mixed", 300)
    subscriptions = stream.subscriptions("mixed")
    feed = inside.feed(frames, subscriptions, lambda _: seen.append, typed=typed)

    assert asyncio.run(feed) > 0
    assert len(seen) == 300


def cpu(**spans):
    return {"cpu": {"spans": {"mixed": spans}}}


@pytest.mark.parametrize(("ours", "verdict"), [(4.0, "met"), (4.2, "**missed**")])
def test_a_ratio_is_judged_round_by_round(ours, verdict):
    table = {
        "hyperliquid-python-sdk": [120.0, 240.0],
        "bistoury, dicts": [ours, 2 * ours],
    }
    [(_, promised, _, said)] = report.verdicts(cpu(**table))

    assert (promised, said) == ("≥ 30 \N{MULTIPLICATION SIGN}", verdict)


def test_what_was_not_measured_is_not_judged():
    assert report.verdicts({}) == []
    assert report.verdicts(cpu(**{"bistoury, dicts": [4.0]})) == []


def test_growth_leaves_slow_feeds_out():
    counts = {
        "bbo, 1 subscription": 100,
        "bbo, 1000 subscriptions": 116,
        "bbo, slow": 900,
    }
    [(_, _, said, verdict)] = report.verdicts({"growth": counts})

    assert said.startswith("+16.0%")
    assert verdict == "**missed**"


def test_more_instructions_than_recorded_are_a_failure(tmp_path, monkeypatch, capsys):
    path = tmp_path / "baselines.json"
    here = instructions.machine()
    path.write_text(json.dumps({"on": here, "instructions": {"a": 1000}}))
    monkeypatch.setattr(instructions, "BASELINES", path)

    assert instructions._compare(here, {"a": 1049}) == 0
    assert instructions._compare(here, {"a": 1051}) == 1
    assert instructions._compare(here, {"a": 1000, "b": 1}) == 1
    assert instructions._compare({**here, "python": "2.7"}, {"a": 9999}) == 0
    assert "not compared" in capsys.readouterr().out


def test_the_recorded_scenarios_are_those_that_run():
    recorded = json.loads(instructions.BASELINES.read_text())["instructions"]

    assert set(recorded) == set(instructions.SCENARIOS)


def test_a_plot_is_a_picture_with_a_line_for_each_series():
    series = {"dicts": {"1": 2.0, "10": 3.0}, "typed": {"1": 1.0, "10": 1.5}}
    picture = ET.fromstring(plots.lines(series, "levels", "µs"))

    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == 2
