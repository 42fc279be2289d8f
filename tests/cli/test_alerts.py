"""``bistoury alerts test``: which places take a message."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

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
    assert "2 of 2 taken" in ended.out
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
    assert [it["ok"] for it in json.loads(ended.out)["results"]] == [False, True]
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.parametrize(
    "args", [("test",), ("tset", "--to", "json://x"), ("test", "--to", "nosuch://x")]
)
async def test_wrong_use_is_status_2(shell, args):
    ended = await shell.run("alerts", *args)

    assert ended.status == 2
    assert "expected" in ended.err
