"""The Envoys that are measured, one after the other, and what each carried."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cases
from bench.cases import Upstreams
from bench.processor_time import on_processor_nanoseconds
from bench.servers import Envoy, rendered, rendered_bare, rendered_native, written_by_hand
from harness.processes import resident_bytes

from throughput.load import HTTP1, HTTP2, Load, Protocol, send

SECONDS = 5
WARM_UP_SECONDS = 2
# Shares of the most that an Envoy carries, at which the time of requests is taken.
SHARES = (0.5, 0.8)
IDLE, ACTIVE = 10_000, 1_000
# Envoy and this program each have a file for a connection.
FILES = IDLE + 5_000
MORE_CONNECTIONS = ("--max-connections", str(2 * IDLE))

Render = Callable[[dict[str, object], Path], Path]
VARIANTS: dict[str, Render] = {
    "Envoy written by hand": lambda policy, place: written_by_hand(policy, place, cases.NEAR),
    "without the filter": lambda policy, place: rendered_bare(policy, place, cases.NEAR),
    "WebAssembly": lambda policy, place: rendered(policy, place, options=MORE_CONNECTIONS),
    "native module": lambda policy, place: rendered_native(policy, place, options=MORE_CONNECTIONS),
}
FILTERS = ("WebAssembly", "native module")


@dataclass(frozen=True)
class Carried:
    """What one Envoy carried."""

    variant: str
    protocol: Protocol
    workers: int
    most: Load
    # Processor time of Envoy for one request, at the most that it carries.
    micros: float
    # At the shares above.
    at: tuple[Load, ...]


@dataclass(frozen=True)
class Crowd:
    """An Envoy with many connections."""

    variant: str
    # Bytes of memory for each idle connection.
    bytes_each: float
    # Requests a second on 64 connections without the idle ones and beside them, in turn.
    alone: float
    beside: float
    # Requests a second on the active ones, and how long they took.
    active: Load


def _started(configuration: Path, workers: int) -> Envoy:
    """A single worker has a processor to itself where there are two."""
    return Envoy(configuration, prefix=_on_processor(0) if workers == 1 else (), workers=workers)


def _on_processor(number: int) -> tuple[str, ...]:
    return ("taskset", "--cpu-list", str(number))


def carried(upstreams: Upstreams, directory: Path, say: Callable[[str], None]) -> Iterator[Carried]:
    """Each Envoy, with each protocol, with one worker and two."""
    for workers in (1, 2):
        for protocol in (HTTP1, HTTP2):
            for variant, render in VARIANTS.items():
                place = directory / f"{variant}-{protocol.connections}-{workers}".replace(" ", "-")
                say(f"{variant}, {protocol.name}, {workers} worker{'s' * (workers - 1)}")
                configuration = render(cases.ROUTED.policy(upstreams), place)
                yield _carry(_started(configuration, workers), variant, protocol, workers)


def _carry(envoy: Envoy, variant: str, protocol: Protocol, workers: int) -> Carried:
    prefix = _on_processor(1) if workers == 1 else ()
    url = f"http://127.0.0.1:{envoy.port}{cases.ROUTED.target}"
    send(url, protocol, WARM_UP_SECONDS, prefix=prefix)
    before = on_processor_nanoseconds(envoy.server.pid)
    most = send(url, protocol, SECONDS, prefix=prefix)
    micros = (on_processor_nanoseconds(envoy.server.pid) - before) / most.requests / 1000
    at = tuple(send(url, protocol, SECONDS, rate=share * most.rate, prefix=prefix) for share in SHARES)
    envoy.stop()
    return Carried(variant, protocol, workers, most, micros, at)


def crowds(upstreams: Upstreams, directory: Path, say: Callable[[str], None]) -> Iterator[Crowd]:
    """Each form of the filter with ten thousand idle connections, and with a thousand that are busy."""
    raise_limit_of_files()
    many = Protocol(HTTP1.name, HTTP1.options, connections=ACTIVE)
    for variant in FILTERS:
        say(f"{variant}, {IDLE:,} idle and {ACTIVE:,} active connections")
        place = directory / f"crowd-{variant}".replace(" ", "-")
        envoy = _started(VARIANTS[variant](cases.ROUTED.policy(upstreams), place), workers=2)
        url = f"http://127.0.0.1:{envoy.port}{cases.ROUTED.target}"
        send(url, HTTP1, WARM_UP_SECONDS)
        alone, memory = send(url, HTTP1, SECONDS).rate, resident_bytes(envoy.server.pid)
        with idle_connections(envoy.port, IDLE):
            bytes_each = (resident_bytes(envoy.server.pid) - memory) / IDLE
            beside = send(url, HTTP1, SECONDS).rate
        yield Crowd(variant, bytes_each, alone, beside, send(url, many, SECONDS))
        envoy.stop()


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[None]:
    """Connections that have each had one answer, and rest."""
    request = b"GET /v2/ HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=30))
            opened[-1].sendall(request)
        for number, connection in enumerate(opened):
            if not connection.recv(4096).startswith(b"HTTP/1.1 "):
                raise RuntimeError(f"connection {number} of {count} had no answer: was it closed?")
        yield
    finally:
        for connection in opened:
            connection.close()


def raise_limit_of_files() -> None:
    """Lets this program, and what it starts, have a file for each connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FILES:
        raise RuntimeError(f"want {FILES} open files; raise the limit of {most} (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))
