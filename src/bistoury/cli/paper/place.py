"""Where the paper server is, how it is asked, and where its journal lies."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import msgspec
import typer

from ...errors import BistouryError, ConfigError
from .. import running
from ..following import UnreachableError, ask, asking, decoded
from ..serve import token_from

DEFAULT_URL = "http://127.0.0.1:8767"
_OK, _WRONG = 200, (400, 404)

At = Annotated[
    str, typer.Option("--at", metavar="URL", help="Where the paper server is.")
]
Account = Annotated[
    str, typer.Option("--account", metavar="NAME", help="A name or an address.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="The server's token, if any."),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal", metavar="FILE", help="Read this journal and ask no server."
    ),
]


class RefusedError(BistouryError):
    """The paper server says no; the text is its sentence."""


class Server:
    """A paper server that runs elsewhere."""

    def __init__(self, http: Any, url: str, token: str | None) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask for a document below ``/paper/``."""
        asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        return await self._ask("GET", f"{path}?{asked}" if asked else path, None)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Wish for something below ``/paper/``."""
        return await self._ask("POST", path, msgspec.json.encode(body))

    async def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        url = f"{self._url}/paper/{path}"
        status, raw = await ask(self._http, method, url, self._headers, body)
        found = decoded(raw, f"{self._url} is not a paper server")
        if not isinstance(found, dict) or (status == _OK and "paper" not in found):
            raise UnreachableError(f"{self._url} is not a paper server")
        if status != _OK:
            said = str(found.get("error", f"HTTP {status}"))
            raise RefusedError(said)
        return found


@asynccontextmanager
async def server(url: str, token: str | None) -> AsyncIterator[Server]:
    """Ask the paper server at ``url``."""
    async with asking(url, DEFAULT_URL) as http:
        yield Server(http, url, token)


def journal_place() -> Path:
    """Return where the journal lies by default; the folder may not be there yet."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "bistoury" / "paper.sqlite"


Asking = Callable[[Server], Awaitable[int]]


def run_asking(at: str, token_file: Path | None, work: Asking) -> NoReturn:
    """Ask a server and leave with the exit status of what came of it."""
    try:
        token = token_from(token_file)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None

    async def go() -> int:
        try:
            async with server(at, token) as there:
                return await work(there)
        except UnreachableError as error:
            running.say(f"{error}; is it running? See bistoury paper start")
            return running.UNREACHABLE
        except RefusedError as error:
            running.say(str(error))
            return running.WRONG_USE

    running.run(go)
