"""Images under the names that the stacks pin, made of this machine's own programs, as no registry can be reached.

registry, nginx, Prometheus and Alertmanager are the real programs in Debian's versions. Grafana is not to be had: its stand-in
answers a health check and nothing else, so what Grafana does with its provisioning is not seen here.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compose.daemon import Daemon

SHELL = (
    *("sh", "cat", "chmod", "chown", "cp", "date", "grep", "hostname", "id", "ls", "mkdir", "mktemp", "mv", "rm", "sed"),
    *("sleep", "tr", "wget"),
)
# Of the image registry:2.8.3.
REGISTRY_CONFIGURATION = """\
version: 0.1
storage: {cache: {blobdescriptor: inmemory}, filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ":5000", headers: {X-Content-Type-Options: [nosniff]}}
"""
HEALTH = """\
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    server { listen 3000; location = /api/health { return 200 '{}'; } }
}
"""


@dataclass(frozen=True)
class StandIn:
    """An image: programs of this machine under the names that the image has, files, and how it runs."""

    name: str
    programs: dict[str, str]
    entry_point: str
    user: str
    files: tuple[tuple[str, str], ...] = ()
    owned: tuple[tuple[str, int], ...] = ()
    command: str = "[]"
    copied: tuple[str, ...] = ()


STAND_INS = [
    StandIn(
        "registry:2.8.3",
        {"docker-registry": "registry"},
        '["/bin/registry"]',
        "",
        (("etc/docker/registry/config.yml", REGISTRY_CONFIGURATION),),
        (("var/lib/registry", 0),),
        '["serve", "/etc/docker/registry/config.yml"]',
    ),
    StandIn("nginxinc/nginx-unprivileged:1.28.0", {"nginx": "nginx", "openssl": "openssl"}, '["nginx"]', "101"),
    StandIn("prom/prometheus:v3.5.0", {"prometheus": "prometheus"}, '["/bin/prometheus"]', "nobody", (), (("prometheus", 65534),)),
    StandIn(
        "prom/alertmanager:v0.28.1",
        {"prometheus-alertmanager": "alertmanager"},
        '["/bin/alertmanager"]',
        "nobody",
        (),
        (("alertmanager", 65534),),
        # Debian's has its templates beside it and not inside.
        copied=("usr/share/prometheus/alertmanager",),
    ),
    StandIn(
        "grafana/grafana:12.1.1",
        {"nginx": "nginx"},
        '["nginx", "-e", "stderr", "-g", "daemon off;", "-c", "/health.conf"]',
        "472",
        (("health.conf", HEALTH),),
        (("var/lib/grafana", 472),),
    ),
]


def load_all(daemon: Daemon) -> None:
    """Puts all of them into the engine."""
    for stand_in in STAND_INS:
        load(daemon, stand_in)


def load(daemon: Daemon, stand_in: StandIn) -> None:
    """Puts one into the engine."""
    with tempfile.TemporaryDirectory(prefix="stand-in-") as place:
        root = Path(place) / "root"
        fill(root, stand_in)
        archive = Path(place) / "root.tar"
        subprocess.run(["tar", "--numeric-owner", "-C", root, "-cf", archive, "."], check=True)
        changes = [f"ENTRYPOINT {stand_in.entry_point}", f"CMD {stand_in.command}", "ENV PATH=/usr/bin"]
        changes += [f"USER {stand_in.user}"] if stand_in.user else []
        options = [word for change in changes for word in ("--change", change)]
        daemon.docker("import", *options, str(archive), stand_in.name)


def fill(root: Path, stand_in: StandIn) -> None:
    """The files of one."""
    for directory in ("usr/bin", "etc/ssl", "var/log/nginx", "lib64"):
        (root / directory).mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    (root / "tmp").mkdir(mode=0o1777)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    for program, name in {**{each: each for each in SHELL}, **stand_in.programs}.items():
        _copy_program(root, program, name)
    if "openssl" in stand_in.programs:
        configuration = root / "usr/lib/ssl/openssl.cnf"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2("/usr/lib/ssl/openssl.cnf", configuration)
    for path in stand_in.copied:
        shutil.copytree(Path("/") / path, root / path)
    for path, text in stand_in.files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for path, owner in stand_in.owned:
        (root / path).mkdir(parents=True)
        shutil.chown(root / path, owner, owner)


def _copy_program(root: Path, program: str, name: str) -> None:
    found = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin")
    assert found is not None, f"{program} is not on this machine"
    target = root / "usr/bin" / name
    if not target.exists():
        shutil.copy2(found, target)
    for library in libraries(found):
        place = root / library.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy2(library, place)


def libraries(program: str) -> Sequence[Path]:
    """The shared libraries of a program, the loader among them."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", said)]
