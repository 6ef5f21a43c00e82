"""Several Envoys at one registry and one token service, and what these were asked: the model's numbers have to come out."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from harness import raw
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.signing import Signer
from harness.token_service import TokenService

HOST = "registry.test"
# Which path is read of each repository.
REFERENCE = "manifests/v1"
CLIENTS = 8
# Requests on one connection; then another one is opened, which another worker may get.
REQUESTS_PER_CONNECTION = 5


class Counting(Scripted):
    """A registry that counts health checks, too."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0

    def _answer(self, seen: Seen) -> Answer:
        self.checks += seen.all("user-agent") == [b"Envoy/HC"]
        return super()._answer(seen)


@dataclass(frozen=True)
class Plan:
    """What is run."""

    envoys: int
    workers: int = 2
    repositories: int = 10
    seconds: float = 20.0


@dataclass(frozen=True)
class Found:
    """What was counted, in the seconds of a run."""

    seconds: float
    requests: int
    failures: int
    at_registry: int
    checks: int
    tokens: int
    # Processor time of all Envoys, in microseconds for each request.
    microseconds: float


def run(plan: Plan, directory: Path) -> Found:
    """Starts them, has clients read through all of them, and counts."""
    service = TokenService(Signer(directory), [], service="scale")
    service.habits.public = ("team/",)
    registry = Counting()
    registry.script = lambda seen: _answer(seen, service)
    started = [
        Envoy(render(_policy(registry, service), directory / str(number)), directory / str(number), plan.workers)
        for number in range(plan.envoys)
    ]
    try:
        return _measure(plan, started, registry, service)
    finally:
        for envoy in started:
            envoy.stop()
        registry.close()
        service.close()


def _policy(registry: Scripted, service: TokenService) -> Policy:
    token = {"realm": service.realm, "service": service.service}
    return build_policy(
        {"a": {"url": registry.url, "auth": {"token": token}}},
        rule_of("team", ["a"]),
        fronts={"main": {"hosts": [HOST]}},
    )


def _answer(seen: Seen, service: TokenService) -> Answer:
    """Content for who has a token, whatever it is for: what tokens are good for is tested elsewhere."""
    if any(value.startswith(b"Bearer ") for value in seen.all("authorization")):
        return Answer(200, [], b"content")
    challenge = f'Bearer realm="{service.realm}",service="{service.service}"'
    return Answer(401, [("WWW-Authenticate", challenge)])


def _measure(plan: Plan, envoys: list[Envoy], registry: Counting, service: TokenService) -> Found:
    for envoy in envoys:
        envoy.wait_until_healthy()
    registry.forget()
    service.forget()
    clients = _Clients(plan, [envoy.port for envoy in envoys])
    used, checks, begun = _processor_seconds(envoys), registry.checks, time.monotonic()
    clients.run(plan.seconds)
    seconds = time.monotonic() - begun
    done = max(1, clients.done)
    return Found(
        seconds=seconds,
        requests=clients.done,
        failures=clients.failures,
        at_registry=len(registry.seen),
        checks=registry.checks - checks,
        tokens=len(service.requests),
        microseconds=(_processor_seconds(envoys) - used) / done * 1e6,
    )


def _processor_seconds(envoys: list[Envoy]) -> float:
    """What the kernel says of each process: fields 14 and 15 of /proc/PID/stat (proc(5))."""
    fields = (Path(f"/proc/{envoy.server.pid}/stat").read_text().rpartition(")")[2].split() for envoy in envoys)
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


class _Clients:
    """Clients that read from one Envoy after the other."""

    def __init__(self, plan: Plan, ports: list[int]) -> None:
        self.done = self.failures = 0
        self._plan, self._ports = plan, ports
        self._lock = threading.Lock()

    def run(self, seconds: float) -> None:
        """For so long."""
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._read, args=(number, end)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _read(self, number: int, end: float) -> None:
        count = number
        while time.monotonic() < end:
            port = self._ports[count % len(self._ports)]
            with raw.Connection(port) as connection:
                for _ in range(REQUESTS_PER_CONNECTION):
                    count += 1
                    path = f"/v2/team/app{count % self._plan.repositories}/{REFERENCE}"
                    answer = raw.exchange(connection, "GET", path, host=HOST)
                    with self._lock:
                        self.done += 1
                        self.failures += answer.status != 200
