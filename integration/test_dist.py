"""What a release delivers, put together from the built filter and command line and, to be quick, a stand-in for Envoy.

Sees that two runs in two directories give the same bytes; that two builds do is for `scripts/test-dist`.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import paths, skopeo
from harness.digest import sha256
from harness.registry import Registry
from harness.released_image import ALL, PACKAGES, Archive, pins


# Those with images; macOS has a package alone.
PLATFORMS = ("linux-amd64", "linux-arm64")
MACOS = "macos-arm64"


def make(directory: Path) -> Path:
    """The files of a release, in a directory. The stand-ins tell the platforms apart."""
    paths.need_file(PACKAGES / "libc6.deb", "scripts/setup image")
    directory.mkdir(parents=True)
    envoy, other = directory / "envoy", directory / "portolan-of-another-platform"
    envoy.write_bytes(b"a stand-in")
    other.write_bytes(b"another stand-in")
    output = directory / "release"
    options: list[str | Path] = ["--wasm", paths.wasm(), "--envoy-version", "1.40.0", "--output", output]
    for platform, command_line in zip(PLATFORMS, (paths.portolan(), other), strict=True):
        options += ["--package", platform, command_line]
        options += ["--image", platform, command_line, envoy, PACKAGES, pins()]
        options += ["--cache-image", platform, command_line, PACKAGES, pins(ALL)]
    options += ["--package", MACOS, other]
    command = [sys.executable, "-m", "release.dist", *map(str, options)]
    subprocess.run(command, cwd=paths.ROOT, timeout=300, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
    return output


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("dist") / "one")


@pytest.fixture(scope="module")
def registry(work: Path) -> Iterator[Registry]:
    registry = Registry("releases", work / "dist")
    yield registry
    registry.stop()


def only(release: Path, end: str) -> Path:
    """The one file whose name ends so."""
    (found,) = release.glob(f"portolan-[0-9]*{end}")
    return found


def test_a_second_run_elsewhere_gives_the_same_bytes(release: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "another directory")
    names = sorted(path.name for path in release.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert [name for name in names if (release / name).read_bytes() != (again / name).read_bytes()] == []


def test_the_checksums_are_those_of_all_files(release: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=release, check=True)
    named = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert named | {"SHA256SUMS"} == {path.name for path in release.iterdir()}


def test_the_filter_is_an_image_that_istio_reads(release: Path) -> None:
    """One layer, a tar with `plugin.wasm` at its top (istio.io/istio/pkg/wasm/imagefetcher.go, the "compat" variant)."""
    manifest = Archive(only(release, "wasm-image.tar")).manifest()
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert manifest["annotations"]["module.wasm.image/variant"] == "compat"
    content = Archive(only(release, "wasm-image.tar")).blob(layer["digest"])
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as files:
        assert files.getnames() == ["plugin.wasm"]
        found = files.extractfile("plugin.wasm")
        assert found and found.read() == paths.wasm().read_bytes()


def test_a_registry_takes_it_and_gives_it_back(release: Path, registry: Registry, tmp_path: Path) -> None:
    archive = only(release, "wasm-image.tar")
    skopeo.push_archive(archive, f"{registry.authority}/portolan-wasm:v1")
    pulled = skopeo.pull_platform(f"{registry.authority}/portolan-wasm:v1", "amd64", tmp_path / "pulled")
    assert pulled == Archive(archive).json("index.json")["manifests"][0]["digest"]


def test_one_image_has_both_platforms(release: Path, registry: Registry, tmp_path: Path) -> None:
    """A registry takes the image of all platforms, and each client gets its own, which is the one of `docker load`."""
    skopeo.push_archive(only(release, "-image-linux.tar"), f"{registry.authority}/portolan:v1", whole=True)
    commands = set()
    for platform in PLATFORMS:
        architecture = platform.removeprefix("linux-")
        pulled = skopeo.pull_platform(f"{registry.authority}/portolan:v1", architecture, tmp_path / platform)
        alone = Archive(only(release, f"-image-{platform}.tar"))
        assert pulled == alone.json("index.json")["manifests"][0]["digest"], platform
        assert alone.config()["architecture"] == architecture
        commands.add(alone.manifest()["layers"][-1]["digest"])
    assert len(commands) == len(PLATFORMS), "each has the command line of its platform"


def test_the_package_runs_where_it_is_unpacked(release: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", only(release, "linux-amd64.tar.gz"), "-C", tmp_path], check=True)
    (top,) = tmp_path.iterdir()
    share = top / "share/portolan"
    assert (share / "portolan.wasm").read_bytes() == paths.wasm().read_bytes()
    of_fills = paths.wasm().with_name("portolan-fill.wasm")
    assert (share / "portolan-fill.wasm").read_bytes() == of_fills.read_bytes()
    policy = tmp_path / "portolan.yaml"
    policy.write_text(
        "version: 1\nfronts: {m: {hosts: [h]}}\nbackends: {a: {url: 'https://a.example'}}\nregions: {default: {}}\n"
        "rules: [{name: r, repositories: [x], chains: {default: [a]}}]\n"
    )
    serve = [top / "bin/portolan", "serve", policy, "--directory", tmp_path / "run", "--envoy-program", "/bin/true"]
    done = subprocess.run(serve, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # No filter is in /etc here: the one that was unpacked beside the command is taken.
    filters = (tmp_path / "run/filters/envoy.filters.http.wasm.json").read_text()
    assert f'"filename": "{top}/share/portolan/portolan.wasm"' in filters


def test_the_package_for_macos_has_the_filter_and_no_systemd_unit(release: Path) -> None:
    names = {}
    for platform in (*PLATFORMS, MACOS):
        with tarfile.open(only(release, f"-{platform}.tar.gz")) as files:
            names[platform] = {Path(name).name for name in files.getnames()}
    assert names["linux-amd64"] - names[MACOS] == {"portolan.service"}
    assert names[MACOS] > {"portolan", "portolan.wasm", "portolan-fill.wasm", "LICENSE"}


def test_the_content_of_each_file_is_described_beside_it(release: Path) -> None:
    documents: dict[str, Any] = {path.name: json.loads(path.read_text()) for path in release.glob("*.cdx.json")}
    assert len(documents) == 1 + 3 * len(PLATFORMS) + 1, "the filter, for each platform package and images, the package for macOS"
    for name, document in documents.items():
        about = release / name.removesuffix(".cdx.json")
        (told,) = document["metadata"]["component"]["hashes"]
        assert f"sha256:{told['content']}" == sha256(about.read_bytes()), name
        names = {each["name"] for each in document["components"]}
        assert "portolan-core" in names
        assert ("trafficserver" in names) == name.startswith("portolan-cache-"), name
        assert "proptest" not in names, "what only tests need is not delivered"
        assert ("clap" in names) == ("wasm" not in name), name
    for platform in PLATFORMS:
        image = documents[only(release, f"image-{platform}.tar.cdx.json").name]
        assert {"envoy", "libc6", "ca-certificates"} <= {each["name"] for each in image["components"]}
