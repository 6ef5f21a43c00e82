"""One picture a scenario: who answered, and how long it took."""

import math
from collections.abc import Iterator
from html import escape
from statistics import median

from failover_report.access_log import Read
from failover_report.figures import Record
from failover_report.stage import PRIMARY, SECONDARY

WIDTH, LEFT, RIGHT = 760, 56, 12
SERVED_TOP, SERVED_HEIGHT = 34, 90
TIME_TOP, TIME_HEIGHT = 150, 120
HEIGHT = 306
BIN_SECONDS = 0.25
# Of the time axis of answers: 1 ms to 30 s.
FASTEST, SLOWEST = 0.001, 30.0
NOBODY = "nobody"
COLOURS = {PRIMARY: "#2166ac", SECONDARY: "#f4a582", NOBODY: "#b2182b"}


def plot(title: str, seen: Record) -> str:
    """The picture as SVG."""
    axis = _Axis(seen)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_trouble(axis, seen),
        _text(LEFT, 16, escape(title), "start", "font-size:13px;font-weight:bold"),
        *_legend(),
        *_served(axis, seen.reads),
        *_answer_times(axis, seen.reads),
        *_seconds(axis),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Axis:
    """Time along the picture: zero is when the trouble began."""

    def __init__(self, seen: Record) -> None:
        times = [read.began for read in seen.reads] or [seen.marks.began, seen.marks.ended]
        self.zero = seen.marks.began
        self.first = math.floor(min(times) - self.zero)
        self.last = math.ceil(max(times) - self.zero) + 0.25
        self._scale = (WIDTH - LEFT - RIGHT) / (self.last - self.first)

    def x(self, seconds: float) -> float:
        """Where a second is."""
        return LEFT + (seconds - self.first) * self._scale

    def bins(self, reads: list[Read]) -> Iterator[tuple[float, list[Read]]]:
        """The reads of each quarter of a second that has some."""
        found: dict[int, list[Read]] = {}
        for read in reads:
            found.setdefault(math.floor((read.began - self.zero) / BIN_SECONDS), []).append(read)
        return ((number * BIN_SECONDS, found[number]) for number in sorted(found))


def _who(read: Read) -> str:
    return read.backend if read.is_good and read.backend else NOBODY


def _served(axis: _Axis, reads: list[Read]) -> Iterator[str]:
    """Stacked bars of reads a second."""
    bins = list(axis.bins(reads))
    most = max((len(found) for _, found in bins), default=1)
    width = axis.x(BIN_SECONDS) - axis.x(0)
    bottom = SERVED_TOP + SERVED_HEIGHT
    for start, found in bins:
        y = float(bottom)
        for who, colour in COLOURS.items():
            height = SERVED_HEIGHT * sum(_who(read) == who for read in found) / most
            y -= height
            if height:
                yield (
                    f'<rect x="{axis.x(start):.1f}" y="{y:.1f}" width="{width - 0.4:.1f}" '
                    f'height="{height:.1f}" fill="{colour}"/>'
                )
    yield _line(LEFT, bottom, WIDTH - RIGHT, bottom)
    yield _text(LEFT - 6, SERVED_TOP + 8, f"{most / BIN_SECONDS:.0f}/s", "end")
    yield _text(LEFT - 6, bottom, "0", "end")


def _answer_times(axis: _Axis, reads: list[Read]) -> Iterator[str]:
    """For each backend the median and the slowest of a quarter of a second, on a logarithmic scale."""
    for seconds, label in ((0.001, "1 ms"), (0.01, "10 ms"), (0.1, "0.1 s"), (1.0, "1 s"), (10.0, "10 s")):
        yield _line(LEFT, _height(seconds), WIDTH - RIGHT, _height(seconds), "#ddd")
        yield _text(LEFT - 6, _height(seconds) + 4, label, "end")
    for who, colour in COLOURS.items():
        for start, found in axis.bins([read for read in reads if _who(read) == who]):
            x, times = axis.x(start + BIN_SECONDS / 2), [read.answered_after for read in found]
            yield f'<circle cx="{x:.1f}" cy="{_height(median(times)):.1f}" r="1.6" fill="{colour}"/>'
            if len(times) > 1:
                yield _slowest(x, _height(max(times)), colour)


def _slowest(x: float, y: float, colour: str) -> str:
    return f'<path d="M{x - 2.5:.1f} {y + 2:.1f}l2.5 -4l2.5 4z" fill="none" stroke="{colour}"/>'


def _height(seconds: float) -> float:
    share = math.log(min(max(seconds, FASTEST), SLOWEST) / FASTEST) / math.log(SLOWEST / FASTEST)
    return TIME_TOP + TIME_HEIGHT * (1 - share)


def _trouble(axis: _Axis, seen: Record) -> Iterator[str]:
    x, end = axis.x(0), axis.x(seen.marks.ended - seen.marks.began)
    height = TIME_TOP + TIME_HEIGHT - SERVED_TOP
    yield f'<rect x="{x:.1f}" y="{SERVED_TOP}" width="{end - x:.1f}" height="{height}" fill="#f0f0f0"/>'


def _seconds(axis: _Axis) -> Iterator[str]:
    step = 1 if axis.last - axis.first <= 20 else 2 if axis.last - axis.first <= 40 else 5
    first = math.ceil(axis.first / step) * step
    for second in range(first, math.floor(axis.last) + 1, step):
        yield _text(axis.x(second), TIME_TOP + TIME_HEIGHT + 14, str(second), "middle")
    label = "seconds since the trouble began; grey: the trouble"
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, label, "middle")


def _legend() -> Iterator[str]:
    x = 330.0
    for who, colour in COLOURS.items():
        yield f'<rect x="{x}" y="8" width="9" height="9" fill="{colour}"/>'
        yield _text(x + 13, 16, who, "start")
        x += 84
    yield _text(x, 16, "dot: median, triangle: slowest", "start")
    yield _text(LEFT, SERVED_TOP - 4, "reads answered by", "start", "fill:#555")
    yield _text(LEFT, TIME_TOP - 6, "time until the head of the answer", "start", "fill:#555")


def _text(x: float, y: float, words: str, anchor: str, style: str = "") -> str:
    styled = f' style="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{styled}>{words}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#888") -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}H{x2:.1f}" stroke="{colour}"/>'
