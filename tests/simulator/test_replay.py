from __future__ import annotations

import gzip
import json

import pytest

from bistoury.errors import ConfigError
from bistoury.simulator import Abort, Refusal, Replay, Send
from bistoury.simulator.faults import Cut, Refuse, Silent

START = 1_760_000_000.0
USER = "0x" + "ab" * 20


def trade(coin, tid):
    return {"channel": "trades", "data": [{"coin": coin, "tid": tid, "time": tid}]}


FRAMES = [
    (0.0, {"channel": "subscriptionResponse", "data": {}}),
    (1.0, trade("BTC", 1)),
    (2.0, trade("ETH", 2)),
    (3.0, {"channel": "candle", "data": {"s": "BTC", "i": "1m", "t": 1}}),
    (4.0, {"channel": "candle", "data": {"s": "BTC", "i": "1M", "t": 2}}),
    (5.0, {"channel": "user", "data": {"fills": []}}),
    (6.0, {"channel": "userFills", "data": {"user": USER, "fills": []}}),
    (7.0, {"channel": "activeSpotAssetCtx", "data": {"coin": "@107", "ctx": {}}}),
    (8.0, {"channel": "pong"}),
    (9.0, trade("BTC", 9)),
]


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / "frames.txt"
    lines = [
        f"{int(5e18 + at * 1e9)} {json.dumps(message)}\n" for at, message in FRAMES
    ]
    path.write_text("".join(lines))
    return path


def opened(replay, *bodies):
    number = replay.connect(START)
    for body in bodies:
        frame = json.dumps({"method": "subscribe", "subscription": body}).encode()
        replay.receive(number, frame, START)
    return number


def read(replay, seconds):
    replay.advance(START + seconds)
    return [json.loads(o.frame) for o in replay.take_output() if isinstance(o, Send)]


def test_a_recording_plays_at_its_pace(tape):
    replay = Replay(tape)
    opened(replay, {"type": "trades", "coin": "BTC"})

    first, then, last = read(replay, 0.0), read(replay, 7.9), read(replay, 8.1)

    assert [m["channel"] for m in first] == ["subscriptionResponse", "trades"]
    assert then == []
    assert last == [trade("BTC", 9)]
    assert replay.finished


def test_speed_shortens_it(tape):
    replay = Replay(tape, speed=10.0)
    opened(replay, {"type": "trades", "coin": "BTC"})

    assert len(read(replay, 0.81)) == 3


@pytest.mark.parametrize(
    ("body", "channels"),
    [
        ({"type": "trades", "coin": "ETH"}, ["trades"]),
        ({"type": "candle", "coin": "BTC", "interval": "1m"}, ["candle"]),
        ({"type": "userEvents", "user": USER}, ["user"]),
        ({"type": "userFills", "user": USER.upper().replace("X", "x")}, ["userFills"]),
        ({"type": "activeAssetCtx", "coin": "@107"}, ["activeSpotAssetCtx"]),
        ({"type": "bbo", "coin": "BTC"}, []),
    ],
)
def test_each_frame_goes_to_who_subscribed_to_it(tape, body, channels):
    replay = Replay(tape)
    opened(replay, body)

    ack, *rest = read(replay, 10.0)

    assert ack["data"]["subscription"]["type"] == body["type"]
    assert [m["channel"] for m in rest] == channels


def test_requests_are_answered_as_the_venue_would(tape):
    replay = Replay(tape)
    number = opened(
        replay, {"type": "bbo", "coin": "BTC"}, {"type": "bbo", "coin": "BTC"}
    )
    for text in (
        '{"method":"ping"}',
        "{",
        '{"method":"unsubscribe","subscription":{"type":"bbo","coin":"BTC"}}',
    ):
        replay.receive(number, text.encode(), START)

    messages = read(replay, 0.0)

    assert [m["channel"] for m in messages] == [
        "subscriptionResponse",
        "error",
        "pong",
        "error",
        "subscriptionResponse",
    ]
    assert messages[1]["data"] == 'Already subscribed: {"type":"bbo","coin":"BTC"}'
    assert messages[3]["data"] == "Error parsing JSON into valid websocket request: {"
    assert replay.subscriptions() == {number: set()}


def test_malformed_lines_are_counted_and_named(tape):
    with tape.open("a") as file:
        file.write('no stamp\n12 {\n13 {"a":1}\n\n')
    heard = []
    replay = Replay(tape, on_malformed=heard.append)
    opened(replay, {"type": "trades", "coin": "BTC"})
    read(replay, 10.0)

    assert replay.counters["malformed"] == 3
    assert [item.line for item in replay.malformed] == [11, 12, 13]
    assert heard == replay.malformed


def test_a_packed_recording_plays_and_a_torn_one_says_so(tape, tmp_path):
    packed = gzip.compress(tape.read_bytes())
    whole, torn = tmp_path / "frames.gz", tmp_path / "torn.gz"
    whole.write_bytes(packed)
    torn.write_bytes(packed[:-12])

    played = []
    for path in (whole, torn):
        replay = Replay(path)
        opened(replay, {"type": "trades", "coin": "BTC"})
        read(replay, 20.0)
        played.append((replay.counters["played"], replay.counters["malformed"]))

    assert played[0] == (8, 0)
    assert played[1][1] == 1


def test_a_loop_plays_again(tape):
    replay = Replay(tape, loop=True)
    opened(replay, {"type": "trades", "coin": "BTC"})

    assert len(read(replay, 30.0)) == 1 + 2 * 3 + 1


def test_faults_act_on_a_replay_too(tape):
    replay = Replay(tape)
    number = opened(replay, {"type": "trades", "coin": "BTC"})
    read(replay, 0.0)
    replay.inject(Silent(), START)
    silent = read(replay, 9.0)
    replay.heal(START + 9)
    replay.inject(Cut(), START + 9)

    assert silent == []
    assert replay.take_output() == [Abort(number, "rst")]
    replay.inject(Refuse(status=502), START + 9)
    assert replay.connect(START + 9) == Refusal(502)


@pytest.mark.parametrize("content", [None, b"", b"nothing here\n"])
def test_what_is_no_recording_is_refused(tmp_path, content):
    path = tmp_path / "bad"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match="replay"):
        Replay(path)


def test_a_speed_of_zero_is_refused(tape):
    with pytest.raises(ConfigError, match="speed"):
        Replay(tape, speed=0.0)
