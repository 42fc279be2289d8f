"""No bytes crash the decoder or the session, hang them, or fill the memory."""

import gc
import importlib.util
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistoury.testing.virtual_time import run

HERE = Path(__file__).parent
MIB = 2**20
FOR_EACH_BYTE = 64
"""What a byte of a frame may cost in memory: ``{"":{}},`` is the dearest."""


def _load():
    path = HERE / "target.py"
    spec = importlib.util.spec_from_file_location("fuzz_target", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


target = _load()
MOUTH = target.Mouth()
OUTCOMES = {"refused", "unclaimed", "unreadable", "delivered", "answer"}
GOLDEN = target.golden()
CHANNELS = sorted({json.loads(it)["channel"] for it in GOLDEN})

numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, 1e308, -1e308]),
)
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["BTC", "ETH", target.USER, "1m", "1.5", "-", "NaN", "1e999"]),
)
NAMES = [
    *("coin", "user", "data", "time", "tid", "oid", "px", "sz", "fills", "side"),
    *("isSnapshot", "levels", "method", "subscription", "type", "t", "T", "i", "s"),
    *("order", "status", "statusTimestamp", "fundings", "hash", "delta", "mids"),
    *("nonFundingLedgerUpdates", "id", "response", "ctx", "userState", "spread"),
]
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(max_examples=400)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_read(data):
    assert MOUTH.eat(data) in OUTCOMES


@settings(max_examples=600)
@given(st.sampled_from(CHANNELS), values)
def test_any_json_under_a_known_channel_is_refused_or_read(channel, data):
    said = MOUTH.eat(json.dumps({"channel": channel, "data": data}).encode())
    assert said in OUTCOMES


