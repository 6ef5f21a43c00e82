"""A release, signed: cosign signs checksums, images and SBOMs, and verifies them at a real registry.

Not part of `make test`, which has no cosign; `scripts/test-dist` runs it on the release that it has built. RELEASE names its directory. The
key is made here; that of a real release is the identity of the workflow, which needs the services of Sigstore.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness.cosign
from harness import skopeo
from harness.cosign import cosign
from harness.registry import Registry
from harness.released_image import Archive

RELEASE = Path(os.environ["RELEASE"])
SIGN = ("--key", "cosign.key", *harness.cosign.SIGN)
VERIFY = ("--key", "cosign.pub", *harness.cosign.VERIFY)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    cosign(directory, "generate-key-pair")
    return directory


@pytest.fixture(scope="module")
def registry(work: Path) -> Iterator[Registry]:
    registry = Registry("signed", work / "signed")
    yield registry
    registry.stop()


def published(archive: Path, registry: Registry, name: str, *, whole: bool = False) -> str:
    """Pushes an image, or the whole of its platforms; its name with its digest."""
    skopeo.push_archive(archive, f"{registry.authority}/{name}:v1", whole=whole)
    return f"{registry.authority}/{name}@{Archive(archive).json('index.json')['manifests'][0]['digest']}"


def test_the_checksums_are_signed(keys: Path, tmp_path: Path) -> None:
    sums = tmp_path / "SHA256SUMS"
    shutil.copy(RELEASE / "SHA256SUMS", sums)
    cosign(keys, "sign-blob", *SIGN, "--output-signature", "sums.sig", str(sums))
    verify = ["verify-blob", *VERIFY, "--signature", "sums.sig", str(sums)]
    cosign(keys, *verify)
    sums.write_text(sums.read_text().replace("a", "b", 1))
    with pytest.raises(subprocess.CalledProcessError):
        cosign(keys, *verify)


def attest(keys: Path, document: Path, reference: str) -> None:
    """Attests what an image is made of, and verifies that."""
    cosign(keys, "attest", "--type", "cyclonedx", "--predicate", str(document), "--allow-http-registry", *SIGN, reference)
    cosign(keys, "verify-attestation", "--type", "cyclonedx", "--allow-http-registry", *VERIFY, reference)


def test_the_image_of_the_filter_is_signed_where_it_is_published(keys: Path, registry: Registry) -> None:
    (archive,) = RELEASE.glob("*-wasm-image.tar")
    reference = published(archive, registry, "portolan-wasm")
    cosign(keys, "sign", *SIGN, "--allow-http-registry", reference)
    assert "portolan-wasm" in cosign(keys, "verify", *VERIFY, "--allow-http-registry", reference).stdout
    (document,) = RELEASE.glob("*.wasm.cdx.json")
    attest(keys, document, reference)


def test_the_image_of_all_platforms_is_signed_and_each_of_them(keys: Path, registry: Registry) -> None:
    """One signature command for all; what it is made of is told of each by itself."""
    (archive,) = RELEASE.glob("portolan-[0-9]*-image-linux.tar")
    reference = published(archive, registry, "portolan", whole=True)
    cosign(keys, "sign", "--recursive", *SIGN, "--allow-http-registry", reference)
    index = Archive(archive).manifest()
    by_architecture = {each["platform"]["architecture"]: each["digest"] for each in index["manifests"]}
    assert sorted(by_architecture) == ["amd64", "arm64"]
    name = reference.partition("@")[0]
    for signed in (reference, *(f"{name}@{digest}" for digest in by_architecture.values())):
        assert "portolan" in cosign(keys, "verify", *VERIFY, "--allow-http-registry", signed).stdout
    for architecture, digest in by_architecture.items():
        (document,) = RELEASE.glob(f"portolan-[0-9]*-image-linux-{architecture}.tar.cdx.json")
        attest(keys, document, f"{name}@{digest}")


def test_an_unsigned_file_is_not_verified(keys: Path, registry: Registry) -> None:
    (archive,) = RELEASE.glob("*-wasm-image.tar")
    reference = published(archive, registry, "unsigned")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        cosign(keys, "verify", *VERIFY, "--allow-http-registry", reference)
    assert "no signatures found" in failed.value.stderr
