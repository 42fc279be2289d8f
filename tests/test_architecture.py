"""The layers, and who may import whom: the table is the documentation."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "bistoury"
LONGEST = 400

# A layer may import itself and those named beside it. Read downwards: whatever is
# named stands further down, so nothing points up.
LAYERS: dict[str, set[str]] = {
    "__main__": {"cli"},
    "cli": {
        *("serving", "alerting"),
        *("testing", "paper_trading", "hyperliquid", "observability", "simulator"),
        *("recorder", "resilience", "transport", "config", "session", "urls", "errors"),
        "__version__",
    },
    "testing": {
        *("hyperliquid", "recorder", "simulator", "transport", "config", "session"),
        "errors",
    },
    "paper_trading": {
        *("hyperliquid", "serving", "observability", "config", "session", "errors"),
    },
    "hyperliquid": {
        *("recorder", "supervisor", "dispatcher", "observability", "mailbox"),
        *("serving", "alerting", "resilience", "io_thread", "backlog", "__version__"),
        *("transport", "config", "session", "urls", "errors", "collaborators"),
    },
    "serving": {"observability", "session", "errors"},
    "alerting": {"observability", "session", "errors"},
    "recorder": {"collaborators", "observability", "session", "errors", "__version__"},
    "supervisor": {
        "collaborators",
        "endings",
        "receiver",
        "transport",
        "session",
        "errors",
    },
    "collaborators": {"session", "errors"},
    "endings": {"session", "errors"},
    "receiver": {"session", "errors"},
    "dispatcher": {"mailbox", "backlog", "session"},
    "observability": {"mailbox", "backlog", "session", "errors"},
    "mailbox": {"backlog"},
    "backlog": set(),
    "io_thread": set(),
    "resilience": {"session"},
    # The venue shares no code with the client: a misreading is not made twice.
    "simulator": {"transport", "errors"},
    "transport": {"errors"},
    "config": {"config_places", "session", "urls", "errors"},
    "config_places": {"errors"},
    "session": {"errors"},
    "urls": {"errors"},
    "errors": set(),
    "__version__": set(),
}

# All that a pure package may lean on.
PURE = {
    *("__future__", "collections", "dataclasses", "enum", "itertools", "math"),
    *("random", "typing", "msgspec"),
    "datetime",  # as a value: ``now`` is banned below
}

# Folders and files whose names say nothing about what is inside.
EMPTY_NAMES = {
    *("core", "common", "utils", "util", "helpers", "helper", "manager", "managers"),
    *("base_classes", "interfaces", "domain", "infrastructure", "misc", "lib"),
}

MODULES = sorted(PACKAGE.rglob("*.py"))
INSIDE = [path for path in MODULES if path != PACKAGE / "__init__.py"]
SESSION = [path for path in MODULES if path.parent == PACKAGE / "session"]


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def layers(path: Path) -> set[str]:
    """Return the layers of this package that ``path`` imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ImportFrom):
            continue
        depth = len(path.relative_to(PACKAGE).parts)
        if node.level == depth:
            names = [node.module] if node.module else [it.name for it in node.names]
            found |= {it.split(".")[0] for it in names}
        elif node.level > depth:
            found.add("(outside)")
    return found


def packages(path: Path) -> set[str]:
    """Return the top-level packages that ``path`` imports by their full names."""
    found = set()
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import(names):
                found |= {it.name.split(".")[0] for it in names}
            case ast.ImportFrom(str(module), level=0):
                found.add(module.split(".")[0])
    return found


def test_the_table_is_read_downwards():
    order = list(LAYERS)

    for layer, below in LAYERS.items():
        assert below <= set(order[order.index(layer) + 1 :]), layer


def test_every_layer_is_in_the_table():
    assert {layer_of(path) for path in INSIDE} <= set(LAYERS)


@pytest.mark.parametrize("path", INSIDE, ids=name)
def test_imports_only_downwards(path):
    layer = layer_of(path)

    assert layers(path) <= LAYERS[layer] | {layer}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_itself_relatively(path):
    # ``import src.bistoury`` from a checkout finds no ``bistoury``.
    assert not packages(path) & {"bistoury", "src"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_is_short_enough_to_be_read(path):
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_says_what_it_is_about(path):
    assert ast.get_docstring(tree(path)) or not path.read_text().strip()
    assert not EMPTY_NAMES & {*path.relative_to(PACKAGE).parts, path.stem}


@pytest.mark.parametrize("path", SESSION, ids=name)
def test_the_session_is_pure(path):
    assert packages(path) <= PURE
    for node in ast.walk(tree(path)):
        assert not isinstance(
            node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith
        )
        match node:
            case ast.Attribute(attr="now" | "utcnow" | "today"):
                pytest.fail("time enters as an argument")
            case ast.Call(
                func=ast.Name(id="print" | "open" | "input" | "exec" | "eval")
            ):
                pytest.fail("a session acts on nothing")
            case ast.Global():
                pytest.fail("a session has no module state")


def test_only_one_module_knows_both_sessions_and_transports_below_the_client():
    both = {
        layer_of(path)
        for path in INSIDE
        if {"session", "transport"} <= layers(path)
        and layer_of(path) not in ("hyperliquid", "cli", "testing")
    }

    assert both == {"supervisor"}
