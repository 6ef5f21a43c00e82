"""The first policy of the README, as somebody does it who is new: its own commands, with the ports of this run.

How long that takes is printed (`-s`), and is no condition: it depends on the machine.
"""

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import image, paths, portolan, ports, raw, skopeo
from harness.processes import Server
from harness.registry import SERVED_BY, Registry

IMAGE = "team/app:v1"


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    """Both have the image."""
    found = Registry("a", tmp_path), Registry("b", tmp_path)
    image.build("app").write_layout(tmp_path / "app", "v1")
    for registry in found:
        skopeo.push(tmp_path / "app", "v1", f"{registry.authority}/{IMAGE}")
    yield found
    for registry in found:
        registry.stop()


def commands() -> list[list[str]]:
    """The commands of the README's first policy, as words: `init`, `check`, `serve`, `docker`."""
    section = (paths.ROOT / "README.md").read_text().split("## A first policy\n")[1].split("```yaml")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    return [shlex.split(line) for line in lines]


def test_the_first_pull(registries: tuple[Registry, Registry], tmp_path: Path) -> None:
    place = tmp_path / "of-the-user"
    place.mkdir()
    begun = time.monotonic()
    init, check, serve, pull = commands()
    for written, registry in zip((5001, 5002), registries, strict=True):
        assert f"http://127.0.0.1:{written}" in " ".join(init)
        init = [word.replace(f"127.0.0.1:{written}", registry.authority) for word in init]
    for program, *arguments in (init, check):
        assert program == "portolan"
        done = subprocess.run([paths.portolan(), *arguments], cwd=place, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), arguments

    port, admin = ports.free(), ports.free()
    assert serve[:3] == ["portolan", "serve", "portolan.yaml"] and ":8080" in serve
    options = [f"127.0.0.1:{port}" if word == ":8080" else word for word in serve[3:]]
    command: list[str | Path] = [paths.portolan(), "serve", place / "portolan.yaml", *options]
    command[command.index("--directory") + 1] = place / "run"
    command += ["--admin", f"127.0.0.1:{admin}", "--envoy-program", paths.envoy(), "--wasm", paths.wasm()]
    serving = Server("serve", command, tmp_path)
    try:
        ready = ("ready", "--admin", f"127.0.0.1:{admin}")
        serving.wait_until(lambda: portolan.run(*ready).returncode == 0 or None, "it is ready")
        reference = pull[-1].replace(":8080", f":{port}")
        assert reference == f"localhost:{port}/{IMAGE}"
        assert skopeo.pull(reference, place / "pulled")
        print(f"first pull after {time.monotonic() - begun:.1f} s")

        registries[0].stop()
        target = f"/v2/{IMAGE.replace(':', '/manifests/')}"
        answer = raw.request(port, "GET", target, [("Accept", image.ACCEPT)], host=f"localhost:{port}")
        assert (answer.status, answer.one(SERVED_BY)) == (200, "b"), "the second answers for the first"
    finally:
        serving.stop()
