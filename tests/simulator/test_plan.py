from __future__ import annotations

import pytest

from bistoury.errors import ConfigError
from bistoury.simulator import FaultPlan, Limits, Step, read_fault
from bistoury.simulator.faults import (
    Cut,
    Delay,
    Flap,
    Garble,
    Lag,
    Refuse,
    Rest,
    Silent,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cut", Cut()),
        ("cut:rst", Cut(how="rst")),
        ("cut:1012", Cut(how="close", code=1012)),
        (
            "cut:how=close,code=1008,reason=slow",
            Cut(how="close", code=1008, reason="slow"),
        ),
        ("refuse:503", Refuse(status=503)),
        ("refuse:hang", Refuse(how="hang")),
        ("silent:out", Silent(direction="out")),
        ("silent:type=trades,coin=BTC", Silent(type="trades", coin="BTC")),
        ("delay:2.5", Delay(seconds=2.5)),
        ("flap:0", Flap(after=0.0)),
        ("rest:500", Rest(status=500)),
        ('{"fault":"lag","fraction":0.5}', Lag(fraction=0.5)),
    ],
)
def test_a_fault_reads_from_its_short_form_and_from_json(text, fault):
    assert read_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "cut:how=bang", '{"fault":"cut","hwo":"rst"}', "{", "delay:soon"],
)
def test_a_bad_fault_is_refused_by_name(text):
    with pytest.raises(ConfigError, match="fault"):
        read_fault(text)


def test_a_plan_reads_from_toml(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text(
        '[[step]]\nat = 20\nfault = { fault = "cut" }\n'
        '[[step]]\nat = 10.0\nfor = 5.0\nfault = { fault = "silent", direction = "out" }\n'
    )

    plan = FaultPlan.load(file)

    assert plan.steps == (
        Step(at=10.0, fault=Silent(direction="out"), lasts=5.0),
        Step(at=20.0, fault=Cut()),
    )


@pytest.mark.parametrize(
    "text",
    [
        "[[step]]\nat = 1\n",
        "x",
        '[[step]]\nat=1\nfore=2\nfault={fault="cut"}\n',
        "stop = 1\n",
    ],
)
def test_a_bad_plan_is_refused_with_its_name(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=r"bad\.toml"):
        FaultPlan.load(file)


def test_a_missing_plan_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="readable"):
        FaultPlan.load(tmp_path / "none.toml")


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_plan_repeats_itself_and_survives_a_file(tmp_path, seed):
    plan = FaultPlan.random(seed, 600.0)
    file = tmp_path / "drawn.toml"
    file.write_text(plan.to_toml())

    assert FaultPlan.load(file) == plan == FaultPlan.random(seed, 600.0)
    assert plan.steps
    assert all(step.at + (step.lasts or 0) <= 600.0 for step in plan.steps)


def test_a_plan_can_be_drawn_from_some_kinds():
    plan = FaultPlan.random(3, 3600.0, ("garble",))

    assert {type(step.fault) for step in plan.steps} == {Garble}


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="nonsense"):
        FaultPlan.random(1, 60.0, ("nonsense",))


@pytest.mark.parametrize("seed", range(15))
def test_after_any_drawn_plan_the_venue_is_healthy(open_wire, seed, user):
    wire = open_wire(
        seed=seed,
        plan=FaultPlan.random(seed, 300.0),
        limits=Limits.none(),
        coins=("BTC",),
    )
    for _ in range(31):
        number = wire.exchange.connect(wire.now)
        if isinstance(number, int):
            for kind in ("trades", "l2Book"):
                frame = (
                    b'{"method":"subscribe","subscription":{"type":"%s","coin":"BTC"}}'
                    % kind.encode()
                )
                wire.exchange.receive(number, frame, wire.now)
        wire.exchange.advance(wire.now + 10)
        wire.now += 10
        wire.take()

    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC", fast=True)

    assert len(wire.run(10.0)) >= 20
