from __future__ import annotations

import builtins

import pytest

from bistoury import ConfigError
from bistoury.alerting.message import Message
from bistoury.alerting.sinks import sink_of

MESSAGE = Message("open", "down", "down-1", "critical", "Down", "since then")


def test_a_function_is_a_sink():
    heard = []
    sink = sink_of(heard.append)
    sink.send(MESSAGE)

    assert heard == [MESSAGE]


@pytest.mark.parametrize("to", ["nonsense", "nosuch://x", "tgram://"])
def test_a_url_nobody_knows_is_refused_and_not_repeated(to):
    pytest.importorskip("apprise")
    with pytest.raises(ConfigError, match="as Apprise reads it"):
        sink_of(to)


def test_a_secret_is_never_in_a_name():
    pytest.importorskip("apprise")

    assert sink_of("json://user:hunter2@127.0.0.1:9/x").name == "json://…"


def test_without_apprise_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name == "apprise":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"bistoury\[alerts\]"):
        sink_of("tgram://123456:abc/42")


def test_what_is_neither_is_refused():
    with pytest.raises(ConfigError, match="to"):
        sink_of(7)
