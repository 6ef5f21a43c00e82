"""Envoy's own rate limit service (`envoyproxy/ratelimit`), with a Redis that it counts in."""

import shutil
from pathlib import Path

from harness import paths, ports, raw
from harness.processes import Server
from harness.waiting import eventually

PROGRAM = paths.ROOT / ".tools/bin/ratelimit"
HERE = "127.0.0.1"


def have() -> bool:
    """Whether both programs are on this machine."""
    return PROGRAM.is_file() and shutil.which("redis-server") is not None


class RateLimitService:
    """The service, for one configuration."""

    def __init__(self, directory: Path, configuration: str) -> None:
        files = directory / "runtime/portolan/config"
        files.mkdir(parents=True)
        (files / "portolan.yaml").write_text(configuration)
        self._redis, self._http, self.port = ports.free(), ports.free(), ports.free()
        self._servers = [self._start_redis(directory), self._start_service(directory)]

    @property
    def url(self) -> str:
        """What `--rate-limit-service` takes."""
        return f"http://{HERE}:{self.port}"

    def stop(self) -> None:
        """Stops both."""
        for server in reversed(self._servers):
            server.stop()

    def _start_redis(self, directory: Path) -> Server:
        options = ("--port", str(self._redis), "--bind", HERE, "--save", "", "--appendonly", "no")
        server = Server("redis", ["redis-server", *options, "--dir", directory], directory)
        eventually(lambda: ports.listens(self._redis), what="Redis listens")
        return server

    def _start_service(self, directory: Path) -> Server:
        settings = {
            "USE_STATSD": "false",
            "BACKEND_TYPE": "redis",
            "REDIS_TYPE": "SINGLE",
            "REDIS_SOCKET_TYPE": "tcp",
            "REDIS_URL": f"{HERE}:{self._redis}",
            "RUNTIME_ROOT": f"{directory}/runtime",
            "RUNTIME_SUBDIRECTORY": "portolan",
            "RUNTIME_WATCH_ROOT": "false",
            "HOST": HERE,
            "PORT": str(self._http),
            "GRPC_HOST": HERE,
            "GRPC_PORT": str(self.port),
            "DEBUG_HOST": HERE,
            "DEBUG_PORT": str(ports.free()),
        }
        command: list[str | Path] = ["env", *(f"{name}={value}" for name, value in settings.items()), PROGRAM]
        server = Server("ratelimit", command, directory)
        server.wait_until(self._is_well, "it is well")
        return server

    def _is_well(self) -> bool | None:
        try:
            return raw.request(self._http, "GET", "/healthcheck").status == 200 or None
        except OSError:
            return None
