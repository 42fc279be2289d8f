"""
Where the other clients live, and how each one is started.

ccxt and the SDK share the environment of ``tests/peers``; nautilus_trader has one of
its own, with the newest Python at hand that its wheel is made for.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).with_name("clients")
EAGER = "bistoury, cap 5 s"
NAMES = (
    *("bistoury", EAGER),
    *("hyperliquid-python-sdk", "ccxt.pro", "nautilus_trader"),
)
_SHARED = ROOT / ".venv-peers", ROOT / "tests" / "peers" / "constraints.txt"
_NAUTILUS = ROOT / ".venv-nautilus", Path(__file__).with_name("nautilus.txt")
_WANTED = {
    ".venv-peers": ("hyperliquid-python-sdk", "ccxt"),
    ".venv-nautilus": ("nautilus_trader",),
}
_INTERPRETERS = ("python3.14", "python3.13", "python3.12")


def commands(names: list[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return how to start each client, without the venue, and what cannot be."""
    found: dict[str, list[str]] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            found[name] = _command(name)
        except (OSError, LookupError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or b""
            missing[name] = f"{error} {said.decode()[-300:]}".strip()
    return found, missing


def _command(name: str) -> list[str]:
    if name == "bistoury":
        return [sys.executable, str(SCRIPTS / "ours.py")]
    if name == EAGER:
        return [sys.executable, str(SCRIPTS / "ours.py"), "--cap=5"]
    if name == "nautilus_trader":
        python = _made(*_NAUTILUS, _interpreter())
        return [str(python), str(SCRIPTS / "nautilus.py")]
    script = "ccxt_pro.py" if name == "ccxt.pro" else "python_sdk.py"
    return [str(_made(*_SHARED, sys.executable)), str(SCRIPTS / script)]


def _interpreter() -> str:
    """Return a Python that nautilus_trader has a wheel for."""
    for name in _INTERPRETERS:
        places = [shutil.which(name), *_versions(name)]
        for place in filter(None, places):
            done = subprocess.run(
                [place, "-c", "import venv"], capture_output=True, check=False
            )
            if done.returncode == 0:
                return str(place)
    raise LookupError(f"none of {', '.join(_INTERPRETERS)} is installed")


def _versions(name: str) -> list[str]:
    """Return the interpreters that a version manager keeps, newest first."""
    folder = Path.home() / ".pyenv" / "versions"
    number = name.removeprefix("python")
    return sorted(map(str, folder.glob(f"{number}.*/bin/python")), reverse=True)


def _made(folder: Path, constraints: Path, interpreter: str) -> Path:
    """Return the interpreter of an environment, made if it is missing or old."""
    python, stamp = folder / "bin" / "python", folder / ".ready"
    digest = hashlib.sha256(constraints.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    print(f"setting up {folder.name} (once)", file=sys.stderr)
    for command in (
        [interpreter, "-m", "venv", str(folder)],
        [
            *(str(python), "-m", "pip", "install", "--quiet"),
            *("--disable-pip-version-check", "-c", str(constraints)),
            *_WANTED[folder.name],
        ],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=900)
    (folder / ".gitignore").write_text("*\n")
    stamp.write_text(digest)
    return python
