"""
Break ``session/`` in every small way, and see whether its tests notice.

    python tools/mutate.py                      # everything, about an hour
    python tools/mutate.py --only session.py    # one file
    python tools/mutate.py --since mutants.json # only what was not killed before

Each mutant is one change to one line: another comparison, a number beside the
right one, a statement left out, a ``None`` instead of an answer. A mutant that
all of ``tests/session`` let pass has survived, and is printed as a diff. The
status is 1 if more than ``--allow`` percent survive. Survivors that cannot be
told from the original by any test are explained in ``tests/session/SURVIVORS.md``.
"""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("src/bistoury/session")
TESTS = Path("tests/session")
NEEDED = ("src", "tests/session", "tests/conftest.py", "pyproject.toml")

MEMORY = 2 * 1024**3
"""Bytes for one run: a loop that collects for ever must not take the machine along."""
TEST_LIMIT = 10
"""Processor seconds for one test: far above the slowest, so that only endless loops
meet it, however busy the machine is."""
RUN_LIMIT = 1800.0
"""Seconds for one run, should a test sleep instead of working."""


_home = ROOT
"""Where the originals are: in a copy, once it is made; people go on working."""


@cache
def source_of(file: str) -> str:
    """Return the original of a file."""
    return (_home / PACKAGE / file).read_text()


@dataclass(frozen=True)
class Unit:
    """A function, or a statement outside of any, and the class that it is part of."""

    owner: str
    start: int
    end: int


@dataclass(frozen=True)
class Mutant:
    """One change: the text of a stretch of one file, replaced."""

    file: str
    line: int
    start: int
    end: int
    text: str
    what: str
    unit: Unit

    @property
    def key(self) -> str:
        """Name the mutant, as long as the function around it does not change."""
        start, end = self.start - self.unit.start, self.end - self.unit.start
        around = source_of(self.file)[self.unit.start : self.unit.end]
        facts = f"{self.file}:{self.unit.owner}:{start}:{end}:{self.text}:{around}"
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def apply(self, source: str) -> str:
        """Return the source with the change made."""
        return source[: self.start] + self.text + source[self.end :]

    def diff(self) -> str:
        """Return the change as a diff without context."""
        source = source_of(self.file)
        lines = difflib.unified_diff(
            source.splitlines(), self.apply(source).splitlines(), "", "", "", "", 0, ""
        )
        changed = [it for it in lines if it[0] in "+-" and it[:3] not in ("---", "+++")]
        where = f"{PACKAGE / self.file}:{self.line}: {self.what}"
        return "\n".join([where, *(f"    {it}" for it in changed)])


# What may go wrong with one node

_SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
_NAMES = {
    "min": ("max",),
    "max": ("min",),
    "any": ("all",),
    "all": ("any",),
    "inf": ("0.0",),
    "sum": ("max",),
    "sorted": ("list",),
    "round": ("float",),
}
_METHODS = {
    "append": "pop",
    "popleft": "pop",
    "add": "discard",
    "discard": "add",
    "values": "keys",
}
_REMOVABLE = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete),
    *(ast.Raise, ast.Assert, ast.Break, ast.Continue),
)


def _with(node: ast.AST, **change: object) -> ast.AST:
    twin = copy.copy(node)
    for name, value in change.items():
        setattr(twin, name, value)
    return twin


def _of_operators(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Compare(ops=ops):
            for place, operator in enumerate(ops):
                for other in _SWAPS[type(operator)]:
                    changed = [*ops[:place], other(), *ops[place + 1 :]]
                    yield _with(node, ops=changed), f"{other.__name__} comparison"
        case ast.BoolOp(op=operator, values=values):
            for other in _SWAPS[type(operator)]:
                yield _with(node, op=other()), "and/or"
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                left = rest[0] if len(rest) == 1 else _with(node, values=rest)
                yield left, f"operand {place + 1} left out"
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator):
            for other in _SWAPS.get(type(operator), ()):
                yield _with(node, op=other()), f"{other.__name__} arithmetic"
            if isinstance(node, ast.AugAssign):
                plain = ast.Assign([node.target], node.value, lineno=node.lineno)
                yield plain, "plain assignment"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand, "operator left out"


def _of_values(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value), "flipped"
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1), "one more"
            yield ast.Constant(value - 1), "one less"
        case ast.Constant(value=str(value)):
            yield ast.Constant(f"X{value}"), "other text"
        case ast.Constant(value=None):
            yield ast.Constant(0), "0 for None"
        case ast.Name(id=name, ctx=ast.Load()):
            for other in _NAMES.get(name, ()):
                yield ast.parse(other, mode="eval").body, f"{other} for {name}"
        case ast.IfExp(test=test) if not isinstance(test, ast.Compare):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test)), "negated"
        case ast.Call(func=function, args=args, keywords=keywords):
            for place, _ in enumerate(args):
                changed = [*args[:place], ast.Constant(None), *args[place + 1 :]]
                yield _with(node, args=changed), f"None as argument {place + 1}"
            for place, keyword in enumerate(keywords):
                rest = [*keywords[:place], *keywords[place + 1 :]]
                yield _with(node, keywords=rest), f"without {keyword.arg}"
            if isinstance(function, ast.Attribute) and function.attr in _METHODS:
                instead = _METHODS[function.attr]
                swapped = _with(function, attr=instead)
                yield _with(node, func=swapped), f".{instead}()"


