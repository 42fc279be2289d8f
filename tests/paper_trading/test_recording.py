"""Recordings of what a paper venue took, and strategies over them."""

import gzip

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.recording import Recorder, RecordingError, messages, replay
from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.universe import Universe


@pytest.fixture(params=["paper.log", "paper.log.gz"])
def path(request, tmp_path):
    return tmp_path / request.param


def written(path, market, meta):
    start = market.taken[0][0]
    recorder = Recorder(path, [{"meta": meta}], market.config, [], start)
    for at, message in market.taken:
        recorder.take(at, message)
    market.stop()
    recorder.close(market.desk.now)


@pytest.fixture
def meta(begun):
    return begun.__globals__["META"]


def busy(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "99", "1"), limit(True, "102", "2", "Ioc"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.trade(300, "A", "98", "3")
    market.pass_time(90_000)
    return market


def test_a_replay_makes_the_same_facts(path, market, orders, meta):
    written(path, busy(market, orders), meta)
    again = replay(path)
    facts = [said.encode(it) for it in market.events]
    assert [said.encode(it) for it in again.events] == facts
    assert len(market.fills) == 3


def test_lines_begin_with_nineteen_digits_and_one_space(tmp_path, market, orders, meta):
    path = tmp_path / "paper.log"
    written(path, busy(market, orders), meta)
    for line in path.read_bytes().splitlines():
        stamp, body = line[:19], line[19:]
        assert stamp.isdigit()
        assert body.startswith(b' {"')


def test_a_recording_that_was_cut_off_ends_there(path, market, orders, meta):
    written(path, busy(market, orders), meta)
    whole = len(list(messages(path)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 25])
    assert 0 < len(list(messages(path))) < whole
    replay(path)


@pytest.fixture
def plain(tmp_path, market, orders, meta):
    path = tmp_path / "paper.log"
    written(path, busy(market, orders), meta)
    return path


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"123 {}\n", "19 digits"),
        (b"1790000000000000000 {}\n", "no channel"),
        (b"1790000000000000000 {\n", "line 2"),
        (b"17900000000000000xx {}\n", "line 2"),
    ],
)
def test_a_damaged_line_is_named(plain, line, part):
    first, *rest = plain.read_bytes().splitlines(keepends=True)
    plain.write_bytes(first + line + b"".join(rest))
    with pytest.raises(RecordingError, match=part):
        replay(plain)


def test_an_empty_recording_and_one_of_others_say_what_is_missing(tmp_path, meta):
    path = tmp_path / "raw.gz"
    with gzip.open(path, "wb") as lines:
        lines.write(b'1790000000000000000 {"channel":"pong"}\n')
    with pytest.raises(RecordingError, match="no universe"):
        replay(path)
    assert replay(path, universe=Universe.from_meta(meta)).events
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(RecordingError, match="empty"):
        replay(tmp_path / "empty")


def test_who_comes_second_does_not_write_over_the_first(plain, market, meta, caplog):
    before = plain.read_bytes()
    second = Recorder(plain, [{"meta": meta}], market.config, [], 0)
    second.take(1, {"channel": "pong"})
    second.close(2)
    assert plain.read_bytes() == before
    (told,) = [it.getMessage() for it in caplog.records]
    assert told.startswith(f"paper recording {plain} ends here: ")
    assert "none is written over" in told


def test_what_it_began_with_has_to_be_listed(path, market, orders, meta):
    limit, _ = orders
    market.order(10, limit(True, "90", "1"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    begun = [{"meta": meta}]
    recorder = Recorder(path, begun, market.config, market.events, market.desk.now)
    recorder.close(market.desk.now)
    assert replay(path).venue.desk.accounts.by_name["main"].done
    others = Universe.from_meta({"universe": meta["universe"][1:]})
    with pytest.raises(RecordingError, match="it holds BTC, which is not listed"):
        replay(path, universe=others)


def test_a_strategy_trades_on_a_recording_under_other_assumptions(
    path, market, orders, meta
):
    limit, _ = orders
    for at in range(500, 5000, 500):
        market.bbo(at, ("99", "1"), ("101", at // 500))
    written(path, market, meta)

    def strategy(run, at, message):
        if (
            message["channel"] == "bbo"
            and not run.venue.desk.accounts.by_name["main"].orders
        ):
            run.act(
                {
                    "type": "order",
                    "orders": [limit(True, "101", "1", "Ioc")],
                    "grouping": "na",
                }
            )

    quick, slow = (
        replay(path, config=PaperConfig(entry_latency=it), strategy=strategy)
        for it in ("constant(0)", "constant(2)")
    )
    made = [
        [it for it in run.events if isinstance(it, said.Filled)]
        for run in (quick, slow)
    ]
    assert len(made[0]) > len(made[1]) > 0
    again = replay(
        path, config=PaperConfig(entry_latency="constant(2)"), strategy=strategy
    )
    assert [said.encode(it) for it in again.events] == [
        said.encode(it) for it in slow.events
    ]
