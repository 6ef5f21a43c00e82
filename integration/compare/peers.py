"""What is compared, and how each is run: every file of its configuration is in `configurations`."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness import paths

CONFIGURATIONS = Path(__file__).parent / "configurations"
TOOLS = paths.ROOT / ".tools/compare"

Command = list[str | Path]


@dataclass(frozen=True)
class Place:
    """Where one runs, and between whom."""

    directory: Path
    port: int
    admin: int
    near: int
    """Ports of 127.0.0.1, as the others."""
    far: int
    realms: tuple[str, str] | None = None
    """Where the tokens of the near registry and of the far one come from, if they want any."""

    def fill(self, text: str) -> str:
        """Puts itself into a configuration."""
        near, far = self.realms or ("", "")
        words = {
            "DIR": str(self.directory),
            "FRONT": str(self.port),
            "ADMIN": str(self.admin),
            "NEAR": str(self.near),
            "FAR": str(self.far),
            # What a registry that is well answers to its health check. Some can be told of one status alone.
            "PING": "401" if self.realms else "200",
            "NEARTOKENS": _tokens(near),
            "FARTOKENS": _tokens(far),
            "OWNER": "# no owner: without an account there is nobody to push as" if self.realms else "owner: near",
        }
        return re.sub(r"@([A-Z]+)@", lambda found: words[found[1]], text)


@dataclass(frozen=True)
class Peer:
    """One of them."""

    name: str
    files: tuple[str, ...]
    program: Callable[[], Path]
    command: Callable[[Path, Place], Command]
    version: tuple[str, str]
    """The option that asks for it, and a pattern that finds it."""
    environment: dict[str, str] = field(default_factory=dict)
    is_cache: bool = False
    """Whether it has one upstream, and never asks the far registry."""
    cost_only: bool = False
    """Whether it differs from another in nothing but what it costs."""

    def configure(self, place: Place) -> Command:
        """Writes its configuration, and says how it is started."""
        place.directory.mkdir(parents=True)
        for name in self.files:
            text = (CONFIGURATIONS / name).read_text()
            (place.directory / name).write_text(place.fill(text))
        settings: Command = [f"{name}={value}" for name, value in self.environment.items()]
        return [*(["env", *settings] if settings else []), *self.command(self.program(), place)]

    def said_version(self) -> str:
        """Its version, as it says it."""
        option, pattern = self.version
        command = [str(self.program()), *option.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        found = re.search(pattern, done.stdout + done.stderr)
        return found[1] if found else "unknown"

    def lines(self) -> int:
        """How long its configuration is, without blank lines and comments."""
        texts = ((CONFIGURATIONS / name).read_text().splitlines() for name in self.files)
        return sum(bool(line.strip()) and not line.strip().startswith("#") for text in texts for line in text)


def _tokens(realm: str) -> str:
    return f', auth: {{token: {{realm: "{realm}"}}}}' if realm else ""


def _on_path(name: str) -> Callable[[], Path]:
    # Debian has servers where only root looks for commands.
    return lambda: Path(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or paths.need_command(name))


def _built(name: str) -> Callable[[], Path]:
    return lambda: paths.need_file(TOOLS / name, "scripts/setup compare")


def _portolan(kind: str = "wasm") -> Callable[[Path, Place], Command]:
    def command(program: Path, place: Place) -> Command:
        made, source = place.directory / "envoy.yaml", place.directory / "portolan.yaml"
        filters: Command = ["--filter", "module", "--module", paths.module()] if kind == "module" else ["--wasm", paths.wasm()]
        render: Command = [program, "render", source, "--output", made, *filters]
        render += ["--listen", f"127.0.0.1:{place.port}", "--admin", f"127.0.0.1:{place.admin}"]
        subprocess.run(render, check=True, timeout=60, capture_output=True)
        return _run_envoy(paths.envoy(), made)

    return command


def _run_envoy(program: Path, configuration: Path) -> Command:
    quiet = ["--log-level", "warning", "--disable-hot-restart", "--concurrency", "1"]
    return [program, "-c", configuration, *quiet]


def _varnish(program: Path, place: Place) -> Command:
    directory = place.directory
    listen = ["-a", f"127.0.0.1:{place.port}", "-T", "none", "-s", "malloc,64m"]
    # Its workers may be of another user; as root they could not read what is here.
    return [program, "-F", "-j", "none", "-n", directory / "varnish", "-f", directory / "default.vcl", *listen]


ONE_PROCESSOR = {"GOMAXPROCS": "1"}
ENVOY_VERSION = ("--version", r"/(\d+\.\d+\.\d+)/")

PORTOLAN_VERSION = ("--version", r"portolan (\S+)")
PORTOLAN = Peer("Portolan", ("portolan.yaml",), paths.portolan, _portolan(), PORTOLAN_VERSION)
MODULE = Peer(
    "Portolan, native module", ("portolan.yaml",), paths.portolan, _portolan("module"), PORTOLAN_VERSION, cost_only=True
)
ENVOY = Peer(
    "Envoy by hand",
    ("envoy.yaml",),
    paths.envoy,
    lambda program, place: _run_envoy(program, place.directory / "envoy.yaml"),
    ENVOY_VERSION,
)
NGINX = Peer(
    "nginx",
    ("nginx.conf",),
    _on_path("nginx"),
    lambda program, place: [program, "-p", place.directory, "-c", place.directory / "nginx.conf", "-g", "daemon off;"],
    ("-v", r"nginx/(\S+)"),
)
HAPROXY = Peer(
    "HAProxy",
    ("haproxy.cfg",),
    _on_path("haproxy"),
    lambda program, place: [program, "-db", "-f", place.directory / "haproxy.cfg"],
    ("-v", r"version (\d+\.\d+\.\d+)"),
)
CADDY = Peer(
    "Caddy",
    ("Caddyfile",),
    _built("caddy"),
    lambda program, place: [program, "run", "--adapter", "caddyfile", "--config", place.directory / "Caddyfile"],
    ("version", r"v?(\d+\.\d+\.\d+)"),
    ONE_PROCESSOR,
)
TRAEFIK = Peer(
    "Traefik",
    ("traefik.yaml", "traefik-routes.yaml"),
    _built("traefik"),
    lambda program, place: [program, f"--configFile={place.directory / 'traefik.yaml'}"],
    ("version", r"Version:\s+v?(\S+)"),
    ONE_PROCESSOR,
)
VARNISH = Peer("Varnish", ("default.vcl",), _on_path("varnishd"), _varnish, ("-V", r"varnish-(\d+\.\d+\.\d+)"))
DISTRIBUTION = Peer(
    "distribution",
    ("distribution.yml",),
    _on_path("docker-registry"),
    lambda program, place: [program, "serve", place.directory / "distribution.yml"],
    ("--version", r"(\d+\.\d+\.\d+)"),
    ONE_PROCESSOR,
    is_cache=True,
)

ALL = [PORTOLAN, MODULE, ENVOY, NGINX, HAPROXY, CADDY, TRAEFIK, VARNISH, DISTRIBUTION]
