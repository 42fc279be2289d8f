"""The reference names what there is: no more, no less."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import bistoury
from bistoury import Config, ConfigError, HyperLiquidIntegration, errors
from bistoury.alerting.rules import RULES
from bistoury.cli import app
from bistoury.config import Limits
from bistoury.observability.listeners import EVENTS
from bistoury.observability.metric_names import METRICS, PAPER
from bistoury.session import Cause
from bistoury.simulator import plan

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def rows(name: str, heading: str | None = None) -> dict[str, list[str]]:
    """Return the tables of a page, or of one section: first cell → the others' names."""
    text = (REFERENCE / name).read_text("utf-8")
    if heading is not None:
        text = text.partition(f"{heading}\n")[2]
        text = re.split(r"^#", text, maxsplit=1, flags=re.MULTILINE)[0]
    found = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            cells = line.strip("|").split(" | ")
            found[cells[0].strip(" `")] = re.findall(r"`(\w+)`", " ".join(cells[1:]))
    return found


def test_events():
    events = rows("events.md", "# Events")

    assert list(events) == list(EVENTS)
    for name, attributes in events.items():
        assert set(attributes) == set(EVENTS[name].__struct_fields__), name


def test_causes():
    assert set(rows("events.md", "## Causes")) == {str(cause) for cause in Cause}


def test_errors():
    classes = {
        name: it
        for name, it in vars(errors).items()
        if inspect.isclass(it) and issubclass(it, errors.BistouryError)
    }
    documented = rows("errors.md")

    assert set(documented) == set(classes)
    for name, (base, *_) in documented.items():
        assert base in [it.__name__ for it in classes[name].__mro__[1:3]]


def test_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BISTOURY_NETWORK", raising=False)
    documented = set(rows("configuration.md"))
    limits = set(Limits.__dataclass_fields__)
    settings = set(Config.__dataclass_fields__) - {"limits"}

    assert documented == settings | limits
    for name, it in Limits.__dataclass_fields__.items():
        assert (
            f"| `{name}` | `{it.default}` |"
            in (REFERENCE / "configuration.md").read_text()
        )


@pytest.fixture
def client(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return HyperLiquidIntegration(Config(network="local"))


def test_statistics(client):
    assert list(rows("statistics.md", "## Statistics")) == list(
        client.get_reconnection_stats()
    )


async def test_health(client):
    health = await client.get_connection_health()

    assert list(rows("statistics.md", "## Health")) == list(health)
    text = (REFERENCE / "statistics.md").read_text("utf-8").partition("### Limits")[2]
    assert re.findall(r"`(\w+)`", text) == list(health["limits"])


async def test_health_of_a_subscription(client):
    await client.subscribe_trades("BTC")
    (one,) = (await client.get_connection_health())["subscriptions"].values()

    assert set(one) == set(rows("statistics.md", "### Each subscription"))


def test_metrics():
    text = (REFERENCE / "metrics.md").read_text("utf-8")
    wanted = [
        f"| `{it.full_name(name)}` | {' '.join(f'`{label}`' for label in it.labels)}"
        f" | {it.text} |"
        for name, it in (METRICS | PAPER).items()
    ]

    assert re.findall(r"^\| `bistoury_.*$", text, re.MULTILINE) == wanted


def test_client_methods():
    text = (REFERENCE / "client.md").read_text("utf-8")
    public = {
        name
        for name, it in inspect.getmembers(HyperLiquidIntegration)
        if not name.startswith("_")
    }
    # What the parts of bistoury tell the client, and not for users.
    inner = {
        "answered",
        "announce",
        "audited",
        "backfill",
        "backfilled",
        "deliver",
        "deliver_raw",
        "ponged",
        "ticked",
    }
    inner |= {
        "handler_failed",
        "gave_up",
        "handler_slow",
        "missed",
        "join",
        "leave",
        "now",
        "overflowed",
        "state_of",
        "unreadable",
    }

    for name in public - inner:
        assert re.search(rf"`[^`]*\b{name}\b", text), name


def test_client_arguments():
    documented = rows("client.md", "# Client")

    assert set(documented) == set(inspect.signature(HyperLiquidIntegration).parameters)


def test_client_signatures():
    text = (REFERENCE / "client.md").read_text("utf-8")
    for call in re.findall(r"^\| `(?:await )?(\w+)\((.*?)\)` \|", text, re.MULTILINE):
        name, arguments = call
        method = getattr(HyperLiquidIntegration, name, None)
        if method is None:
            continue
        actual = inspect.signature(method).parameters
        documented = [
            it.split("=")[0].strip(" *")
            for it in arguments.split(",")
            if it.strip(" *")
        ]
        assert documented == [it for it in actual if it != "self"], name


def test_commands():
    text = (REFERENCE / "command-line.md").read_text("utf-8")
    from typer.main import get_command

    check_commands(text, get_command(app), "## bistoury")


def check_commands(text, group, heading):
    context = group.make_context("bistoury", [], resilient_parsing=True)
    for name in group.list_commands(context):
        title = f"{heading} {name}"
        section = text.partition(f"{title}\n")[2]
        section = re.split(r"^##+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
        assert section, f"{title} is not described"
        _, command, _ = group.resolve_command(context, [name])
        everywhere = {"--json", "--network", "--api-url", "--help"}
        real = {opt for it in command.params for opt in it.opts if opt.startswith("--")}
        named = set(re.findall(r"^\| (`--.*?) \|", section, re.MULTILINE))
        documented = {
            opt for cell in named for opt in re.findall(r"`(--[\w-]+)`", cell)
        }
        turned = {opt for it in command.params for opt in it.secondary_opts}
        assert documented - turned - everywhere == real - everywhere, title
        if hasattr(command, "list_commands"):
            check_commands(text, command, f"#{title}")


def test_faults():
    guide = (REFERENCE.parent / "guides" / "local-venue.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE))

    known = {it.__struct_config__.tag for it in plan.AnyFault.__args__}
    assert documented == known


def test_public_names_are_in_the_reference():
    text = "".join(page.read_text("utf-8") for page in REFERENCE.glob("*.md"))

    assert {name for name in bistoury.__all__ if name not in text} - {
        "__version__"
    } == set()


def test_rules_of_alerts():
    guide = (REFERENCE.parent / "guides" / "alerts.md").read_text("utf-8")
    rows_ = re.findall(r"^\| `(\w+)` \| .* \| (\w+) \|$", guide, re.MULTILINE)

    assert dict(rows_) == {name: it.severity for name, it in RULES.items()}


def test_a_bad_event_name_is_refused(client):
    with pytest.raises(ConfigError):
        client.on("nonsense", print)
