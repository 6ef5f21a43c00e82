"""A dashboard as Grafana reads it (its JSON model, schema 39, Grafana 11)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dashboards.panels import Dashboard, Panel, Query, Row, Shape, Variable

Json = dict[str, Any]

SCHEMA = 39
COLUMNS = 24
HEIGHT = {Shape.NUMBER: 4}
USUAL_HEIGHT = 8
SOURCE: Json = {"type": "prometheus", "uid": "${source}"}
KINDS = {
    Shape.LINES: "timeseries",
    Shape.STACK: "timeseries",
    Shape.NUMBER: "stat",
    Shape.MATRIX: "table",
    Shape.STATES: "state-timeline",
}
UP_AND_DOWN = [
    {"type": "value", "options": {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}}}
]


def document(dashboard: Dashboard, links: list[Dashboard]) -> Json:
    """The JSON of a dashboard; `links` are the others, one click away."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["portolan"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "links": [link(other) for other in links],
        "templating": {"list": [source(), *map(variable, dashboard.variables)]},
        "panels": panels(dashboard),
    }


def link(other: Dashboard) -> Json:
    """The way to another dashboard, with the time and the choices that the reader has made."""
    return {
        "title": other.title,
        "type": "link",
        "url": f"/d/{other.uid}",
        "keepTime": True,
        "includeVars": True,
    }


def source() -> Json:
    """Which Prometheus."""
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def variable(one: Variable) -> Json:
    """A choice; all, unless the reader chooses."""
    return {
        "name": one.name,
        "label": one.name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({one.metric}, {one.label})", "refId": one.name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


@dataclass(frozen=True)
class Place:
    """Where something is: of 24 columns, and of rows of some 30 pixels."""

    left: int
    top: int
    width: int
    height: int


def layout(dashboard: Dashboard) -> Iterator[tuple[Row | Panel, Place]]:
    """All panels, from left to right and from top to bottom, below the headings of their rows."""
    top = 0
    for row in dashboard.rows:
        yield row, Place(0, top, COLUMNS, 1)
        top, left, tallest = top + 1, 0, 0
        for one in row.panels:
            height = HEIGHT.get(one.shape, USUAL_HEIGHT)
            if left + one.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            yield one, Place(left, top, one.width, height)
            left, tallest = left + one.width, max(tallest, height)
        top += tallest


def panels(dashboard: Dashboard) -> list[Json]:
    """All panels with their places."""
    found = []
    for number, (one, where) in enumerate(layout(dashboard), 1):
        place = {"x": where.left, "y": where.top, "w": where.width, "h": where.height}
        if isinstance(one, Row):
            what: Json = {"type": "row", "title": one.title, "collapsed": False, "panels": []}
        else:
            what = panel(one)
        found.append({"id": number, **what, "gridPos": place})
    return found


def panel(one: Panel) -> Json:
    """A panel without its place."""
    return {
        "type": KINDS[one.shape],
        "title": one.title,
        "description": one.description,
        "datasource": SOURCE,
        "targets": [target(query, number, one.shape) for number, query in enumerate(one.queries)],
        "fieldConfig": {"defaults": defaults(one), "overrides": []},
        "options": options(one.shape),
        **transformations(one),
    }


def target(query: Query, number: int, shape: Shape) -> Json:
    """A question. Numbers and matrices want the whole time in one answer, the others its course."""
    is_one = shape in (Shape.NUMBER, Shape.MATRIX)
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "expr": query.text,
        "legendFormat": query.legend or "__auto",
        "instant": is_one,
        "range": not is_one,
        "format": "table" if shape is Shape.MATRIX else "time_series",
    }


def defaults(one: Panel) -> Json:
    """How values are written and drawn."""
    found: Json = {"unit": one.unit.value, "min": 0}
    if one.shape is Shape.STATES:
        found = {"mappings": UP_AND_DOWN, "custom": {"fillOpacity": 80}}
    elif one.shape is Shape.STACK:
        stacking = {"mode": "normal", "group": "A"}
        found["custom"] = {"fillOpacity": 40, "lineWidth": 1, "stacking": stacking}
    elif one.shape is Shape.MATRIX:
        found["custom"] = {"cellOptions": {"type": "color-background"}}
        found["color"] = {"mode": "continuous-BlPu"}
    return found


def options(shape: Shape) -> Json:
    """What a kind of panel wants besides."""
    match shape:
        case Shape.LINES | Shape.STACK:
            legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["mean", "max"]}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case Shape.NUMBER:
            return {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none", "textMode": "auto"}
        case Shape.MATRIX:
            return {"showHeader": True}
        case Shape.STATES:
            return {"mergeValues": True, "showValue": "never", "rowHeight": 0.8}


def transformations(one: Panel) -> Json:
    """A matrix is made of a table with a row for each pair."""
    if one.shape is not Shape.MATRIX:
        return {}
    matrix = {"rowField": one.rows, "columnField": one.columns, "valueField": "Value", "emptyValue": "zero"}
    return {"transformations": [{"id": "groupingToMatrix", "options": matrix}]}
