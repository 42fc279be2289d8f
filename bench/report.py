"""What the figures say: a table of verdicts, and the page in the documentation."""

from __future__ import annotations

import re
from statistics import median
from typing import Any

from .contenders import (
    AIOHTTP,
    BARE,
    FLOOR,
    NAUTILUS,
    OURS,
    SDK,
    TYPED,
    TYPED_FLOOR,
    WSACCEL,
)
from .plots import lines
from .race import ROOT

PAGE = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "performance"
_BEGIN, _END = "<!-- figures of python -m bench -->", "<!-- end of the figures -->"

Row = tuple[str, str, str, str]
"""What, what was promised, what was measured, and the verdict."""


def verdicts(found: dict[str, Any]) -> list[Row]:
    """Judge whatever was measured by the targets."""
    rows: list[Row] = []
    if "pauses" in found:
        rows += _pauses(found["pauses"])
    if "cpu" in found:
        rows += _cpu(found["cpu"]["spans"])
    if "latency" in found:
        rows += _latency(found["latency"])
    if "growth" in found and "missing" not in found["growth"]:
        rows.append(_growth(found["growth"]))
    if "burst" in found:
        rows.append(_burst(found["burst"]))
    if "recovery" in found:
        rows.append(_recovery(found["recovery"]))
    return rows


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _pauses(found: dict[str, Any]) -> list[Row]:
    rows = []
    for name in ("typed", "typed, after gc.freeze()"):
        unasked = found[name]["while it ran"]
        worst = max([*unasked, found[name]["full collection"]])
        alone = found["nothing kept"]
        rows.append(
            (
                f"longest full collection, {found['retained']:,} messages kept, {name}",
                "≤ 5 ms",
                f"{worst:.1f} ms; {alone:.1f} ms with nothing kept;"
                f" {len(unasked) or 'none'} came unasked",
                _verdict(worst <= 5),
            )
        )
    return rows


def _cpu(spans: dict[str, dict[str, list[float]]]) -> list[Row]:
    rows: list[Row] = []

    def against(
        what: str, mix: str, ours: str, other: str, least: float, note: str = ""
    ) -> None:
        table = spans.get(mix, {})
        if ours not in table or other not in table:
            return
        # Round by round, so that a busy moment hits both sides of a ratio.
        pairs = zip(table[other], table[ours], strict=False)
        ratio = median(theirs / mine for theirs, mine in pairs)
        rows.append(
            (what, f"≥ {least:g} ×{note}", f"{ratio:.1f} ×", _verdict(ratio >= least))
        )

    dicts, typed = OURS.name, TYPED.name
    against("dict handler, against the SDK", "mixed", dicts, SDK.name, 30)
    against("dict handler, against it with wsaccel", "mixed", dicts, WSACCEL.name, 6)
    against("dict handler, against aiohttp + orjson", "mixed", dicts, AIOHTTP.name, 1)
    against("typed handler, against the SDK", "mixed", typed, SDK.name, 40)
    against("… stretch", "mixed", typed, SDK.name, 55)
    against("typed handler, against nautilus_trader", "market", typed, NAUTILUS.name, 4)
    for what, floor, ours in (
        ("all protections, dicts", FLOOR.name, dicts),
        ("all protections, typed", TYPED_FLOOR.name, typed),
    ):
        table = spans.get("mixed", {})
        if floor in table and ours in table:
            pairs = zip(table[ours], table[floor], strict=False)
            more = median(mine / bare for mine, bare in pairs) - 1
            rows.append(
                (
                    f"{what}, over the same transport and eager decoding",
                    "≤ 35 %",
                    f"{more:+.0%}",
                    _verdict(more <= 0.35),
                )
            )
    return rows


def _latency(found: list[dict[str, Any]]) -> list[Row]:
    rows: list[Row] = []
    for row in found:
        if BARE.name not in row or OURS.name not in row:
            continue
        bare, ours = row[BARE.name], row[OURS.name]
        ratio = ours["p50"] / bare["p50"]
        rows.append(
            (
                f"socket to handler, p50 at {row['rate']:,}/s over bare picows",
                "≤ 1.3 ×",
                f"{ratio:.2f} × ({ours['p50']:.0f} and {bare['p50']:.0f} µs;"
                f" p99 {ours['p99']:.0f} and {bare['p99']:.0f} µs)",
                _verdict(ratio <= 1.3),
            )
        )
    return rows


def _growth(found: dict[str, int]) -> Row:
    counts = [number for name, number in found.items() if "subscription" in name]
    least, most = min(counts), max(counts)
    return (
        "instructions a message, 1 to 1,000 subscriptions",
        "within 15 %",
        f"{most / least - 1:+.1%} ({least:,} to {most:,})",
        _verdict(most / least <= 1.15),
    )


def _burst(found: dict[str, Any]) -> Row:
    is_met = found["is_newest"] and found["calls_until_newest"] <= found["coins"]
    return (
        f"{found['messages']:,} books into a coroutine handler that takes 50 µs",
        "newest within one call a feed, memory bounded",
        f"{found['calls_until_newest']} calls for {found['coins']} feeds,"
        f" {found['peak_kib']:,.0f} KiB at most",
        _verdict(is_met),
    )


def _recovery(found: dict[str, Any]) -> Row:
    spans = found["ms"]
    middle = median(spans)
    return (
        f"first data on each of {found['feeds']} feeds, from the attempt, on loopback",
        "≤ 20 ms",
        f"{middle:.0f} ms ({spans[0]:.0f} to {spans[-1]:.0f}),"
        f" of which {found['cpu_ms']:.0f} ms of processor time, a venue in the same"
        " process included",
        _verdict(middle <= 20),
    )


