"""docs/changing-the-policy.md and docs/upgrading.md as a new user follows them: every block of commands is run as it stands.

A block runs in a mount namespace and a network namespace of its own, so that `/etc/portolan` and the ports are those of the page.
An `envoy` of a block runs beside the commands behind it; all else is the reader's shell. No backend is there: what is tested is
what the commands do with Envoy. What becomes of requests is for the other tests of changes.

`scripts/test-all changes` runs the blocks; otherwise it is only seen that none is left out.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import paths
from harness.envoy import write_policy
from harness.long import only_long
from harness.pages import blocks
from harness.policies import build_policy, rule_for_all

SECONDS = 400

# Where the reader has the policy and the filter, as docs/install.md says; a registry that nobody reaches.
POLICY = build_policy({"quay": "http://127.0.0.1:9"}, rule_for_all(["quay"]), front={"health": True})

# What a reader's machine has: places of its own for /etc/portolan and for the memory that Envoys share, a loopback interface, the
# programs in PATH. Envoy is run beside the shell, and waited for as a reader does who looks at it. `portolan status` may find a
# problem: nobody is there to pull from.
MACHINE = """
set -euo pipefail
ip link set lo up
mount -t tmpfs scratch "$SCRATCH"
mkdir "$SCRATCH/upper" "$SCRATCH/work"
mount -t overlay overlay -o lowerdir=/etc,upperdir="$SCRATCH/upper",workdir="$SCRATCH/work" /etc
mount -t tmpfs shared /dev/shm
mkdir -p /etc/portolan
cp "$FILTER" /etc/portolan/portolan.wasm
portolan() { command portolan "$@" || [ "$1 $?" = "status 1" ]; }
envoy() { command envoy --log-level warning --concurrency 2 "$@" & last=$!; envoys+=($!); }
serves() { until portolan ready --admin "127.0.0.1:$1" >/dev/null 2>&1; do kill -0 "$last"; sleep 0.1; done; }
is_over() { for _ in $(seq 600); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.1; done; return 1; }
policy() { portolan history "$1" | sed -n 's/^127.*: policy //p'; }
change() { sed -i "s/\\"name\\": \\"all[^\\"]*\\"/\\"name\\": \\"all-$1\\"/" "${2:-portolan.yaml}"; }
envoys=()
trap 'kill "${envoys[@]}" 2>/dev/null || true' EXIT
"""

START = "portolan render portolan.yaml --target files /etc/portolan/envoy --listen 0.0.0.0:8080\n"


@dataclass(frozen=True)
class Reading:
    """What a reader has done before a block, and what is so after it; `{}` in `around` is the block."""

    page: str
    # With what the block begins.
    begins: str
    around: str


RUNNING = f"{START}envoy -c /etc/portolan/envoy/envoy.yaml\nserves 9901; first=$last\n"

READINGS = [
    Reading("changing-the-policy.md", "portolan render", "{}\nserves 9901"),
    Reading(
        "changing-the-policy.md",
        "portolan apply portolan.yaml /etc/portolan/envoy --dry-run",
        RUNNING + 'before=$(policy /etc/portolan/envoy); change 2\n{}\n[ "$(policy /etc/portolan/envoy)" = "$before" ]',
    ),
    Reading(
        "changing-the-policy.md",
        "portolan apply /config/portolan.yaml",
        RUNNING
        + """
before=$(policy /etc/portolan/envoy)
mkdir /etc/config; cp portolan.yaml /etc/config/
{} & envoys+=($!)
change 2 /etc/config/portolan.yaml
until [ "$(policy /etc/portolan/envoy)" != "$before" ]; do sleep 0.1; done""",
    ),
    # What cron runs every ten minutes is run once.
    Reading(
        "changing-the-policy.md",
        "*/10 * * * * portolan check",
        """
mkdir /etc/node-exporter; cp portolan.yaml /etc/portolan/
line='{}'
eval "${{line#"*/10 * * * * "}}"
grep -q '^portolan_policy_file_good{{.*}} 1$' /etc/node-exporter/policy.prom""",
    ),
    Reading("upgrading.md", "portolan drain", RUNNING + '{}\nkill -0 "$first"'),
    Reading(
        "upgrading.md",
        "portolan check --fix",
        """
sed -i 's/"url": /"redirects": "pass", &/' portolan.yaml
grep -q '"redirects"' portolan.yaml
{}
grep -q '"redirect_handling"' portolan.yaml""",
    ),
    Reading("upgrading.md", "curl", RUNNING + '{}\nis_over "$first"'),
    Reading("upgrading.md", "sysctl", RUNNING + '{}\nis_over "$first"; serves 9903; portolan history /etc/portolan/next'),
    Reading(
        "upgrading.md",
        "envoy -c /etc/portolan/envoy/envoy.yaml --base-id 1 --restart-epoch 0",
        START + '{}\nserves 9901; is_over "${{envoys[0]}}"; kill -0 "$last"; change 2; portolan apply portolan.yaml /etc/portolan/envoy',
    ),
]

# A reader waits for as long as a page says; here nothing streams.
SHORTER = {
    "--grace 10": "--grace 1",
    "sleep 10": "sleep 1",
    "--drain-time-s 600": "--drain-time-s 2",
    "--parent-shutdown-time-s 900": "--parent-shutdown-time-s 30",
    # A mount at the root of the file system.
    "/config/": "/etc/config/",
    "/var/lib/node-exporter/": "/etc/node-exporter/",
}


def read(reading: Reading, place: Path, instead: Mapping[str, str] | None = None) -> str:
    """Runs a block with what is around it; what was said. `instead` is what a reader writes who does otherwise."""
    (block,) = [block for block in blocks(reading.page) if block.startswith(reading.begins)]
    for long, short in {**SHORTER, **(instead or {})}.items():
        block = block.replace(long, short)
    if "--restart-epoch 0" in block:
        # The second one is started when the first one serves.
        block = block.replace("\n", "\nserves 9901\n", 1)
    script = MACHINE + reading.around.format(block)
    programs = place / "bin"
    programs.mkdir()
    for name, program in (("envoy", paths.envoy()), ("portolan", paths.portolan())):
        (programs / name).symlink_to(program.resolve())
    scratch = place / "scratch"
    scratch.mkdir()
    write_policy(POLICY, place)
    path = f"{programs}:{Path('/usr/sbin')}:{Path('/usr/bin')}:{Path('/bin')}:/sbin"
    surroundings = {"PATH": path, "SCRATCH": str(scratch), "FILTER": str(paths.wasm().resolve())}
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", script]
    done = subprocess.run(
        command, cwd=place, env=surroundings, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@only_long
@pytest.mark.parametrize("reading", READINGS, ids=lambda one: one.begins)
def test_every_block_as_its_page_says(reading: Reading, tmp_path: Path) -> None:
    read(reading, tmp_path)


@only_long
def test_a_missing_sysctl_setting_is_reported(tmp_path: Path) -> None:
    (in_turn,) = [one for one in READINGS if one.begins == "sysctl"]
    note = "note: another process listens at 0.0.0.0:8080"
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    assert note not in read(in_turn, tmp_path / "with")
    assert note in read(in_turn, tmp_path / "without", {"tcp_migrate_req=1": "tcp_migrate_req=0"})


def test_no_block_is_left_out() -> None:
    for page in ("changing-the-policy.md", "upgrading.md"):
        for block in blocks(page):
            readers = [one for one in READINGS if one.page == page and block.startswith(one.begins)]
            assert len(readers) == 1, block


def test_the_programs_of_this_test_are_there() -> None:
    for name in ("unshare", "ip", "curl", "sysctl"):
        assert shutil.which(name), name
