"""The real client of the suites: skopeo, the engine of podman and buildah's pulls and pushes."""

import json
import subprocess
from pathlib import Path

from harness import paths
from harness.digest import check, sha256

SECONDS = 180
COPY = ("copy", "--preserve-digests")


class SkopeoFailed(RuntimeError):
    """skopeo ended with an error; the message is what it said."""


def push(layout: Path, name: str, destination: str) -> None:
    """Pushes an image of an OCI layout, all platforms. The destination is `host:port/name:tag`."""
    _run(*COPY, "--all", "--dest-tls-verify=false", f"oci:{layout}:{name}", f"docker://{destination}")


def push_archive(archive: Path, destination: str, *, whole: bool = False) -> None:
    """Pushes the image of an OCI layout in a tar; `whole`: with all its platforms."""
    _run(*COPY, *(["--all"] if whole else []), "--dest-tls-verify=false", f"oci-archive:{archive}", f"docker://{destination}")


def pull(source: str, directory: Path) -> str:
    """Pulls an image, all platforms, into a directory; the digest of the index.

    Everything in the directory has been checked against its digest.
    """
    _run(*COPY, "--all", "--src-tls-verify=false", f"docker://{source}", f"dir:{directory}")
    index = (directory / "manifest.json").read_bytes()
    for child in json.loads(index)["manifests"]:
        _check_platform(directory, child["digest"])
    return sha256(index)


def pull_platform(source: str, architecture: str, directory: Path) -> str:
    """Pulls the image of one platform; the digest of its manifest."""
    platform = ["--override-os=linux", f"--override-arch={architecture}"]
    _run(*platform, *COPY, "--src-tls-verify=false", f"docker://{source}", f"dir:{directory}")
    manifest = (directory / "manifest.json").read_bytes()
    _check_parts(directory, manifest)
    return sha256(manifest)


def list_tags(repository: str) -> list[str]:
    """All tags of `host:port/name`, however many pages they come in."""
    tags: list[str] = json.loads(_run("list-tags", "--tls-verify=false", f"docker://{repository}"))["Tags"]
    return tags


def _check_platform(directory: Path, digest: str) -> None:
    manifest = (directory / f"{_hex(digest)}.manifest.json").read_bytes()
    _check_parts(directory, check(manifest, digest))


def _check_parts(directory: Path, manifest: bytes) -> None:
    document = json.loads(manifest)
    for part in [document["config"], *document["layers"]]:
        check((directory / _hex(part["digest"])).read_bytes(), part["digest"])


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _run(*arguments: str) -> str:
    # Its own default is a policy file of the distribution, which not every machine has.
    command = [paths.need_command("skopeo"), "--insecure-policy", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise SkopeoFailed(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout
