"""
What the environment, the two files and the caller say about settings.

Each place is read as it is: which settings exist, and which values are allowed,
is decided elsewhere. The files are those of the current folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .errors import ConfigError

PREFIX = "BISTOURY_"

NOT_SETTINGS = frozenset({"BISTOURY_SHARED"})
"""Variables that configure no client: where the tests look for recordings."""

ENV_FILE, TOML_FILE = ".env", "bistoury.toml"


class Place(NamedTuple):
    """What one place says: by setting, the key as written there, and its value."""

    suffix: str
    """What an error adds to a key, to say where it is written."""
    prefix: str
    """What keys begin with here; such keys are in capitals."""
    said: dict[str, tuple[str, Any]]

    def key(self, name: str) -> str:
        """Spell the setting ``name`` as this place does."""
        if self.prefix:
            return self.prefix + name.upper().replace(".", "__")
        return name


def places(given: dict[str, Any]) -> Iterator[Place]:
    """Yield the places settings come from, the strongest first."""
    yield Place("", "", {name: (name, it) for name, it in _flat(given)})
    yield Place("", PREFIX, _variables(os.environ))
    from dotenv import dotenv_values  # noqa: PLC0415  # comes with pydantic-settings

    try:
        lines = dotenv_values(ENV_FILE) if Path(ENV_FILE).is_file() else {}
    except (OSError, ValueError) as error:
        raise ConfigError(ENV_FILE, str(error), "a readable file") from error
    yield Place(f" in {ENV_FILE}", PREFIX, _variables(lines))
    file = Path(TOML_FILE)
    try:
        # Reading a folder fails, and so it should: it is none of ours by accident.
        is_there = file.is_file() or file.is_dir()
        table = tomllib.loads(file.read_text("utf-8")) if is_there else {}
    except (OSError, ValueError) as error:
        raise ConfigError(TOML_FILE, str(error), "a readable TOML file") from error
    said = {name: (name, it) for name, it in _flat(table)}
    yield Place(f" in {TOML_FILE}", "", said)


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", it) for inner, it in value.items())
        else:
            yield name, value


def _variables(lines: Mapping[str, str | None]) -> dict[str, tuple[str, Any]]:
    """Return ours, by setting; in any case, as the environment is read."""
    return {
        key.upper().removeprefix(PREFIX).lower().replace("__", "."): (key, value)
        for key, value in lines.items()
        if key.upper().startswith(PREFIX) and key.upper() not in NOT_SETTINGS
    }
