"""Draws a dashboard as SVG from what Prometheus answers: as Grafana would show it, but for its looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from dashboards.asking import Series, Span, course, whole
from dashboards.grafana import Place, layout
from dashboards.panels import Dashboard, Panel, Row, Shape, Unit

COLUMN, LINE, GAP = 50, 30, 5
COLOURS = ["#2166ac", "#b2182b", "#1b7837", "#e08214", "#762a83", "#35978f", "#8c510a", "#c51b7d", "#4d4d4d"]
UP, DOWN = "#1b7837", "#b2182b"
LEFT, TOP, LEGEND_LINE = 52, 34, 13
LEGEND_LINES = 4

# What was broken, from when to when.
Broken = list[tuple[str, float, float]]


@dataclass(frozen=True)
class Box:
    """A place in the picture, in pixels."""

    x: float
    y: float
    width: float
    height: float


def draw(dashboard: Dashboard, port: int, span: Span, broken: Broken) -> str:
    """The whole dashboard, with the Prometheus at a port. Grey is when something was broken."""
    places = list(layout(dashboard))
    rows = max(place.top + place.height for _, place in places)
    width, height = COLUMN * 24, LINE * rows + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="10">',
        f'<rect width="{width}" height="{height}" fill="#f4f5f5"/>',
    ]
    for one, place in places:
        box = _box(place)
        if isinstance(one, Row):
            parts.append(_text(box.x, box.y + 18, one.title, "font-size:14px;font-weight:bold"))
        else:
            parts += _panel(one, box, port, span, broken)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(place: Place) -> Box:
    return Box(
        place.left * COLUMN + GAP, place.top * LINE + GAP, place.width * COLUMN - 2 * GAP, place.height * LINE - 2 * GAP
    )


def _panel(one: Panel, box: Box, port: int, span: Span, broken: Broken) -> Iterator[str]:
    yield f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" fill="#fff" stroke="#ddd"/>'
    yield _text(box.x + 8, box.y + 16, one.title, "font-size:12px;font-weight:bold")
    if one.shape in (Shape.NUMBER, Shape.MATRIX):
        found = [series for query in one.queries for series in whole(port, query, span)]
        yield from _number(one, box, found) if one.shape is Shape.NUMBER else _matrix(one, box, found)
        return
    found = [series for query in one.queries for series in course(port, query, span)]
    inner = Box(box.x + LEFT, box.y + TOP, box.width - LEFT - 12, box.height - TOP - 20 - LEGEND_LINES * LEGEND_LINE)
    yield from _trouble(inner, span, broken)
    if one.shape is Shape.STATES:
        yield from _states(inner, span, found)
    else:
        yield from _lines(one, inner, span, found)
        yield from _legend(box, found)


def _number(one: Panel, box: Box, found: list[Series]) -> Iterator[str]:
    text = _value(found[0].points[-1][1], one.unit) if found else "-"
    yield _text(box.x + box.width / 2, box.y + box.height / 2 + 22, text, "font-size:34px", "middle")


def _matrix(one: Panel, box: Box, found: list[Series]) -> Iterator[str]:
    values = {(s.labels.get(one.rows, ""), s.labels.get(one.columns, "")): s.points[-1][1] for s in found}
    rows, columns = sorted({row for row, _ in values}), sorted({column for _, column in values})
    wide, high = (box.width - 90) / max(1, len(columns)), min(30.0, (box.height - 60) / max(1, len(rows)))
    most = max(values.values(), default=1) or 1
    for place, column in enumerate(columns):
        yield _text(box.x + 80 + wide * (place + 0.5), box.y + TOP + 10, column, "", "middle")
    for line, row in enumerate(rows):
        y = box.y + TOP + 18 + high * line
        yield _text(box.x + 8, y + high / 2 + 4, row)
        for place, column in enumerate(columns):
            value = values.get((row, column), 0.0)
            x = box.x + 80 + wide * place
            yield (
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide - 2:.1f}" height="{high - 2:.1f}" fill="#2166ac" '
                f'fill-opacity="{value / most * 0.7:.2f}"/>'
            )
            yield _text(x + wide / 2, y + high / 2 + 4, _value(value, one.unit), "", "middle")


def _trouble(box: Box, span: Span, broken: Broken) -> Iterator[str]:
    for name, begin, end in broken:
        first, last = _x(box, span, begin), _x(box, span, end)
        yield (
            f'<rect x="{first:.1f}" y="{box.y:.1f}" width="{last - first:.1f}" height="{box.height:.1f}" '
            f'fill="#000" fill-opacity="0.07"><title>{escape(name)}</title></rect>'
        )


def _states(box: Box, span: Span, found: list[Series]) -> Iterator[str]:
    high = min(26.0, box.height / max(1, len(found)))
    for line, series in enumerate(found):
        y = box.y + high * line
        yield _text(box.x - 4, y + high / 2 + 3, series.name, "", "end")
        for (at, value), (until, _) in zip(series.points, [*series.points[1:], (span.end, 0.0)], strict=True):
            first, last = _x(box, span, at), _x(box, span, until)
            colour = UP if value > 0 else DOWN
            yield (
                f'<rect x="{first:.1f}" y="{y + 2:.1f}" width="{last - first + 0.5:.1f}" height="{high - 4:.1f}" '
                f'fill="{colour}"/>'
            )
    yield from _times(box, span)


def _lines(one: Panel, box: Box, span: Span, found: list[Series]) -> Iterator[str]:
    stacked = _stacked(found) if one.shape is Shape.STACK else [series.points for series in found]
    most = max((value for points in stacked for _, value in points), default=0.0) or 1.0
    if one.unit is Unit.SHARE:
        most = 1.0
    for part in (0.0, 0.5, 1.0):
        y = box.y + box.height * (1 - part)
        yield f'<line x1="{box.x}" x2="{box.x + box.width:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e5e5"/>'
        yield _text(box.x - 4, y + 3, _value(most * part, one.unit), "", "end")
    yield from _times(box, span)
    for number, points in enumerate(stacked):
        places = [
            f"{_x(box, span, at):.1f},{box.y + box.height * (1 - min(1.0, value / most)):.1f}" for at, value in points
        ]
        colour = COLOURS[number % len(COLOURS)]
        yield f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _stacked(found: list[Series]) -> list[list[tuple[float, float]]]:
    """Each series on top of those before it."""
    sums: dict[float, float] = {}
    stacked = []
    for series in found:
        points = []
        for at, value in series.points:
            sums[at] = sums.get(at, 0.0) + value
            points.append((at, sums[at]))
        stacked.append(points)
    return stacked


def _legend(box: Box, found: list[Series]) -> Iterator[str]:
    columns = max(1, -(-len(found) // LEGEND_LINES))
    wide = (box.width - 16) / columns
    top = box.y + box.height - LEGEND_LINES * LEGEND_LINE
    for number, series in enumerate(found):
        x, y = box.x + 8 + wide * (number // LEGEND_LINES), top + LEGEND_LINE * (number % LEGEND_LINES)
        yield f'<rect x="{x:.1f}" y="{y:.1f}" width="8" height="8" fill="{COLOURS[number % len(COLOURS)]}"/>'
        yield _text(x + 12, y + 8, series.name)


def _times(box: Box, span: Span) -> Iterator[str]:
    whole_seconds = span.end - span.begin
    step = next(step for step in (10, 30, 60, 300, 900, 3600) if whole_seconds / step <= 8 or step == 3600)
    for second in range(0, int(whole_seconds) + 1, step):
        yield _text(_x(box, span, span.begin + second), box.y + box.height + 12, f"{second} s", "fill:#777", "middle")


def _x(box: Box, span: Span, at: float) -> float:
    part = (at - span.begin) / (span.end - span.begin)
    return box.x + box.width * min(1.0, max(0.0, part))


def _value(value: float, unit: Unit) -> str:
    match unit:
        case Unit.SHARE:
            return f"{value * 100:.1f} %"
        case Unit.MILLISECONDS:
            return f"{value:.0f} ms"
        case Unit.BYTES | Unit.BYTES_PER_SECOND:
            ending = "/s" if unit is Unit.BYTES_PER_SECOND else ""
            return f"{value / 1e6:.0f} MB{ending}" if value >= 1e6 else f"{value / 1e3:.0f} kB{ending}"
        case Unit.PER_SECOND:
            return f"{value:.1f}/s"
        case Unit.COUNT | Unit.DAYS:
            return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def _text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{style}">{escape(words)}</text>'