@st.composite
def spoiled(draw):
    """A true frame with a few wounds."""
    frame = bytearray(draw(st.sampled_from(GOLDEN)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(frame)))
        how = draw(st.sampled_from(("cut", "put", "flip", "graft")))
        if how == "cut":
            del frame[at : at + draw(st.integers(1, 40))]
        elif how == "put":
            frame[at:at] = draw(
                st.binary(max_size=6)
                | st.sampled_from(
                    [b"null", b"[]", b"{}", b"1e999", b"\xff", b'"', b"-"]
                )
            )
        elif how == "flip" and at < len(frame):
            frame[at] ^= 1 << draw(st.integers(0, 7))
        else:
            other = draw(st.sampled_from(GOLDEN))
            frame[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(frame)


@settings(max_examples=600)
@given(spoiled())
def test_a_spoiled_frame_is_refused_or_read(frame):
    assert MOUTH.eat(frame) in OUTCOMES


def wrapped(data, channel=b"trades"):
    return b'{"channel":"' + channel + b'","data":' + data + b"}"


def row(**changes):
    """A trade of the golden frame, changed."""
    message = json.loads((target.GOLDEN / "trades.json").read_bytes())
    message["data"] = [message["data"][0] | {"coin": "BTC"} | changes]
    return json.dumps(message).encode()


HOSTILE = {
    "nested without end": wrapped(b"[" * 100_000),
    "objects without end": wrapped(b'{"a":' * 100_000),
    "nested and closed": wrapped(b"[" * 50_000 + b"]" * 50_000),
    "a number of 5000 digits": row(time=10**3000).replace(b"1" + b"0" * 9, b"9" * 2000),
    "a time before all": row(time=-(2**63)),
    "a time after all": row(time=2**63 - 1),
    "a fraction for a time": row(time=1.5),
    "a number for a coin": row(coin=7),
    "an infinite number": row().replace(b"600100200300400", b"1e400"),
    "a lone surrogate": row(hash="\ud800"),
    "half a character": wrapped(b'["\xe2\x82"]'),
    "overlong UTF-8": wrapped(b'["\xc0\xaf"]'),
    "bad bytes where nobody looks": b'{"channel":"trades","x":"\xff","data":[]}',
    "the same key twice": b'{"channel":"trades","channel":"pong","data":[]}',
    "null for everything": b'{"channel":null,"data":null}',
    "a byte order mark": b"\xef\xbb\xbf" + wrapped(b"[]"),
    "a bomb": target.bomb(1 << 30),
    "an error that quotes itself": wrapped(
        json.dumps("Invalid subscription " + '{"a":' * 900).encode(), b"error"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frames_are_refused_or_read(name):
    mouth = target.Mouth()
    assert mouth.eat(HOSTILE[name]) in OUTCOMES
    # It goes on listening afterwards.
    assert mouth.eat(row()) == "delivered"


def test_true_frames_are_delivered_by_the_same_mouth():
    said = Counter(target.Mouth().eat(frame) for frame in GOLDEN)
    assert said["delivered"] >= 8
    assert said["refused"] == 0


MIDDLES = {
    "numbers": b"1,",
    "lists": b"[],",
    "filled lists": b"[0],",
    "objects": b"{},",
    "filled objects": b'{"":{}},',
    "texts": b'"",',
    "trades": row()[len(b'{"channel": "trades", "data": [') : -2] + b",",
}


@pytest.mark.parametrize("name", MIDDLES)
def test_a_frame_of_megabytes_costs_so_much_for_each_byte_and_is_let_go(name):
    middle = MIDDLES[name]
    size = MIB // 2  # the bound is by the byte: 16 MiB cost as much for each
    frame = wrapped(b"[" + (middle * (size // len(middle)))[:-1] + b"]")
    mouth = target.Mouth()
    mouth.eat(row())
    gc.collect()
    tracemalloc.start()
    try:
        mouth.eat(frame)
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert peak <= FOR_EACH_BYTE * len(frame) + MIB
    assert left <= 3 * MIB


@pytest.mark.slow
def test_the_largest_frame_there_may_be_is_taken():
    text = b'"' + b"a" * (16 * MIB - 60) + b'"'
    assert target.Mouth().eat(wrapped(text, b"unheardOf")) == "unclaimed"
    assert target.Mouth().eat(wrapped(b"[" + text + b"]")) == "refused"


def test_a_bomb_costs_its_limit_and_no_more():
    frame = target.bomb(1 << 30)
    tracemalloc.start()
    try:
        assert target.Mouth().eat(frame) == "unreadable"
        assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    finally:
        tracemalloc.stop()


def test_a_client_with_every_kind_of_handler_lives_through_all_of_it():
    from bistoury.simulator.exchange import Exchange
    from bistoury.simulator.settings import Settings
    from bistoury.testing.venue import MemoryVenue

    async def main():
        import asyncio

        venue = MemoryVenue(Exchange(Settings(coins=("BTC", "ETH")), 1))
        client = venue.client()
        heard = Counter()
        for channel in CHANNELS:
            client.add_message_handler(channel, lambda it: heard.update(["any"]))
        await client.subscribe_trades("BTC", lambda it: heard.update(["dict"]))
        await client.subscribe(
            {"type": "trades", "coin": "BTC"},
            lambda it: heard.update(["raw"]),
            raw=True,
        )
        await client.subscribe_orderbook("BTC", lambda it: heard.update(["book"]))
        assert await client.connect()
        await client.wait_ready(10)
        rng = Random(5)
        frames = [*HOSTILE.values(), *GOLDEN]
        for _ in range(300):
            frame = bytearray(rng.choice(GOLDEN))
            for _ in range(rng.randint(1, 5)):
                frame[rng.randrange(len(frame))] = rng.randrange(256)
            frames.append(bytes(frame))
        for frame in frames:
            for end in venue._ends.values():
                end.send(frame)
            await asyncio.sleep(0.05)
        await asyncio.sleep(90)
        assert client.is_connected()
        before = heard["dict"]
        await asyncio.sleep(60)
        assert heard["dict"] > before
        assert heard["raw"] > 0
        await client.disconnect()
        venue.stop()

    run(main())


@pytest.mark.slow
def test_a_coverage_guided_fuzzer_finds_nothing_in_a_few_seconds(tmp_path):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed (make fuzz installs it where it can)")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, frame in enumerate(GOLDEN):
        (corpus / str(number)).write_bytes(frame)
    done = subprocess.run(
        [
            *(sys.executable, str(HERE / "guided.py"), str(corpus)),
            *("-max_total_time=5", "-rss_limit_mb=2048", "-timeout=10"),
            f"-artifact_prefix={tmp_path}/",
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr
