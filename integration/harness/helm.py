"""Helm, and the schemas that objects of Kubernetes are checked against."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from harness import paths

TOOLS = paths.ROOT / ".tools/kubernetes"
REMEDY = "scripts/setup chart"
SECONDS = 120

# Behind the environment's own, so that the packages that both have are the environment's.
sys.path.append(str(TOOLS / "python"))


class HelmFailed(RuntimeError):
    """Helm ended with an error; the message is what it said."""


def helm(*arguments: str | Path) -> str:
    """What Helm prints. It reads no configuration of the machine."""
    command = [paths.need_file(paths.ROOT / ".tools/bin/helm", REMEDY), *arguments]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=SECONDS, env={"HOME": "/nonexistent"}, check=False
    )
    if done.returncode != 0:
        raise HelmFailed(done.stderr + done.stdout)
    return done.stdout


def rendered(chart: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    """The objects that a chart makes."""
    options = ("--namespace", "registry", "--kube-version", "1.34.0")
    return [each for each in yaml.safe_load_all(helm("template", "registry", chart, *options, *arguments)) if each]


def complaints(document: dict[str, Any], version: str) -> list[str]:
    """What the schemas of this version of Kubernetes (`1.34`) say against an object; unknown fields are mistakes."""
    paths.need_file(TOOLS / "python/kubernetes_validate/__init__.py", REMEDY)
    import kubernetes_validate  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{document['kind']}: {error}"]
    return []


def is_built_in(document: dict[str, Any]) -> bool:
    """Whether it is one of Kubernetes' own objects, and no custom resource."""
    group = document["apiVersion"].rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")
