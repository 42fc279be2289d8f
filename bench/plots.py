"""Plain line plots as SVG: no library is worth a dependency for three of them."""

from __future__ import annotations

from math import log

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 480, 260, 60, 40, 20
_COLOURS = ("#1f5fa8", "#c2571a", "#3b7d3b")


def lines(series: dict[str, dict[str, float]], across: str, up: str) -> str:
    """Draw each series over a logarithmic axis of whole numbers."""
    places = sorted({int(it) for points in series.values() for it in points})
    most = max(value for points in series.values() for value in points.values())

    def x(place: int) -> float:
        span = log(places[-1]) - log(places[0]) or 1.0
        share = (log(place) - log(places[0])) / span
        return _LEFT + share * (_WIDTH - _LEFT - 90)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _BOTTOM - _TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for place in places:
        parts.append(
            f'<text x="{x(place):.0f}" y="{_HEIGHT - 22}" text-anchor="middle">'
            f"{place}</text>"
        )
    for quarter in range(5):
        value = most * quarter / 4
        at = f"{y(value):.0f}"
        parts += [
            f'<line x1="{_LEFT}" x2="{_WIDTH - 90}" y1="{at}" y2="{at}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 6}" y="{at}" dy="4" text-anchor="end">{value:.3g}</text>',
        ]
    for colour, (name, points) in zip(_COLOURS, series.items(), strict=False):
        ordered = sorted((int(place), value) for place, value in points.items())
        path = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in ordered)
        last = ordered[-1]
        parts += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{x(last[0]) + 6:.0f}" y="{y(last[1]):.0f}" dy="4"'
            f' fill="{colour}">{name}</text>',
        ]
    middle = (_LEFT + _WIDTH - 90) // 2
    parts += [
        f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{across}</text>',
        f'<text x="6" y="14">{up}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
