"""``bistoury alerts``: see that messages arrive, before they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ConfigError
from . import running
from .options import ApiUrl, AsJson, Network, require

_SENT_WITHIN = 30.0


def alerts(
    action: Annotated[str, typer.Argument(metavar="test", help="Send a test.")],
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Where to, as Apprise reads it; repeatable."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file with the settings of alerts."),
    ] = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Send a test message and its end to every place; say which of them took it.

    Nothing is connected. A URL on the command line can be seen by others on this
    machine; --plan keeps it in a file. Status 1 if any place did not take it.

    Examples:
        bistoury alerts test --plan alerts.toml

        bistoury alerts test --to json://127.0.0.1:9000/hook
    """
    from ..alerting.plan import AlertPlan  # noqa: PLC0415
    from ..alerting.sinks import sink_of  # noqa: PLC0415

    try:
        require(action == "test", "action", action, "test")
        wanted = (*(AlertPlan.load(plan).to if plan is not None else ()), *(to or ()))
        some = "at least one place, or --plan FILE"
        require(bool(wanted), "--to", "nothing", some)
        sinks = [sink_of(it) for it in wanted]
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    running.run(lambda: _test(sinks, as_json=as_json))


async def _test(sinks: list[Any], *, as_json: bool) -> int:
    from ..alerting.alerts import test_messages  # noqa: PLC0415
    from ..alerting.delivery import Delivery  # noqa: PLC0415
    from .output import write_json, write_line  # noqa: PLC0415

    delivery = Delivery(sinks)
    for message in test_messages():
        delivery.put(message)
    await delivery.finish(_SENT_WITHIN)
    posts = delivery.posts
    total = len(list(test_messages()))
    results = [
        {
            "to": it.sink.name,
            "sent": it.sent,
            "ok": it.sent == total,
            "error": None if it.sent == total else _why(it),
        }
        for it in posts
    ]
    if as_json:
        write_json({"results": results})
    else:
        for it in results:
            mark = "✓" if it["ok"] else "✗"
            why = f"  {it['error']}" if it["error"] else ""
            write_line(f"{mark} {it['to']:<24} {it['sent']} of {total} taken{why}")
    return running.DONE if all(it["ok"] for it in results) else running.BAD


def _why(post: Any) -> str:
    return post.last_error or f"no answer within {_SENT_WITHIN:g} s"