# As text


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table; all columns but the first to the right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def text(found: dict[str, Any]) -> str:
    """Return everything measured, as Markdown."""
    parts = [_about(found)]
    rows = verdicts(found)
    if rows:
        head = ("what", "target", "measured", "verdict")
        parts.append("### Verdicts\n\n" + table(head, [tuple(it) for it in rows]))
    for name, show in _SHOWN.items():
        if name in found:
            parts.append(show(found[name]))
    for name, why in found.get("failures", {}).items():
        parts.append(f"`{name}` could not be run: {why.strip().splitlines()[-1]}")
    return "\n\n".join(parts)


def _about(found: dict[str, Any]) -> str:
    said = [
        f"Measured on {found['date']} by `python -m bench`, Python {found['python']},"
        f" {found['machine']}."
    ]
    if "cpu" in found:
        versions = ", ".join(
            f"{name} {number}"
            for name, number in sorted(found["cpu"]["versions"].items())
        )
        said.append(f"Versions: {versions}.")
    return "\n".join(said)


def _show_cpu(found: dict[str, Any]) -> str:
    parts = []
    for mix, spans in found["spans"].items():
        sdk = median(spans[SDK.name]) if SDK.name in spans else None
        rows = []
        for name, values in spans.items():
            middle = median(values)
            ratio = f"{sdk / middle:.1f}" if sdk else "–"
            rows.append(
                (name, f"{middle:.2f}", f"{min(values):.2f} – {max(values):.2f}", ratio)
            )
        head = ("client", "µs a message", "least – most", "× SDK")
        parts.append(f"### Processor time a message, {mix}\n\n{table(head, rows)}")
    parts.append(
        f"{found['rounds']} alternating rounds; the flood itself spent"
        f" {found['flood_us']:.2f} µs a message."
    )
    if found["never_waited"]:
        parts.append(f"The flood was the slower side of: {found['never_waited']}.")
    parts += [
        f"{name} could not be run: {why.strip().splitlines()[-1]}"
        for name, why in found["failed"].items()
    ]
    if found["missing"]:
        names = ", ".join(found["missing"])
        parts.append(f"Not installed: {names} (`make bench PEERS=1`).")
    return "\n\n".join(parts)


def _show_stages(found: dict[str, Any]) -> str:
    transport, decode = found["transport"], found["decode"]
    rows = []
    for form in ("dicts", "typed"):
        whole = found[form]
        rows.append(
            (
                form,
                f"{transport['ours']:.2f} ({transport['floor']:.2f})",
                f"{decode[form]:.2f} ({decode['floor']:.2f})",
                f"{whole['session'] - decode[form]:.2f}",
                f"{whole['dispatch'] - whole['session']:.2f}",
                f"{transport['ours'] + whole['dispatch']:.2f}",
            )
        )
    head = ("handler", "transport", "decode and route", "session", "dispatch", "all")
    return (
        "### One message by stage, in µs\n\n"
        + table(head, rows)
        + "\n\nIn brackets the floor: copying the payload, and decoding into dicts"
        " with nothing else."
    )


def _show_growth(found: dict[str, Any]) -> str:
    if "missing" in found:
        return "Growth was not counted: valgrind is not installed."
    rows = [(name, f"{number:,}") for name, number in found.items()]
    return "### Instructions as subscriptions grow\n\n" + table(
        ("scenario", "instructions a message"), rows
    )


def _show_imports(found: dict[str, Any]) -> str:
    rows = [(name, f"{spent:.1f}") for name, spent in found["packages_ms"].items()]
    return (
        "### Importing\n\nImporting the client and reading its configuration takes"
        f" {found['ms']:.0f} ms of processor time, interpreter excluded.\nThe largest"
        " packages in it, with the overhead of `-X importtime`:\n\n"
        + table(("package", "ms"), rows)
    )


def _show_curves(found: dict[str, Any]) -> str:
    parts = ["### Growth with the size of a message, and with listeners"]
    for what, name in (("levels a side", "levels"), ("handlers", "handlers")):
        forms = found[name]
        sizes = list(forms["dicts"])
        rows = [(form, *(f"{forms[form][it]:.2f}" for it in sizes)) for form in forms]
        head = (f"µs a book, by {what}", *sizes)
        parts.append(table(head, rows))
    parts += [
        "![µs a book by levels](performance/levels.svg)",
        "![µs a book by handlers](performance/handlers.svg)",
    ]
    return "\n\n".join(parts)


_SHOWN = {
    "cpu": _show_cpu,
    "stages": _show_stages,
    "growth": _show_growth,
    "curves": _show_curves,
    "imports": _show_imports,
}


def write(found: dict[str, Any]) -> None:
    """Put the figures between the markers of the page, and draw the plots."""
    page = PAGE.read_text()
    figures = f"{_BEGIN}\n\n{text(found)}\n\n{_END}"
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: figures, page))
    PICTURES.mkdir(exist_ok=True)
    if "curves" in found:
        for name, axis in (("levels", "levels a side"), ("handlers", "handlers")):
            drawing = lines(found["curves"][name], axis, "µs a book")
            (PICTURES / f"{name}.svg").write_text(drawing)
    if "growth" in found and "missing" not in found["growth"]:
        counts = {
            it.split()[1]: v / 1000
            for it, v in found["growth"].items()
            if "subscription" in it
        }
        drawing = lines({"dicts": counts}, "subscriptions", "1,000 instructions")
        (PICTURES / "subscriptions.svg").write_text(drawing)
