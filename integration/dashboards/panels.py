"""What a panel is: a question to Prometheus, and how its answer is shown.

Queries have Grafana's variables in them: `$instance`, `$front` and `$backend` are regular expressions for labels,
`$__rate_interval` is a time over which Grafana says a rate can be taken, `$__range` what the whole picture shows.
"""

from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """How an answer is shown."""

    LINES = "lines"
    STACK = "stack"
    NUMBER = "number"
    MATRIX = "matrix"
    STATES = "states"


class Unit(Enum):
    """What is counted, by Grafana's names for it."""

    PER_SECOND = "reqps"
    SHARE = "percentunit"
    MILLISECONDS = "ms"
    BYTES_PER_SECOND = "Bps"
    BYTES = "bytes"
    COUNT = "short"
    DAYS = "d"


@dataclass(frozen=True)
class Query:
    """One question, and what its series are called: `{{label}}` stands for the value of a label."""

    text: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A picture on a dashboard. The description says what is good and what to do if it is not."""

    title: str
    description: str
    shape: Shape
    unit: Unit
    queries: tuple[Query, ...]
    # Of 24 columns.
    width: int = 12
    # The labels that name the rows and the columns of a matrix.
    rows: str = ""
    columns: str = ""


@dataclass(frozen=True)
class Variable:
    """A choice that the reader has: the values of a label of a metric."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """A page of panels."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
