"""The peers' environments: ``.venv-bench-*``, made when missing."""

from __future__ import annotations

import subprocess
import sys

from .contenders import ENVIRONMENTS
from .race import ROOT


def make() -> None:
    """Make every environment that is missing or out of date; say what cannot be."""
    for name, packages in ENVIRONMENTS.items():
        folder = ROOT / f".venv-bench-{name}"
        stamp = folder / ".ready"
        if stamp.exists() and stamp.read_text() == "\n".join(packages):
            continue
        print(f"making {folder.name}: {', '.join(packages)}", file=sys.stderr)
        python = folder / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run(
                [
                    *(str(python), "-m", "pip", "install", "--quiet"),
                    *("--disable-pip-version-check", *packages),
                ],
                check=True,
                timeout=900,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"without {name}: {error}", file=sys.stderr)
            continue
        (folder / ".gitignore").write_text("*\n")
        stamp.write_text("\n".join(packages))
