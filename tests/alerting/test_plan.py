from __future__ import annotations

from datetime import time

import pytest

from bistoury import ConfigError
from bistoury.alerting.plan import AlertPlan

SECRET = "tgram://123456:SECRET/42"


@pytest.mark.parametrize(
    ("hours", "at", "is_quiet"),
    [
        ("23:00-07:00", time(23, 0), True),
        ("23:00-07:00", time(6, 59), True),
        ("23:00-07:00", time(7, 0), False),
        ("12:00-13:00", time(12, 30), True),
        ("12:00-13:00", time(13, 0), False),
        ("", time(3, 0), False),
    ],
)
def test_quiet_hours_may_pass_midnight(hours, at, is_quiet):
    assert AlertPlan(quiet=hours).is_quiet(at) is is_quiet


@pytest.mark.parametrize("hours", ["25:00-07:00", "night", "7-8", "12:61-13:00"])
def test_hours_that_are_none_are_refused(hours):
    with pytest.raises(ConfigError, match="23:00-07:00"):
        AlertPlan(quiet=hours)


@pytest.mark.parametrize(
    ("name", "value"),
    [("down_after", -1), ("floor", float("nan")), ("ping_every", 0), ("flaps", 0)],
)
def test_a_number_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=name):
        AlertPlan(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("down_after", "2"),
        ("settle", None),
        ("floor", True),
        ("flaps", "5"),
        ("flaps", 2.5),
        ("quiet", None),
        ("ping_url", None),
        ("to", "tgram://TOKEN/CHAT"),
        ("to", [1]),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=f"^{name}: .* expected (a |text)") as refused:
        AlertPlan(**{name: value})
    assert "TOKEN" not in str(refused.value)


def test_a_whole_number_of_seconds_and_a_list_of_urls_are_allowed():
    plan = AlertPlan(down_after=2, to=[SECRET])

    assert (plan.down_after, list(plan.to)) == (2, [SECRET])


def test_a_ping_is_asked_for_over_http():
    with pytest.raises(ConfigError, match="ping_url"):
        AlertPlan(ping_url="ftp://example.org")


def test_a_file_is_read(tmp_path):
    path = tmp_path / "alerts.toml"
    path.write_text(f'to = ["{SECRET}"]\ndown_after = 30\nquiet = "23:00-07:00"\n')

    plan = AlertPlan.load(path)
    assert plan.to == (SECRET,)
    assert plan.down_after == 30


@pytest.mark.parametrize(
    "text", ["down_afer = 3", 'down_after = "SECRET"', "= nonsense SECRET", "flaps = 0"]
)
def test_a_mistake_in_a_file_is_told_without_its_values(tmp_path, text):
    path = tmp_path / "alerts.toml"
    path.write_text(f'to = ["{SECRET}"]\n{text}\n')

    with pytest.raises(ConfigError) as refused:
        AlertPlan.load(path)
    assert "SECRET" not in str(refused.value)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        AlertPlan.load(tmp_path / "none.toml")
