"""What a release delivers for linux/arm64, run by emulation (qemu-user-static) with the files of its own image as libraries.

Not part of `make test`, which builds nothing for arm64; `scripts/test-dist` runs it on the release that it has built. RELEASE names its
directory. An emulator is no such machine: how fast it is there, and what the kernel of one does, is not seen here.
"""

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths, ports, skopeo
from harness.image import Image
from harness.processes import Server
from harness.registry import Registry
from harness.released_image import Archive

RELEASE = Path(os.environ["RELEASE"])
QEMU = "qemu-aarch64-static"
SECONDS = 600
# ELF: `e_machine` is two bytes at 18 (elf(5)); EM_AARCH64 is 183.
MACHINE_AT, AARCH64 = 18, 183
POLICIES = sorted(paths.EXAMPLES.glob("*/portolan.yaml"))
SERVED = """\
version: 1
fronts: {main: {hosts: [registry.test], default: true}}
backends: {far: {url: "URL"}}
regions: {default: {}}
rules: [{name: all, repositories: ["**"], chains: {default: [far]}}]
"""
# A wrong field: the words of a mistake, with line and column.
MISTAKEN = "version: 1\nfronts: {m: {hosts: [h]}}\nbackends: {a: {url: 'https://a.example', wait: 1}}\n"


def only(end: str) -> Path:
    """The one file of the release whose name ends so."""
    (found,) = RELEASE.glob(f"portolan-[0-9]*{end}")
    return found


def command_line(platform: str, place: Path) -> Path:
    """The command line in the package of a platform."""
    (place / platform).mkdir()
    subprocess.run(["tar", "-xzf", only(f"-{platform}.tar.gz"), "-C", place / platform], check=True)
    (found,) = (place / platform).glob("*/bin/portolan")
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the image for arm64."""
    return Archive(only("-image-linux-arm64.tar")).unpack(tmp_path_factory.mktemp("arm64") / "files")


@pytest.fixture(scope="module")
def commands(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], list[str]]]:
    """How the command line runs here, and how the one for arm64 does."""
    place = tmp_path_factory.mktemp("packages")
    paths.need_command(QEMU)
    yield [str(command_line("linux-amd64", place))], [QEMU, "-L", str(root), str(command_line("linux-arm64", place))]


def run(command: list[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Status, output and messages."""
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stdout, done.stderr


def arguments_of(policy: Path) -> list[list[str | Path]]:
    """What is asked about a policy."""
    return [
        ["check", policy],
        ["explain", policy, "pull", "team/app:v1", "--from", "CN"],
        ["explain", policy, "GET", "/v2/team/app/blobs/sha256:" + "0" * 64],
        ["render", policy, "--wasm", "/etc/portolan/portolan.wasm"],
        ["render", "--filter-configuration", policy],
    ]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.parent.name)
def test_it_says_byte_for_byte_what_the_one_for_amd64_says(policy: Path, commands: tuple[list[str], list[str]]) -> None:
    here, there = commands
    for arguments in arguments_of(policy):
        assert run(there, *arguments) == run(here, *arguments), arguments


def test_the_answers_that_are_compared_are_answers(commands: tuple[list[str], list[str]]) -> None:
    _, there = commands
    (policy,) = (each for each in POLICIES if each.parent.name == "two-regions")
    status, said, _ = run(there, "render", policy, "--wasm", "/etc/portolan/portolan.wasm")
    assert status == 0 and "static_resources" in said
    assert run(there, "check", policy)[0] == 0


def test_mistakes_and_versions_are_the_same(commands: tuple[list[str], list[str]], tmp_path: Path) -> None:
    here, there = commands
    policy = tmp_path / "portolan.yaml"
    policy.write_text(MISTAKEN)
    answer = run(there, "check", policy)
    assert answer == run(here, "check", policy)
    assert answer[0] == 1 and "wait" in answer[2]
    for arguments in (["--version"], ["version"], ["schema"]):
        assert run(there, *arguments) == run(here, *arguments)


def test_all_programs_and_libraries_of_the_image_are_for_arm64(root: Path) -> None:
    machines = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            head = path.read_bytes()[: MACHINE_AT + 2]
            if head.startswith(b"\x7fELF"):
                (machines[str(path.relative_to(root))],) = struct.unpack_from("<H", head, MACHINE_AT)
    assert {"usr/local/bin/envoy", "usr/local/bin/portolan"} <= machines.keys()
    assert set(machines.values()) == {AARCH64}, machines


def test_a_pull_through_its_envoy_and_its_filter(
    root: Path, commands: tuple[list[str], list[str]], app: Image, tmp_path: Path
) -> None:
    """Rendered, checked and served by what is for arm64 alone."""
    _, there = commands
    registry = Registry("far", tmp_path)
    app.write_layout(tmp_path / "layout", "v1")
    skopeo.push(tmp_path / "layout", "v1", f"{registry.authority}/demo/app:v1")
    policy, configuration = tmp_path / "portolan.yaml", tmp_path / "envoy.yaml"
    policy.write_text(SERVED.replace("URL", registry.url))
    front, admin = ports.free(), ports.free()
    options = ["--wasm", root / "usr/local/share/portolan/portolan.wasm", "--output", configuration]
    addresses = ["--listen", f"127.0.0.1:{front}", "--admin", f"127.0.0.1:{admin}"]
    assert run(there, "render", policy, *options, *addresses)[0] == 0
    envoy: list[str | Path] = [QEMU, "-L", root, root / "usr/local/bin/envoy", "-c", configuration]
    server = Server("envoy-arm64", [*envoy, "--disable-hot-restart", "--concurrency", "1"], tmp_path)
    try:
        ready = ("ready", "--admin", f"127.0.0.1:{admin}")
        server.wait_until(lambda: run(there, *ready)[0] == 0 or None, "it is ready", SECONDS)
        assert skopeo.pull(f"127.0.0.1:{front}/demo/app:v1", tmp_path / "pulled") == app.digest
        server.wait_until(lambda: '"rule":"all"' in server.out.read_text() or None, "the access log tells of it", SECONDS)
    finally:
        server.stop()
        registry.stop()