def _of_statements(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield ast.Return(ast.Constant(None)), "returns None"
        case _ if isinstance(node, _REMOVABLE):
            yield ast.Pass(), "left out"


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


class Finder:
    """Finds every mutant of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.owner, self.unit = "", Unit("", 0, 0)
        self.source = source_of(file)
        lines = self.source.splitlines(keepends=True)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line))

    def find(self) -> Iterator[Mutant]:
        """Yield the mutants, top to bottom."""
        yield from self._visit(ast.parse(self.source), in_function=False)

    def _visit(self, node: ast.AST, *, in_function: bool) -> Iterator[Mutant]:
        if _is_docstring(node) or isinstance(node, ast.Import | ast.ImportFrom):
            return
        if isinstance(node, ast.ClassDef):
            self.owner = node.name
        elif isinstance(node, ast.stmt) and not in_function:
            self.unit = Unit(self.owner, *self._span(node))
        yield from self._mutate(node, in_function=in_function)
        inside = in_function or isinstance(node, ast.FunctionDef)
        for name, value in ast.iter_fields(node):
            # Annotations are for readers, decorators for the interpreter; the names
            # in a pattern and the specs in an f-string have no text of their own.
            if name in ("annotation", "returns", "decorator_list", "format_spec"):
                continue
            if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.dump(
                node.annotation
            ):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._visit(child, in_function=inside)
        if isinstance(node, ast.ClassDef):
            self.owner = ""

    def _mutate(self, node: ast.AST, *, in_function: bool) -> Iterator[Mutant]:
        if isinstance(node, ast.If | ast.While):
            if not isinstance(node.test, ast.Compare):
                negated = ast.UnaryOp(ast.Not(), node.test)
                yield self._mutant(node.test, negated, "negated")
            return
        if isinstance(node, ast.match_case) and node.guard is not None:
            yield self._mutant(node.guard, ast.Constant(True), "no guard")
        if isinstance(node, ast.JoinedStr):
            yield self._mutant(node, ast.Constant("X"), "other text")
            return
        if isinstance(node, ast.comprehension):
            for condition in node.ifs:
                yield self._mutant(condition, ast.Constant(True), "no filter")
            return
        found = [*_of_operators(node), *_of_values(node)]
        if in_function:
            found += _of_statements(node)
        for other, what in found:
            yield self._mutant(node, other, what)

    def _mutant(self, node: ast.AST, other: ast.AST, what: str) -> Mutant:
        text = ast.unparse(ast.fix_missing_locations(other))
        if isinstance(node, ast.expr):
            text = f"({text})"
        start, end = self._span(node)
        return Mutant(self.file, node.lineno, start, end, text, what, self.unit)  # type: ignore[attr-defined]

    def _span(self, node: ast.AST) -> tuple[int, int]:
        start = self._offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return start, self._offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def _offset(self, line: int, column: int) -> int:
        # The columns of ``ast`` are bytes; ours are characters.
        begin = self.starts[line - 1]
        text = self.source[begin : self.starts[line]].encode()[:column]
        return begin + len(text.decode())


def all_mutants(only: str | None) -> list[Mutant]:
    """Return every mutant that compiles, without repetitions."""
    found: dict[tuple[str, str], Mutant] = {}
    for path in sorted((_home / PACKAGE).glob("*.py")):
        if path.name == "__init__.py" or (only and path.name != only):
            continue
        finder = Finder(path.name)
        for mutant in finder.find():
            changed = mutant.apply(finder.source)
            try:
                same = ast.dump(ast.parse(changed)) == ast.dump(
                    ast.parse(finder.source)
                )
            except SyntaxError:
                continue
            if not same:
                found.setdefault((path.name, changed), mutant)
    return list(found.values())


# Running the tests

_folder = ROOT  # of this worker, once it has begun


def settle_in(place: Path) -> None:
    """Make a copy of the originals to work from."""
    global _home, _folder  # noqa: PLW0603 -- every process has one of each
    _home = _folder = place / "original"
    for name in NEEDED:
        source, target = ROOT / name, _home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy(source, target)


def begin() -> None:
    """Make a folder of this worker's own, with bytecode of what never changes."""
    global _folder  # noqa: PLW0603
    _folder = Path(tempfile.mkdtemp(dir=_home.parent)) / "copy"
    shutil.copytree(_home, _folder)
    run_tests([str(TESTS)], keep_bytecode=True)


def attempt(mutant: Mutant) -> tuple[Mutant, str]:
    """Put the mutant in place of the original for one run of the tests."""
    target = _folder / PACKAGE / mutant.file
    original = target.read_text()
    for stale in target.parent.glob(f"__pycache__/{target.stem}.*.pyc"):
        stale.unlink()
    target.write_text(mutant.apply(original))
    own = TESTS / f"test_{target.stem}.py"
    first = [str(own)] if (_folder / own).exists() else []
    outcome = run_tests([*first, str(TESTS)])
    target.write_text(original)
    return mutant, outcome


def run_tests(tests: list[str], *, keep_bytecode: bool = False) -> str:
    """Run pytest in a child of this process; return what came of it."""
    child = os.fork()
    if child == 0:
        be_pytest(tests, keep_bytecode=keep_bytecode)
    deadline = time.monotonic() + RUN_LIMIT
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done and os.WIFSIGNALED(status):
            return "endless"
        if done:
            return "survived" if status == 0 else "killed"
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "endless"


def be_pytest(tests: list[str], *, keep_bytecode: bool) -> NoReturn:
    """Turn this process into a run of pytest that nobody hears."""
    status = 1
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(silence, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(_folder)
        os.environ["HYPOTHESIS_PROFILE"] = "mutate"
        sys.dont_write_bytecode = not keep_bytecode
        import pytest  # noqa: PLC0415 -- loaded before the fork

        options = ["-x", "-q", "-p", "no:cacheprovider", "--timeout=0"]
        # What is imported before the fork is not rewritten, and need not be.
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        status = int(pytest.main([*options, *tests], [Patience()]))
    finally:
        os._exit(status)


class Patience:
    """A plug-in that ends the whole run when one test uses up its time."""

    def pytest_runtest_setup(self) -> None:
        """Wind the clock: at zero, the signal ends this process."""
        signal.setitimer(signal.ITIMER_PROF, TEST_LIMIT)


# The whole of it


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="FILE", help="mutate this file alone")
    parser.add_argument(
        "--since", metavar="JSON", type=Path, help="skip what this summary has killed"
    )
    parser.add_argument(
        "--json", metavar="JSON", type=Path, default=Path("mutants.json"),
        help="where to write the summary (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, default=2, help="runs at once (default: 2)")
    parser.add_argument(
        "--allow", type=float, default=3.0, help="percent that may survive (default: 3)"
    )
    parser.add_argument("--list", action="store_true", help="only show the mutants")
    return parser.parse_args()


def main() -> int:
    """Work in a copy; return the exit status."""
    asked = arguments()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        settle_in(Path(place))
        return try_all(asked)


def try_all(asked: argparse.Namespace) -> int:
    """Try every mutant; return the exit status."""
    mutants = all_mutants(asked.only)
    if asked.list:
        print(*(mutant.diff() for mutant in mutants), sep="\n")
        return 0
    outcomes: dict[str, str] = {}
    if asked.since and asked.since.exists():
        before = json.loads(asked.since.read_text())["mutants"]
        outcomes = {it["key"]: it["outcome"] for it in before}
    wanted = [it for it in mutants if outcomes.get(it.key, "survived") == "survived"]
    print(f"{len(mutants)} mutants, {len(wanted)} to try", flush=True)

    import hypothesis  # noqa: F401, PLC0415 -- so that each child has it already
    import msgspec  # noqa: F401, PLC0415
    import pytest  # noqa: F401, PLC0415

    if run_tests([str(TESTS)]) != "survived":
        print("the tests fail without any mutant", file=sys.stderr)
        return 2
    with get_context("fork").Pool(asked.jobs, begin) as pool:
        for count, (mutant, outcome) in enumerate(
            pool.imap_unordered(attempt, wanted), start=1
        ):
            outcomes[mutant.key] = outcome
            if outcome == "survived":
                print(mutant.diff(), flush=True)
            if count % 50 == 0 or count == len(wanted):
                write(asked.json, mutants, outcomes)
                print(f"... {count} of {len(wanted)}", flush=True)

    tried = Counter(outcomes[mutant.key] for mutant in mutants)
    share = 100 * tried["survived"] / max(1, tried.total())
    print(
        f"{tried.total()} mutants: {tried['killed']} killed,"
        f" {tried['endless']} endless, {tried['survived']} survived"
        f" ({share:.1f} %, allowed {asked.allow:g} %)"
    )
    return 1 if share > asked.allow else 0


def write(path: Path, mutants: list[Mutant], outcomes: dict[str, str]) -> None:
    """Write what is known so far, so that a run that is cut short can go on."""
    known: list[dict[str, Any]] = [
        {
            "key": mutant.key,
            "file": str(PACKAGE / mutant.file),
            "line": mutant.line,
            "what": mutant.what,
            "outcome": outcomes[mutant.key],
        }
        for mutant in mutants
        if mutant.key in outcomes
    ]
    counts = Counter(it["outcome"] for it in known)
    document = {"v": 1, "of": len(mutants), "outcomes": counts, "mutants": known}
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
