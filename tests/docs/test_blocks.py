"""
Every block of the documentation does what it says, as far as that can be tried here.

Python runs against a local venue over real sockets. Sleeps are cut short and what
would run for ever is ended, by rewriting the block: ``asyncio`` itself stays as it
is. Commands are parsed, not run.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import logging
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.alerting import AlertPlan
from bistoury.cli import app
from bistoury.config import Given, Limits
from bistoury.simulator import FaultPlan, read_fault

ROOT = Path(__file__).parents[2]

NAP = 0.3
"""The longest sleep of a block, in seconds."""

LONGEST = 1.0
"""How long a block may run before it is ended, in seconds."""


class Shortened(ast.NodeTransformer):
    """Cuts sleeps short and ends what ``asyncio.run`` runs."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node.func) == "asyncio.sleep":
            node.args = [_call("_nap", node.args)]
        elif ast.unparse(node.func) == "asyncio.run":
            node.args = [_call("_limited", node.args)]
        return node


def _call(name: str, args: list[ast.expr]) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), args, [])


def nap(seconds: float) -> float:
    return min(seconds, NAP)


async def limited(work):
    """Run ``work``, and end it when it has run for long enough."""
    task = asyncio.ensure_future(work)
    _, unfinished = await asyncio.wait([task], timeout=LONGEST)
    if unfinished:
        task.cancel()
        await asyncio.wait([task], timeout=5)
    if not task.cancelled():
        return task.result()
    return None


def uses(tree: ast.AST, name: str) -> bool:
    """Whether the block takes ``name`` from nowhere."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    is_bound = any(it.id == name and isinstance(it.ctx, ast.Store) for it in names)
    return any(it.id == name for it in names) and not is_bound


def play(block):
    """Run a block as a program, or, if it begins in the middle, with a client."""
    tree = ast.parse(block.text)
    is_virtual = "virtual_time" in block.text
    if not is_virtual:
        tree = ast.fix_missing_locations(Shortened().visit(tree))
    names = {"__name__": "__main__", "_nap": nap, "_limited": limited}
    code = compile(tree, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE and not uses(tree, "client"):
        asyncio.run(limited(eval(code, names)))  # a notebook's cell
    elif uses(tree, "client") and not any(
        isinstance(node, ast.arg) and node.arg == "client" for node in ast.walk(tree)
    ):
        asyncio.run(in_the_middle(code, names))
    else:
        exec(code, names)
    for name, value in list(names.items()):
        if name.startswith("test_"):
            value()


async def in_the_middle(code, names):
    """Run a block that takes a connected client for granted."""
    async with HyperLiquidIntegration(Config.load_from_env()) as client:
        names |= {"client": client, "asyncio": asyncio}
        result = eval(code, names)
        if inspect.isawaitable(result):
            await limited(result)


@pytest.mark.timeout(30)
def test_python_runs(python_block, environment, caplog):
    caplog.set_level(logging.ERROR)

    play(python_block)
    gc.collect()  # what a block leaves open is to be found here, and not in a later test

    # A handler that raises disturbs nothing, so it must be looked for.
    assert [record.getMessage() for record in caplog.records] == []


def commands(text: str):
    """Yield the commands of a block: their assignments and their words."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if "|" in words:
            words = words[: words.index("|")]
        assignments = []
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            assignments.append(words.pop(0).partition("=")[0])
        if words:
            yield assignments, words


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def check_bistoury(args: list[str]) -> None:
    """Parse the arguments as the command would, and run nothing."""
    from typer.main import get_command

    group = get_command(app)
    context = group.make_context("bistoury", [], resilient_parsing=True)
    if args[0].startswith("-"):
        assert args[0] in [opt for it in group.params for opt in it.opts]
        return
    name, command, rest = group.resolve_command(context, args)
    made = command.make_context(name, list(rest), parent=context)
    if hasattr(command, "list_commands"):
        name, command, rest = command.resolve_command(made, rest)
        made = command.make_context(name, rest, parent=made)
    given = made.params
    if given.get("inject") is not None:
        read_fault(given["inject"])


def extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["optional-dependencies"])


def test_commands_exist(shell_block):
    for assignments, words in commands(shell_block.text):
        for name in assignments:
            assert name in variables(), f"{name} is no variable"
        match words:
            case ["make", *names]:
                assert set(names) <= targets(), f"no target for {words}"
            case ["bistoury", *args]:
                check_bistoury(args)
            case ["python", path, *_]:
                assert (ROOT / path).is_file(), f"{path} is missing"
            case ["source", ".venv/bin/activate"]:
                pass
            case ["pip", "install", what]:
                named = re.findall(r"\w+", what.partition("[")[2])
                assert set(named) <= extras(), f"no such extra for {words}"
            case _:
                pytest.fail(f"nothing is known about {shlex.join(words)}")


def test_settings_exist(toml_block, environment, monkeypatch):
    data = tomllib.loads(toml_block.text)
    if "step" in data:
        Path("plan.toml").write_text(toml_block.text, "utf-8")
        assert len(FaultPlan.load("plan.toml").steps) == len(data["step"])
        return
    if "to" in data:
        Path("alerts.toml").write_text(toml_block.text, "utf-8")
        plan = AlertPlan.load("alerts.toml")
        assert {k: getattr(plan, k) for k in data} == data | {"to": tuple(data["to"])}
        return
    monkeypatch.delenv("BISTOURY_NETWORK")
    Path("bistoury.toml").write_text(toml_block.text, "utf-8")
    config = Config()
    for name, value in data.items():
        if name == "limits":
            assert {k: getattr(config.limits, k) for k in value} == value
        else:
            assert getattr(config, name) == value


def variables() -> set[str]:
    """Return every environment variable that is read."""
    names = {name.upper() for name in Given.__annotations__ if name != "limits"}
    limits = {f"LIMITS__{name.upper()}" for name in Limits.__dataclass_fields__}
    return {f"BISTOURY_{name}" for name in names | limits}


def test_variables_exist(page):
    named = set(re.findall(r"BISTOURY_\w*[A-Z]\b", page.read_text("utf-8")))

    assert named <= variables()


def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.MULTILINE)
            slugs = {
                re.sub(r"[^\w\- ]", "", it).lower().replace(" ", "-") for it in titles
            }
            assert anchor in slugs, target


def test_every_page_is_linked():
    pages = {path for path in (ROOT / "docs").rglob("*.md") if path.name != "index.md"}
    linked = set()
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            linked.add((page.parent / target).resolve())

    assert {str(page) for page in pages if page.resolve() not in linked} == set()


def test_pictures_are_small():
    """A page that shows output shows a screen of it at most."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (picture,) = re.findall(r"^```text\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)

    assert len(picture.splitlines()) <= 25


def test_faults_in_the_guide_are_faults():
    page = (ROOT / "docs" / "guides" / "local-venue.md").read_text("utf-8")
    (line,) = re.findall(r"^A fault is a name.*$", page, re.MULTILINE)
    shown = [*re.findall(r"`(\{.*?\})`", page), *re.findall(r"`([^`]+)`", line)]

    assert len(shown) == 4
    for text in shown:
        read_fault(text)
