"""What was measured, as the tables of docs/throughput.md."""

from collections.abc import Sequence

from harness.markdown import table

from throughput.load import Load
from throughput.run import ACTIVE, IDLE, Carried, Crowd


def tables(carried: Sequence[Carried], crowds: Sequence[Crowd]) -> str:
    """All of it."""
    return f"{_carried(carried)}\n\n{_crowds(crowds)}"


def _carried(rows: Sequence[Carried]) -> str:
    head = ("", "workers", "requests a second", "processor time", "at 50 %: p50, p99, p99.9", "at 80 %: p50, p99, p99.9")
    lines = [
        (
            f"{row.variant}, {row.protocol.name}",
            str(row.workers),
            f"{row.most.rate:,.0f}",
            f"{row.micros:.0f} µs",
            *(_times(load) for load in row.at),
        )
        for row in rows
    ]
    return table(head, lines)


def _crowds(rows: Sequence[Crowd]) -> str:
    head = (
        "",
        "memory of an idle connection",
        "requests a second without others",
        f"beside {IDLE:,} idle connections",
        f"on {ACTIVE:,} active connections",
        "p50, p99, p99.9 of these",
    )
    lines = [
        (
            row.variant,
            f"{row.bytes_each / 1024:.1f} KiB",
            f"{row.alone:,.0f}",
            f"{row.beside:,.0f}",
            f"{row.active.rate:,.0f}",
            _times(row.active),
        )
        for row in rows
    ]
    return table(head, lines)


def _times(load: Load) -> str:
    p50, p99, p999 = (load.percentile(share) for share in (0.5, 0.99, 0.999))
    return f"{p50:.1f}, {p99:.1f}, {p999:.1f} ms"
