"""How long commands are under way."""

import pytest

from bistoury.errors import ConfigError
from bistoury.paper_trading.latency import Latency


def test_a_constant_is_one():
    assert {Latency("constant(0.25)", "a").draw() for _ in range(3)} == {250}


def test_the_same_seed_draws_the_same():
    one, two = (Latency("lognormal(0.2, 0.5)", "7:entry") for _ in range(2))
    drawn = [one.draw() for _ in range(50)]
    assert drawn == [two.draw() for _ in range(50)]
    assert len(set(drawn)) > 20
    assert 100 < sorted(drawn)[25] < 400


def test_durations_are_drawn_from_a_file(tmp_path):
    path = tmp_path / "measured.txt"
    path.write_text("0.1\n0.3\n")
    model = Latency(f"empirical({path})", "1")
    assert {model.draw() for _ in range(50)} == {100, 300}


@pytest.mark.parametrize(
    "model",
    [
        *("", "fast", "constant()", "constant(-1)", "constant(1, 2)", "lognormal(0.2)"),
        *("constant(1e9)", "empirical(/nowhere)", None),
    ],
)
def test_what_is_no_model_is_named(model):
    with pytest.raises(ConfigError, match="entry_latency"):
        Latency(model, "1", "entry_latency")
