"""`scripts/dashboards --pictures`: breaks things while a real Prometheus looks, asks it every query, and draws docs/dashboards/*.svg.

Fails if a query has no data.
"""

import sys
import tempfile
import time
from pathlib import Path

from dashboards.asking import Span, course, whole
from dashboards.every import ALL
from dashboards.draw import draw
from dashboards.panels import Panel, Query, Shape
from dashboards.scene import scene
from harness import processes

PLACE = Path(__file__).resolve().parents[2] / "docs" / "dashboards"
# As long as rates need to have something in them.
SETTLE_SECONDS = 6.0


def silent(port: int, span: Span) -> list[str]:
    """The queries that the Prometheus at a port has no answer to."""
    all_panels = [(name, one) for name, board in ALL.items() for row in board.rows for one in row.panels]
    return [
        f"{name}: {one.title}: {query.text}"
        for name, one in all_panels
        for query in one.queries
        if not _answers(port, one, query, span)
    ]


def _answers(port: int, one: Panel, query: Query, span: Span) -> bool:
    ask = whole if one.shape in (Shape.NUMBER, Shape.MATRIX) else course
    return bool(ask(port, query, span))


def main() -> int:
    """Draws all of them; the exit status."""
    processes.stop_all_at_exit()
    with tempfile.TemporaryDirectory(prefix="portolan-dashboards-") as directory, scene(Path(directory)) as seen:
        begun = time.time()
        broken = seen.play()
        span = Span(begun + SETTLE_SECONDS, time.time())
        missing = silent(seen.prometheus.port, span)
        PLACE.mkdir(parents=True, exist_ok=True)
        for name, dashboard in ALL.items():
            (PLACE / f"{name}.svg").write_text(draw(dashboard, seen.prometheus.port, span, broken))
            print(f"dashboards: drew docs/dashboards/{name}.svg")
    for query in missing:
        print(f"dashboards: no data: {query}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
