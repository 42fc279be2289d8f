from __future__ import annotations

import pytest


@pytest.fixture
def sliced(open_wire, user):
    wire = open_wire(user_rate=0.0, user_history=0)
    number = wire.connect()
    for kind in (
        "userTwapSliceFills",
        "userTwapHistory",
        "twapStates",
        "userFills",
        "trades",
    ):
        fields = {"coin": "BTC"} if kind == "trades" else {"user": user}
        wire.subscribe(number, kind, **fields)
    frames = []
    for _ in range(6):
        wire.exchange.act(user, "twap", "BTC", wire.now)
        frames += wire.read()
    return frames


def of(frames, channel):
    return [m["data"] for m in frames if m["channel"] == channel]


def test_a_twap_is_activated_sliced_and_finished(sliced):
    statuses = [
        r["status"]["status"]
        for d in of(sliced, "userTwapHistory")
        for r in d["history"]
    ]
    slices = [r for d in of(sliced, "userTwapSliceFills") for r in d["twapSliceFills"]]

    assert statuses == ["activated", "finished"]
    assert len(slices) == 5
    assert {row["fill"]["hash"] for row in slices} == {"0x" + "0" * 64}
    assert of(sliced, "userFills") == []
    assert len(of(sliced, "trades")) == 5


def test_its_state_grows_and_disappears(sliced):
    states = [d["states"] for d in of(sliced, "twapStates")]
    done = [s[0][1]["executedSz"] for s in states if s]

    assert done[0] == "0.0"
    assert sorted(map(float, done)) == [float(x) for x in done]
    assert states[-1] == []


def test_its_history_counts_in_seconds(sliced):
    [first, _] = [r for d in of(sliced, "userTwapHistory") for r in d["history"]]

    assert first["time"] == first["state"]["timestamp"] // 1000
    assert not [name for name in first["state"] if name.startswith("_")]
