"""The file a journal is: bounded, private, and harmless when the disk says no."""

import asyncio
import json
import os
import re
import stat

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.recorder.file import JournalFile, Pseudonyms
from bistoury.recorder.replay import read
from bistoury.session import Complaint, VenueError
from bistoury.session import events as on
from bistoury.simulator.faults import Cut

USER = "0x" + "1A" * 20
ADDRESS = re.compile(r"0x[0-9a-f]{40}")


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


async def some_trouble(client, venue):
    """Follow a user's feeds through one cut."""
    await client.subscribe_user_fills(USER)
    await client.subscribe_order_updates(USER)
    await client.connect()
    await asyncio.sleep(10)
    venue.exchange.inject(Cut(), venue.now())
    venue.turn()
    await asyncio.sleep(20)


def test_the_file_is_its_owners_alone(played):
    path, _ = played(some_trouble)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_begins_with_its_version_the_policy_and_where_chance_comes_from(played):
    path, _ = played(some_trouble)
    began, line, *rest = records(path)
    assert (began["type"], began["v"], began["version"]) == ("began", 1, "0.1.0")
    assert len(began["chance"][1]) == 625
    assert (line["type"], line["v"], line["line"]) == ("line", 1, 1)
    assert line["policy"]["message_timeout"] == 30.0
    assert all(isinstance(record, list) and len(record) == 3 for record in rest)


def test_an_address_has_one_pseudonym_in_every_place(played):
    async def scenario(client, venue):
        await some_trouble(client, venue)
        line = client._fleet.lead
        text = f"Invalid subscription {USER} and {USER.lower()}"
        error = VenueError(Complaint.OTHER, text)
        line.supervisor.feed(on.MessageReceived(line.session.connection_id, error))

    path, told = played(scenario)
    text = path.read_text()
    assert USER.lower() not in text.lower()
    assert len(set(ADDRESS.findall(text))) == 1
    assert len(ADDRESS.findall(text)) > 10
    assert read(path).differs == ""
    assert "VenueComplained" in told


def test_pseudonyms_of_two_files_have_nothing_in_common():
    address = USER.encode()
    first, second = Pseudonyms().hide(address), Pseudonyms().hide(address)
    assert first != second
    assert len(first) == len(address)


def test_a_hash_is_no_address():
    text = b"0x" + b"ab" * 32
    assert Pseudonyms().hide(text) == text


def test_it_holds_no_payloads(played):
    prices = []

    async def scenario(client, venue):
        await client.subscribe_trades("BTC", lambda it: prices.extend(it["data"]))
        await client.connect()
        await client.request({"type": "allMids"})
        await asyncio.sleep(20)

    path, _ = played(scenario)
    text = path.read_text()
    assert prices
    assert not any(row["hash"] in text or f'"{row["px"]}"' in text for row in prices)


def test_it_turns_to_a_new_file_and_keeps_the_one_before(played):
    most = 60_000

    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(400)

    path, _ = played(scenario, journal_max_bytes=most)
    earlier = path.with_name(f"{path.name}.1")
    assert 0 < path.stat().st_size <= most / 2 + 10_000
    assert 0 < earlier.stat().st_size <= most / 2 + 10_000
    assert records(path)[0]["part"] == records(earlier)[0]["part"] + 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_run_in_two_files_is_played_back_from_its_beginning(played):
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(60)
        await client.reconnect()

    path, told = played(scenario, journal_max_bytes=40_000)
    assert records(path)[0]["part"] == 2
    replayed = read(path)
    assert (replayed.differs, replayed.damage, replayed.is_headless) == ("", "", False)
    assert len(replayed.told) == len(told)


def test_a_run_whose_beginning_is_gone_is_told_as_written(played):
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(60)
        await client.reconnect()
        await asyncio.sleep(60)

    path, told = played(scenario, journal_max_bytes=40_000)
    path.with_name(f"{path.name}.1").unlink()
    replayed = read(path)
    assert replayed.is_headless
    assert replayed.differs == ""
    names = [type(it.notice).__name__ for it in replayed.told]
    assert 0 < len(names) < len(told)
    assert names == told[-len(names) :]


def test_a_disk_that_says_no_costs_the_journal_and_nothing_else(played, caplog):
    async def scenario(client, venue):
        client._journal.file.path = client._journal.file.path / "not" / "there"
        messages = []
        await client.subscribe_all_mids(messages.append)
        await client.connect()
        await asyncio.sleep(30)
        await client.reconnect()
        await asyncio.sleep(30)
        assert client.is_connected()
        assert len(messages) > 40

    path, _ = played(scenario)
    said = [it.message for it in caplog.records if "no journal" in it.message]
    assert len(said) == 1
    assert not path.exists()


def test_a_disk_that_is_full_ends_it_once(tmp_path):
    failures = []
    file = JournalFile(tmp_path, 1000, lambda _: b"{}", failures.append)
    for _ in range(3):
        file.write(b"[]")
        file.flush()
    assert file.is_broken
    assert len(failures) == 1


def test_what_it_writes_is_on_the_disk_when_something_happens(played):
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(10)
        venue.exchange.inject(Cut(), venue.now())
        venue.turn()
        await asyncio.sleep(0.01)
        last = records(client._journal.file.path)[-1][2]
        assert [it["type"] for it in last][-1] == "Reconnecting"

    played(scenario)


def test_a_client_that_never_connects_writes_nothing(tmp_path):
    path = tmp_path / "journal.jsonl"
    HyperLiquidIntegration(Config(network="local"), journal=path)
    assert not path.exists()


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "many"])
def test_a_size_that_is_none_is_refused(tmp_path, most):
    with pytest.raises(ConfigError, match="journal_max_bytes"):
        HyperLiquidIntegration(
            Config(network="local"), journal=tmp_path / "j", journal_max_bytes=most
        )


def test_an_earlier_file_of_somebody_else_is_not_taken_for_the_beginning(played):
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(60)

    path, _ = played(scenario, journal_max_bytes=40_000)
    earlier = path.with_name(f"{path.name}.1")
    head, rest = earlier.read_bytes().split(b"\n", 1)
    other = json.loads(head) | {"run": "somebody else's"}
    earlier.write_bytes(json.dumps(other).encode() + b"\n" + rest)
    assert read(path).is_headless


@pytest.mark.parametrize("cut_at", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(played, cut_at):
    path, told = played(some_trouble)
    os.truncate(path, int(path.stat().st_size * cut_at))
    replayed = read(path)
    assert replayed.damage
    assert replayed.differs == ""
    assert len(replayed.told) < len(told)


@pytest.mark.parametrize(
    "spoiled", [b"not json", b'[1,2,{"type":"Unheard"}]', b"[]", b"\xff\xfe"]
)
def test_a_spoiled_line_ends_the_reading_and_is_named(played, spoiled):
    path, _ = played(some_trouble)
    lines = path.read_bytes().splitlines()
    lines[20] = spoiled
    path.write_bytes(b"\n".join(lines))
    assert "line 21" in read(path).damage


def test_a_later_version_is_not_guessed_at(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"v":2,"type":"began","run":"x"}\n')
    assert "version 2" in read(path).damage


def test_what_does_not_follow_from_the_events_is_said(played):
    path, _ = played(some_trouble)
    lines = path.read_text().splitlines()
    place = next(i for i, line in enumerate(lines) if '"ConnectionLost"' in line)
    lines[place] = lines[place].replace('"network"', '"tls"')
    path.write_text("\n".join(lines) + "\n")
    assert "something else was told" in read(path).differs
