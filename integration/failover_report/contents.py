"""What is pulled: images of four layers of 5 MB, and a small one for single requests."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness import image, skopeo
from harness.image import Image

TAG = "v1"
LAYERS = 4
LAYER_BYTES = 5 * 1024 * 1024
# How many pulls of one client may be under way at once: each needs an image of its own, or the
# client would take layers from the other pull.
VARIANTS = 5
SMALL = "team/small"
# Repositories that nobody pulls from: what is asked of them is no part of the load.
ASIDE = "team/aside"


@dataclass(frozen=True)
class App:
    """An image that clients pull."""

    repository: str
    content: Image

    def platform_manifest(self, architecture: str) -> str:
        """The digest of the manifest for one platform."""
        for child in self.content.children():
            if child["platform"]["architecture"] == architecture:
                return str(child["digest"])
        raise KeyError(architecture)

    def configuration(self, architecture: str) -> str:
        """The digest of the image configuration for one platform, which docker calls the image's id."""
        manifest = json.loads(self.content.manifests[self.platform_manifest(architecture)])
        return str(manifest["config"]["digest"])


def build_apps(variants: int = VARIANTS) -> list[App]:
    """The images for pulls; the same bytes on every machine."""
    return [
        App(f"team/app-{number}", image.build(f"failover {number}", LAYERS, LAYER_BYTES))
        for number in range(variants)
    ]


def build_small() -> App:
    """The image for single requests: layers of 100 KiB."""
    return App(SMALL, image.build("failover small"))


def build_aside() -> App:
    """The small image once more, for requests that a registry has no good answer to."""
    return App(ASIDE, image.build("failover small"))


def fill(authority: str, apps: list[App], directory: Path) -> None:
    """Pushes every image to a registry."""
    for app in apps:
        layout = directory / "layout"
        app.content.write_layout(layout, TAG)
        skopeo.push(layout, TAG, f"{authority}/{app.repository}:{TAG}")
        shutil.rmtree(layout)
