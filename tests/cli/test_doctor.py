"""``bistoury doctor`` against venues in good and in bad health."""

from __future__ import annotations

import json

import pytest

from bistoury.simulator import Replay, Venue
from bistoury.simulator.faults import Refuse, Rest, Silent

NOBODY = "http://127.0.0.1:1"


def doctor(venue, *args):
    return ("doctor", *args, "--api-url", venue.url)


def checks(ended):
    return {check["name"]: check for check in json.loads(ended.out)["checks"]}


async def test_a_venue_in_good_health_is_status_0(shell, venue):
    ended = await shell.run(*doctor(venue))

    assert ended.status == 0, ended.out
    assert "✗" not in ended.out
    assert "All is well." in ended.out
    for name in ("dns", "tcp", "upgrade", "ping", "rest", "clock", "allMids", "limits"):
        assert f"✓ {name}" in ended.out


async def test_json_has_every_step_with_its_figure(shell, venue):
    ended = await shell.run(*doctor(venue, "--json"))

    told = json.loads(ended.out)
    assert (told["v"], told["ok"], told["reached"]) == (1, True, True)
    assert told["limits"]["subscriptions"] == {"used": 3, "allowed": 1000}
    assert [check["name"] for check in told["checks"]] == [
        *("dns", "tcp", "tls", "upgrade", "ping", "rest", "clock"),
        *("allMids", "l2Book BTC", "trades BTC", "limits"),
    ]
    assert checks(ended)["ping"]["seconds"] < 1.0
    assert checks(ended)["tls"]["ok"] is None


async def test_nothing_listening_is_status_3_and_says_what_to_do(shell):
    ended = await shell.run("doctor", "--api-url", NOBODY)

    assert ended.status == 3
    assert "✗ tcp" in ended.out
    assert "bistoury sim" in ended.out
    assert "cannot be reached" in ended.out


async def test_an_unknown_name_is_status_3(shell):
    ended = await shell.run("doctor", "--api-url", "https://venue.invalid", "--json")

    assert ended.status == 3
    assert list(checks(ended)) == ["dns"]


async def test_a_refused_subscription_is_status_1_with_the_venues_words(shell, venue):
    wanted = ("--subscribe", "trades NOPE", "--subscribe", "trades BTC")
    ended = await shell.run(*doctor(venue, *wanted, "--json"))

    assert ended.status == 1
    found = checks(ended)
    assert found["trades BTC"]["ok"]
    assert found["trades NOPE"]["said"].startswith("Invalid subscription")
    assert "spelling" in found["trades NOPE"]["advice"]


@pytest.mark.parametrize(("offset", "word"), [(30.0, "behind"), (-30.0, "ahead of")])
async def test_a_wrong_clock_is_status_1(shell, offset, word):
    class Elsewhere(Venue):
        @property
        def now(self):
            return super().now + offset

    async with Elsewhere() as venue:
        ended = await shell.run(*doctor(venue, "--json"))

    clock = checks(ended)["clock"]
    assert ended.status == 1
    assert not clock["ok"]
    assert clock["said"].startswith(("30.", "29."))
    assert word in clock["said"]
    assert "NTP" in clock["advice"] or "ntp" in clock["advice"]


async def test_a_refused_upgrade_is_told_from_a_venue_that_is_not_there(shell, venue):
    venue.inject(Refuse(status=503))

    ended = await shell.run(*doctor(venue, "--json"))

    assert ended.status == 1
    assert "HTTP 503" in checks(ended)["upgrade"]["said"]
    assert checks(ended)["rest"]["ok"]


async def test_too_many_requests_has_an_advice_of_its_own(shell, venue):
    venue.inject(Refuse(status=429))

    ended = await shell.run(*doctor(venue, "--json"))

    assert "wait a minute" in checks(ended)["upgrade"]["advice"]


async def test_a_venue_that_is_mute_is_not_said_to_be_asked_too_much(shell, venue):
    venue.inject(Silent(direction="out"))

    ended = await shell.run(*doctor(venue, "--subscribe", "allMids", "--json"))

    found = checks(ended)
    assert "no pong" in found["ping"]["said"]
    assert "not acknowledged" in found["allMids"]["said"]
    assert found["ping"]["advice"] == found["allMids"]["advice"]
    assert "nothing comes back" in found["ping"]["advice"]


async def test_a_proxy_that_is_not_there_is_not_taken_for_the_venue(shell, venue):
    ended = await shell.run(*doctor(venue, "--json"), env={"BISTOURY_PROXY": NOBODY})

    assert ended.status == 3
    assert "BISTOURY_PROXY" in checks(ended)["tcp"]["advice"]
    assert "bistoury sim" not in checks(ended)["tcp"]["advice"]


@pytest.mark.parametrize(
    ("status", "advice"),
    [(500, "in trouble itself"), (429, "wait a minute"), (403, "lets nobody in")],
)
async def test_rest_that_fails_is_status_1(shell, venue, status, advice):
    venue.inject(Rest(status=status))

    ended = await shell.run(*doctor(venue, "--json"))

    assert ended.status == 1
    assert not checks(ended)["rest"]["ok"]
    assert advice in checks(ended)["rest"]["advice"]
    assert "clock" not in checks(ended)


async def test_a_feed_without_the_data_it_promises_is_status_1(shell, venue):
    venue.inject(Silent(direction="out", what=("data",)))

    ended = await shell.run(*doctor(venue, "--subscribe", "allMids", "--json"))

    assert ended.status == 1
    assert "no data" in checks(ended)["allMids"]["said"]


async def test_a_user_that_sleeps_is_no_failure(shell, venue):
    user = "0x" + "ab" * 20

    ended = await shell.run(*doctor(venue, "--user", user, "--json"))

    assert ended.status == 0
    assert checks(ended)[f"userFills {user}"]["ok"]
    assert checks(ended)[f"orderUpdates {user}"]["ok"]


@pytest.mark.parametrize("name", ["frames", "frames.gz"])
async def test_a_recording_is_what_the_local_venue_replays(
    shell, venue, tmp_path, name
):
    path = tmp_path / name

    ended = await shell.run(*doctor(venue, "--record", path, "--for", "1s"))

    assert ended.status == 0, ended.err
    assert f"frames are in {path}" in ended.out
    malformed = []
    tape = Replay(path, on_malformed=malformed.append)
    tape.advance(venue.now)
    assert not malformed


async def test_a_recording_is_never_overwritten(shell, venue, tmp_path):
    path = tmp_path / "frames"
    path.write_text("precious")

    ended = await shell.run(*doctor(venue, "--record", path))

    assert ended.status == 2
    assert "--record" in ended.err
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "args",
    [
        ("--subscribe", "trads BTC"),
        ("--user", "me"),
        ("--for", "5s"),
        ("--record", "/nowhere/frames"),
        ("--network", "moon"),
    ],
)
async def test_wrong_use_is_status_2(shell, args):
    ended = await shell.run("doctor", *args)

    assert ended.status == 2
    assert "Traceback" not in ended.err


async def test_ctrl_c_ends_it_with_130(shell, venue):
    venue.inject(Refuse(how="hang"))
    command = await shell.start(*doctor(venue))
    await command.line()

    ended, took = await command.interrupt()

    assert ended.status == 130
    assert took < 2.0
    assert "Traceback" not in ended.err
