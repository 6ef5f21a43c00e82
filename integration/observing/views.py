"""Four views of one proxy, and what each of them alone lets an operator name.

None of them knows what was injected: each reads what one person would have before them.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dashboards.asking import Series, Span, course
from dashboards.boards import BACKENDS_BOARD, OVERVIEW
from dashboards.panels import Dashboard, Query
from harness import raw
from harness.watching import Report, moment
from observing.named import Evidence, Named, of

# Fewer requests a second than that are no trend on a graph.
FEW_PER_SECOND = 0.3
# Later than that is late, in milliseconds: no registry here takes so long unless it is told to.
LATE = 1000.0


def by_dashboards(port: int, span: Span) -> Named | None:
    """From the graphs of the dashboards, as a Prometheus answers them."""
    fallbacks = course(port, _query(OVERVIEW, "Fallbacks"), span)
    passed_over = [
        Evidence(series.labels["from"], series.labels["region"], at)
        for series in fallbacks
        for at, value in series.points
        if value > FEW_PER_SECOND
    ]
    if passed_over:
        return of(passed_over)
    slow = _late(course(port, _query(BACKENDS_BOARD, "First byte", 1), span), "backend")
    regions = _late(course(port, _query(OVERVIEW, "First byte by region", 1), span), "region")
    return of(Evidence(backend, region, at) for backend, at in slow for region, _ in regions)


def _late(found: list[Series], label: str) -> list[tuple[str, float]]:
    return [(series.labels[label], at) for series in found for at, value in series.points if value > LATE]


def _query(dashboard: Dashboard, title: str, place: int = 0) -> Query:
    panels = (panel for row in dashboard.rows for panel in row.panels)
    (panel,) = (panel for panel in panels if panel.title == title)
    return panel.queries[place]


def by_alerts(port: int) -> Named | None:
    """From the alerts that fire."""
    body = json.loads(raw.request(port, "GET", "/api/v1/alerts").body)
    firing = [alert for alert in body["data"]["alerts"] if alert["state"] == "firing"]
    return of(evidence for alert in firing for evidence in _of_alert(alert))


def _of_alert(alert: dict[str, Any]) -> Iterator[Evidence]:
    labels = alert["labels"]
    at = datetime.fromisoformat(alert["activeAt"]).timestamp()
    for name in ("from", "backend", "envoy_cluster_name"):
        if name in labels:
            # A cluster's name may have behind a tilde what it connects to.
            yield Evidence(labels[name].partition("~")[0], labels.get("region"), at)
            return


def by_log(lines: list[dict[str, Any]]) -> Named | None:
    """From the lines of the access log."""
    tried = [evidence for line in lines for evidence in _tried(line)]
    return of(tried) if tried else of(evidence for line in lines for evidence in _late_line(line))


def _tried(line: dict[str, Any]) -> Iterator[Evidence]:
    for part in (line.get("tried") or "").split("; "):
        if part:
            yield Evidence(part.split()[0], line["region"], _began(line))


def _late_line(line: dict[str, Any]) -> Iterator[Evidence]:
    if line.get("backend") and float(line.get("first_byte_ms") or 0) > LATE:
        yield Evidence(line["backend"], line["region"], _began(line))


def _began(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


def by_status(report: Report) -> Named | None:
    """From one report of `portolan status -o json`."""
    problems = [problem for problem in report["problems"] if problem.get("backend")]
    return of(
        Evidence(problem["backend"], region, moment(problem["since"]))
        for problem in problems
        for region in problem.get("regions", [])
    )
