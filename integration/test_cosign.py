"""cosign signs an image through the front and verifies it there, wherever the client is.

Real registries and real Envoy. Skipped where there is no cosign (`scripts/setup cosign`). Signatures
are tags of the repository (`sha256-<64 hex>.sig`), which only the owner has.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import image, skopeo
from harness.cosign import PROGRAM, SIGN, VERIFY, cosign
from harness.envoy import Envoy, Policy
from harness.forwarder import Forwarder
from harness.policies import ADDRESSES, two_owners
from harness.registry import Registry

# These registries have no TLS.
PLAIN = "--allow-http-registry"

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no cosign")


@pytest.fixture(scope="module")
def registries(work: Path) -> Iterator[tuple[Registry, Registry]]:
    """East and west; west owns `drycc/`."""
    made = Registry("east", work / "cosign"), Registry("west", work / "cosign")
    yield made
    for registry in made:
        registry.stop()


@pytest.fixture(scope="module")
def envoy(
    registries: tuple[Registry, Registry], geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> Envoy:
    """Their front."""
    east, west = registries
    return start_envoy(two_owners(east.url, west.url, geo_database))


def test_a_signature_made_through_the_front_is_verified_through_it(
    envoy: Envoy, registries: tuple[Registry, Registry], tmp_path: Path
) -> None:
    east, west = registries
    signed = image.build("signed")
    signed.write_layout(tmp_path / "layout", "v1")
    # Clients near the registry that does not own the image, and near the one that does.
    near_east, near_west = (Forwarder(ADDRESSES[country], envoy.port) for country in ("CN", "DE"))
    skopeo.push(tmp_path / "layout", "v1", f"{near_east.authority}/drycc/signed:v1")
    for name in ("mine", "other"):
        made = cosign(tmp_path, "generate-key-pair", "--output-key-prefix", name, check=False)
        assert made.returncode == 0, made
    image_of = f"{{}}/drycc/signed@{signed.digest}".format

    before = cosign(tmp_path, "verify", "--key", "mine.pub", *VERIFY, PLAIN, image_of(near_east.authority), check=False)
    assert before.returncode != 0, before

    done = cosign(tmp_path, "sign", "--key", "mine.key", *SIGN, PLAIN, image_of(near_east.authority), check=False)
    assert done.returncode == 0, done

    for place in (near_east.authority, near_west.authority):
        verified = cosign(tmp_path, "verify", "--key", "mine.pub", *VERIFY, PLAIN, image_of(place), check=False)
        assert verified.returncode == 0 and signed.digest in verified.stdout, verified
        refused = cosign(tmp_path, "verify", "--key", "other.pub", *VERIFY, PLAIN, image_of(place), check=False)
        assert refused.returncode != 0, refused
    signature = f"{signed.digest.replace(':', '-')}.sig"
    assert west.has_manifest("acme/signed", signature) and not east.has_manifest("drycc/signed", signature)
    near_east.close()
    near_west.close()
