from __future__ import annotations

import pytest

from bistoury.simulator.recording import Malformed, Recorded, read


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'12 {"channel":"pong"}', []),
        (b'12 {"channel":"trades","data":[{"coin":"BTC"}]}', [frozenset({"btc"})]),
        (
            b'12 {"channel":"candle","data":{"s":"BTC","i":"1M"}}',
            [frozenset({"btc", "1M"})],
        ),
        (
            b'12 {"channel":"orderUpdates","data":[{"order":{"coin":"BTC"}}]}',
            [frozenset()],
        ),
        (
            b'12 {"channel":"webData3","data":{"userState":{"user":"0xA"}}}',
            [frozenset({"0xa"})],
        ),
        (
            b'12 {"channel":"openOrders","data":{"user":"0xA","dex":""}}',
            [frozenset({"0xa"})],
        ),
        (b'12 {"channel":"trades","data":[]}', [frozenset()]),
        (b'12 {"channel":"fastAssetCtxs","data":"q1Zy"}', [frozenset()]),
    ],
)
def test_a_frame_knows_its_subject(tmp_path, line, found):
    path = tmp_path / "r"
    path.write_bytes(line + b"\n")

    assert [item.subject for item in read(path) if isinstance(item, Recorded)] == found


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"12",
        b"-1 {}",
        b"12 {",
        b"12 []",
        b"12 {}",
        b'12 {"channel":1}',
        b"12 \xff",
    ],
)
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "r"
    path.write_bytes(b'1 {"channel":"a","data":1}\n' + line + b"\n")

    first, second = read(path)

    assert isinstance(first, Recorded)
    assert isinstance(second, Malformed)
    assert second.line == 2
