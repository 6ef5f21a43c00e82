"""Processor time of one redirect: Envoy's own, the filter's, and archeio's, where it is there.

    scripts/setup archeio                     builds archeio into .tools/bin; once
    integration/bench/beside_archeio.py       prints a table

archeio listens on all addresses of the machine while this runs. PORTOLAN_ARCHEIO names another one. Times are the
machine's: the rounds alternate, and the medians count. No goal is held by them.
"""

import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# Run as a file: this package and the harness are beside each other.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import cases, report  # noqa: E402
from bench.bench import PLACE, start_upstreams  # noqa: E402
from bench.goals import Measurement  # noqa: E402
from bench.load import send, status_counts  # noqa: E402
from bench.processor_time import on_processor_nanoseconds  # noqa: E402
from bench.servers import Envoy, rendered, rendered_redirect  # noqa: E402
from harness import paths, processes  # noqa: E402
from harness.processes import Server  # noqa: E402

ROUNDS = 7
REQUESTS = 20_000
PROGRAM = "PORTOLAN_ARCHEIO"


@dataclass(frozen=True)
class Redirector:
    """A running server that answers with redirects."""

    name: str
    server: Server
    port: int

    def microseconds(self) -> float:
        """Processor time of one request, of all threads."""
        before = on_processor_nanoseconds(self.server.pid)
        counts = status_counts(send(self.port, cases.REDIRECTED, cases.REDIRECTED.target, REQUESTS))
        if counts.get(3) != REQUESTS:
            raise RuntimeError(f"{self.name}: of {REQUESTS} requests {counts}")
        return (on_processor_nanoseconds(self.server.pid) - before) / REQUESTS / 1000


def main() -> None:
    """Measures whatever is there."""
    processes.stop_all_at_exit()
    work = PLACE / "beside-archeio"
    shutil.rmtree(work, ignore_errors=True)
    all_of_them = redirectors(work)
    for one in all_of_them:
        one.microseconds()
    rounds = [[one.microseconds() for one in all_of_them] for _ in range(ROUNDS)]
    times = [median(times) for times in zip(*rounds, strict=True)]
    rows = [
        Measurement(one.name, time, "µs of a processor", f"{time / times[0]:.2f} times Envoy's own")
        for one, time in zip(all_of_them, times, strict=True)
    ]
    print(report.plain(report.row(row) for row in rows))
    processes.stop_all()


def redirectors(work: Path) -> list[Redirector]:
    """Envoy alone, Envoy with the filter, and archeio."""
    upstreams = start_upstreams(work)
    policy = cases.redirecting(upstreams)
    bare = Envoy(rendered_redirect(policy, work, cases.NEAR))
    filtered = Envoy(rendered(policy, work))
    found = [
        Redirector("Envoy's own redirect", bare.server, bare.port),
        Redirector("Envoy with the filter", filtered.server, filtered.port),
    ]
    program = Path(os.environ.get(PROGRAM, paths.ROOT / ".tools/bin/archeio"))
    if program.is_file():
        found.append(archeio(program, upstreams.registry, work))
    else:
        print(f"no archeio: {program} is not there. Run: scripts/setup archeio", file=sys.stderr)
    return found


def archeio(program: Path, registry: str, work: Path) -> Redirector:
    """archeio, sending everything but blobs to the registry."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    settings = [f"PORT={port}", f"UPSTREAM_REGISTRY_ENDPOINT={registry}", "UPSTREAM_REGISTRY_PATH="]
    server = Server("archeio", ["env", *settings, program], work)

    def pings() -> bool | None:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1).status == 200
        except urllib.error.HTTPError:
            # Newer ones want clients to get a token first, which numbers their pull.
            return True
        except urllib.error.URLError:
            return None

    server.wait_until(pings, "it answers")
    return Redirector("archeio", server, port)


if __name__ == "__main__":
    main()
