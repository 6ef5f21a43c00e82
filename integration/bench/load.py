"""Requests as a container runtime sends them, by h2load."""

import re
import subprocess
from collections.abc import Mapping, Sequence

from bench.cases import Case
from bench.servers import Envoy
from harness import paths

SECONDS = 120

# What a container runtime sends beside the request line. The token is as long as a short real one.
TOKEN = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." + 40 * "eyJpc3MiOiJ" + ".c2lnbmF0dXJl"
ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
HEADERS = {"authorization": f"Bearer {TOKEN}", "accept": ACCEPT, "user-agent": "containerd/v2.0.1"}

STATUS_LINE = re.compile(r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$", re.MULTILINE)


class WrongAnswers(RuntimeError):
    """Not every request was answered as its case says: whatever was measured is something else."""


def ask(envoy: Envoy, case: Case, target: str, count: int) -> None:
    """Sends one request `count` times, and checks each status and that its backend got every one of them."""
    before = envoy.requests_to(case.counted_cluster)
    counts = status_counts(send(envoy.port, case, target, count))
    arrived = envoy.requests_to(case.counted_cluster) - before
    if counts.get(case.status // 100) != count or arrived != (count if case.backend else 0):
        raise WrongAnswers(
            f"{case.name}: of {count} requests {arrived} came to the backend {case.counted_backend}; "
            f"want status {case.status}, got {counts}. The logs are beside {envoy.server.log}"
        )


def send(port: int, case: Case, target: str, count: int) -> str:
    """Sends one request `count` times; what h2load prints."""
    options = ["--h1", "-n", str(count), "-c", str(min(case.connections, count))]
    return h2load(f"http://127.0.0.1:{port}{target}", options, {**HEADERS, **case.headers})


def h2load(
    url: str,
    options: Sequence[str],
    headers: Mapping[str, str] = HEADERS,
    seconds: float = SECONDS,
    prefix: Sequence[str] = (),
) -> str:
    """Runs it with these headers; what it prints. `prefix` is a command that runs it."""
    fields = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = [*prefix, paths.need_command("h2load"), *options, *fields, url]
    return subprocess.run(command, check=True, timeout=seconds, stdout=subprocess.PIPE, text=True).stdout


def status_counts(output: str) -> dict[int, int]:
    """How many answers of each hundred h2load counted."""
    found = STATUS_LINE.search(output)
    return {hundred: int(number) for hundred, number in enumerate(found.groups(), 2)} if found else {}
