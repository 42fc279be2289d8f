"""What users import: the names, both spellings, and what importing does not do."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
import tomllib

import pytest

import bistoury
from bistoury import errors

# Contract, section 1.
PATHS = {
    "bistoury.hyperliquid.client": ["HyperLiquidIntegration"],
    "bistoury.config": ["Config"],
    "bistoury.paper_trading": ["PaperTradingEngine"],
    "bistoury.resilience": ["ConnectionCircuitBreaker", "MessageSequenceTracker"],
    "bistoury": [
        "Config",
        "ConnectionCircuitBreaker",
        "HyperLiquidIntegration",
        "MessageSequenceTracker",
        "__version__",
    ],
}

# Every import path the specification shows, and what it promises of loggers.
SPECIFIED = """
import logging, sys
from src.bistoury.hyperliquid.client import HyperLiquidIntegration
from src.bistoury.config import Config
from src.bistoury.paper_trading import PaperTradingEngine
from src.bistoury.resilience import ConnectionCircuitBreaker, MessageSequenceTracker

assert HyperLiquidIntegration.__module__ == "src.bistoury.hyperliquid.client"
assert "src.bistoury.hyperliquid.client" in logging.root.manager.loggerDict
assert not any(name.split(".")[0] == "bistoury" for name in sys.modules)
"""

BOTH = """
import bistoury
import src.bistoury
assert bistoury.Config is not src.bistoury.Config
assert bistoury.__all__ == src.bistoury.__all__
"""

# Runs before the import, and watches what it does.
WATCH = """
import json, logging, os, sys, threading

reads, opened = [], []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])

original = os._Environ.__getitem__

def getitem(self, key):
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("importlib"):
            break  # a module that is being imported, not the one that imports it
        if name.startswith("{package}"):
            reads.append((name, key))
        frame = frame.f_back
    return original(self, key)

os._Environ.__getitem__ = getitem
threads, handlers = threading.active_count(), list(logging.root.handlers)
sys.addaudithook(watch)
import {package}
found = dict(
    reads=reads,
    opened=[it for it in opened if not it.endswith((".py", ".pyc", ".so"))],
    threads=threading.active_count() - threads,
    modules=sorted({{name.split(".")[0] for name in sys.modules}}),
    handlers=logging.root.handlers == handlers,
    quiet=any(
        isinstance(it, logging.NullHandler)
        for it in logging.getLogger("{package}").handlers
    ),
    level=logging.getLogger("{package}").level,
)
print(json.dumps(found))
"""


def python(root, script, **environment):
    """Run a script in a new interpreter, in the root of the checkout."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BISTOURY_")}
    kept.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        cwd=root,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("module", "name"), [(m, name) for m, names in PATHS.items() for name in names]
)
def test_every_name_of_the_contract_can_be_imported(module, name):
    assert hasattr(importlib.import_module(module), name)


def test_the_package_says_what_is_public():
    assert bistoury.__all__ == sorted(bistoury.__all__)
    assert len(set(bistoury.__all__)) == len(bistoury.__all__)
    for name in bistoury.__all__:
        assert hasattr(bistoury, name)
    assert set(PATHS["bistoury"]) <= set(bistoury.__all__)


def test_the_version_is_that_of_the_project(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert bistoury.__version__ == project["version"]


def test_every_public_name_has_a_docstring():
    for name in bistoury.__all__:
        thing = getattr(bistoury, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name


def test_the_specification_spelling_works_from_a_checkout(root):
    python(root, SPECIFIED)


def test_both_spellings_in_one_process_do_no_harm(root):
    python(root, BOTH)


@pytest.mark.parametrize("package", ["bistoury", "src.bistoury"])
def test_importing_reads_nothing_starts_nothing_and_configures_nothing(root, package):
    # With a setting nobody could accept: only making a Config may complain.
    found = json.loads(
        python(root, WATCH.format(package=package), BISTOURY_NONSENSE="1")
    )

    assert found["reads"] == []
    assert found["opened"] == []
    assert found["threads"] == 0
    assert found["handlers"]
    assert found["quiet"]
    assert found["level"] == 0
    heavy = {
        *("aiohttp", "typer", "rich", "pydantic", "pydantic_settings", "stamina"),
        *("picows", "click", "prometheus_client"),
    }
    assert not heavy & set(found["modules"])


def test_the_command_is_a_module_too(root):
    assert "bistoury" in python(
        root, "import runpy, sys; sys.argv = ['bistoury', '--help'];"
        "\ntry: runpy.run_module('bistoury', run_name='__main__')"
        "\nexcept SystemExit as end: assert not end.code"
    )  # fmt: skip


# Errors: data first, and one sentence made of it.

ERRORS = [
    (
        errors.ConfigError("delay", -1, "a number above 0"),
        "delay: -1 is not allowed; expected a number above 0",
    ),
    (errors.ConnectFailedError("dns", "no such host"), "dns: no such host"),
    (errors.ConnectionLostError("reset"), "reset"),
    (errors.ConnectionLostError("closed", code=1000), "closed (close 1000)"),
    (
        errors.ConnectionLostError("closed", code=1000, reason="Expired"),
        "closed (close 1000 'Expired')",
    ),
    (
        errors.ConnectionLimitError(10),
        "at most 10 connections are allowed at once",
    ),
    (
        errors.SubscriptionRefusedError("trades(coin=X)", "Invalid subscription"),
        "trades(coin=X) was refused by the venue: Invalid subscription",
    ),
    (
        errors.SubscriptionLimitError("trades(coin=X)", "at most 1000"),
        "trades(coin=X) was not sent: at most 1000",
    ),
    (errors.ProtocolError("trades", "no rows"), "unreadable trades: no rows"),
    (errors.ProtocolError("", "no JSON"), "unreadable frame: no JSON"),
    (errors.RequestError("meta", "it broke"), "meta: it broke"),
    (errors.RequestError("meta", "it broke", 500), "meta: HTTP 500: it broke"),
    (errors.RateLimitedError("meta", 2.0), "meta: HTTP 429: too many requests"),
]


@pytest.mark.parametrize(
    ("error", "sentence"), ERRORS, ids=lambda it: type(it).__name__
)
def test_an_error_is_a_sentence_made_of_its_facts(error, sentence):
    assert str(error).startswith(sentence)
    assert isinstance(error, errors.BistouryError)


def test_errors_are_what_python_expects_too():
    assert issubclass(errors.ConfigError, ValueError)
    assert issubclass(errors.WrongLoopError, RuntimeError)
    assert issubclass(errors.ConnectFailedError, errors.TransportError)
    assert issubclass(errors.ConnectionLostError, errors.TransportError)
    assert issubclass(errors.SubscriptionRefusedError, errors.SubscriptionError)
    assert issubclass(errors.SubscriptionLimitError, errors.SubscriptionError)
    assert issubclass(errors.RateLimitedError, errors.RequestError)


def test_every_error_is_exported():
    raised = {
        name
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, errors.BistouryError)
    }

    assert raised <= set(bistoury.__all__)


def test_every_public_name_is_found_when_asked_for_and_no_other():
    for name in bistoury.__all__:
        assert getattr(bistoury, name) is not None
    assert set(bistoury.__all__) <= set(dir(bistoury))
    assert bistoury.errors.ConfigError is bistoury.ConfigError
    with pytest.raises(AttributeError, match="no attribute 'Configg'"):
        _ = bistoury.Configg
