"""The files for operators name what there is, and say what they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bistoury.observability.metric_names import METRICS, PAPER

DEPLOY = Path(__file__).parents[1] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "bistoury.json"
RULES = DEPLOY / "prometheus" / "bistoury.rules.yml"


def known() -> set[str]:
    names = set()
    for name, it in (METRICS | PAPER).items():
        full = it.full_name(name)
        names |= {full}
        if it.kind == "histogram":
            names |= {f"{full}_{part}" for part in ("bucket", "sum", "count")}
        if it.kind == "summary":
            names |= {f"{full}_{part}" for part in ("sum", "count")}
    return names


def expressions(value) -> list[str]:
    if isinstance(value, dict):
        own = [value["expr"]] if isinstance(value.get("expr"), str) else []
        return own + [it for each in value.values() for it in expressions(each)]
    if isinstance(value, list):
        return [it for each in value for it in expressions(each)]
    return []


def test_the_dashboard_shows_metrics_that_exist():
    found = expressions(json.loads(DASHBOARD.read_text("utf-8")))

    assert len(found) >= 15
    for one in found:
        assert set(re.findall(r"\bbistoury_\w+", one)) <= known(), one


def test_the_panels_of_the_dashboard_do_not_cover_each_other():
    taken = set()
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_the_rules_are_about_metrics_that_exist():
    names = set(re.findall(r"\bbistoury_\w+", RULES.read_text("utf-8")))

    assert names
    assert names <= known()


@pytest.mark.parametrize(
    "command",
    [("check", "rules", RULES.name), ("test", "rules", "bistoury.test.yml")],
    ids=lambda it: it[0],
)
def test_prometheus_accepts_the_rules_and_they_fire_when_they_should(command):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: it comes with Debian's prometheus")
    done = subprocess.run(
        [promtool, *command],
        cwd=RULES.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is missing")
async def test_prometheus_accepts_the_text_of_the_figures():
    from bistoury import Config, HyperLiquidIntegration

    client = HyperLiquidIntegration(Config(network="local"))
    await client.subscribe_trades("BTC")
    text, _ = client._window.metrics()
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        capture_output=True,
        timeout=60,
        check=False,
    )

    # 3 is a matter of style, such as a name without a unit.
    assert done.returncode in (0, 3), done.stderr.decode()
    assert b"error" not in done.stderr.lower().replace(b"errors_total", b"")
