"""``bistoury alerts test``: which places take a message."""

from __future__ import annotations

import json
import threading
from importlib import import_module

import pytest
from aiohttp import web

from bistoury.alerting.sinks import Sink

pytest.importorskip("apprise")


@pytest.fixture
async def hook():
    heard = []

    async def hear(request):
        if request.path == "/no":
            return web.Response(status=500)
        heard.append(await request.json())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/{tail:.*}", hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"json://127.0.0.1:{runner.addresses[0][1]}", heard
    await runner.cleanup()


async def test_both_messages_arrive_and_that_is_said(shell, hook):
    url, heard = hook
    ended = await shell.run("alerts", "test", "--to", f"{url}/yes")

    assert ended.status == 0, ended.err
    assert ended.out.endswith("2 of 2 taken\n")  # and no reason why not
    assert [it["type"] for it in heard] == ["warning", "success"]


async def test_a_place_that_takes_none_is_status_1_and_no_secret_is_shown(
    shell, hook, tmp_path
):
    url, _ = hook
    plan = tmp_path / "alerts.toml"
    secret = url.replace("json://", "json://user:hunter2@")
    plan.write_text(f'to = ["{secret}/no", "{secret}/yes"]\n')
    ended = await shell.run("alerts", "test", "--plan", plan, "--json")

    assert ended.status == 1
    results = json.loads(ended.out)["results"]
    assert [it["ok"] for it in results] == [False, True]
    assert results[0]["error"] == "ConnectionError: json:// did not take the message"
    assert results[1]["error"] is None
    assert "hunter2" not in ended.out + ended.err


async def test_a_place_that_never_answers_is_told_as_that(monkeypatch, capsys):
    released = threading.Event()
    command = import_module("bistoury.cli.alerts")  # the package names its function
    monkeypatch.setattr(command, "_SENT_WITHIN", 0.2)
    hang = Sink("hang", lambda _: released.wait())
    status = await command._test([hang], as_json=True)
    released.set()

    assert status == 1
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert (result["sent"], result["error"]) == (0, "no answer within 0.2 s")


@pytest.mark.parametrize(
    "args", [("test",), ("tset", "--to", "json://x"), ("test", "--to", "nosuch://x")]
)
async def test_wrong_use_is_status_2(shell, args):
    ended = await shell.run("alerts", *args)

    assert ended.status == 2
    assert "expected" in ended.err
