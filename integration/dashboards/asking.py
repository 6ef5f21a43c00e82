"""Asks a real Prometheus what a dashboard would ask it."""

import json
import math
from dataclasses import dataclass
from urllib.parse import urlencode

from dashboards.panels import Query
from harness import raw

STEP_SECONDS = 2.0


@dataclass(frozen=True)
class Series:
    """What is drawn as one line."""

    name: str
    labels: dict[str, str]
    # Seconds since 1970, and the value then.
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Span:
    """A time, in seconds since 1970, and how long a rate is taken over."""

    begin: float
    end: float
    rate_seconds: float = 10.0


def filled_in(query: Query, span: Span) -> str:
    """The query with all choices at their beginning: everything, over this time."""
    text = query.text
    whole = max(1, round(span.end - span.begin))
    values = {"$__rate_interval": f"{span.rate_seconds:.0f}s", "$__range": f"{whole}s"}
    values |= {f"${name}": ".*" for name in ("instance", "front", "backend", "cache")}
    for name, value in values.items():
        text = text.replace(name, value)
    assert "$" not in text, f"a variable that nobody knows: {text}"
    return text


def course(port: int, query: Query, span: Span) -> list[Series]:
    """What the query says at every step of a time."""
    times = {"start": span.begin, "end": span.end, "step": STEP_SECONDS}
    return _ask(port, "query_range", {"query": filled_in(query, span), **times}, query)


def whole(port: int, query: Query, span: Span) -> list[Series]:
    """What the query says at the end, about all of the time."""
    return _ask(port, "query", {"query": filled_in(query, span), "time": span.end}, query)


def _ask(port: int, way: str, parameters: dict[str, str | float], query: Query) -> list[Series]:
    answer = json.loads(raw.request(port, "GET", f"/api/v1/{way}?{urlencode(parameters)}").body)
    assert answer["status"] == "success", f"{answer}: {parameters}"
    found = []
    for result in answer["data"]["result"]:
        points = result["values"] if "values" in result else [result["value"]]
        numbers = [(float(at), float(value)) for at, value in points]
        numbers = [(at, value) for at, value in numbers if math.isfinite(value)]
        if numbers:
            found.append(Series(_name(query, result["metric"]), result["metric"], numbers))
    return found


def _name(query: Query, labels: dict[str, str]) -> str:
    name = query.legend
    for label, value in labels.items():
        name = name.replace(f"{{{{{label}}}}}", value)
    return name
