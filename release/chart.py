"""What is made of the Helm chart: the archive of a release, the table of its values in docs/kubernetes.md, and the objects that the
command line has.

`python -m release.chart --write-docs --write-objects` writes the last two; a test compares.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from release import oci
from release.source import ROOT, Source

CHART = ROOT / "envoy/kubernetes/chart"
VALUES = CHART / "values.yaml"
OBJECTS = ROOT / "envoy/kubernetes/manifests.json"
HELM = ROOT / ".tools/bin/helm"
PAGE = ROOT / "docs/kubernetes.md"
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"

LINE = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]+):(?P<rest>.*)$")
COMMENT = re.compile(r"^ *# -- (?P<text>.*)$")


@dataclass(frozen=True)
class Value:
    """A value that the comments describe: its path, its default as YAML of one line, and what it means."""

    path: str
    default: str
    meaning: str

    def row(self) -> str:
        """A row of the table."""
        return f"| `{self.path}` | `{self.default}` | {self.meaning} |"


def values(text: str) -> Iterator[Value]:
    """The values that have a comment, in their order."""
    document = yaml.safe_load(text)
    keys: list[tuple[int, str]] = []
    meaning = None
    for line in text.splitlines():
        if found := COMMENT.match(line):
            meaning = found["text"]
        elif found := LINE.match(line):
            indent = len(found["indent"])
            keys = [*(key for key in keys if key[0] < indent), (indent, found["key"])]
            if meaning is not None:
                names = [name for _, name in keys]
                yield Value(".".join(names), _default(document, names), meaning)
            meaning = None


def _default(document: object, names: list[str]) -> str:
    for name in names:
        assert isinstance(document, dict)
        document = document[name]
    return json.dumps(document, ensure_ascii=False).replace("null", "–")


def leaves(document: object, path: str = "") -> Iterator[str]:
    """The paths of all values that are no mapping with something in it."""
    if isinstance(document, dict) and document:
        for name, value in document.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path


def table() -> str:
    """The table."""
    rows = [each.row() for each in values(VALUES.read_text())]
    return "\n".join(["| value | default | meaning |", "| --- | --- | --- |", *rows])


def page(text: str) -> str:
    """The page with the table in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def archive(source: Source) -> bytes:
    """The chart as Helm reads it, for `helm push` and `helm install`. `helm package` would write the time of each file into it."""
    files = (path for path in CHART.rglob("*") if path.is_file())
    entries = [oci.Entry(f"portolan/{path.relative_to(CHART)}", 0o644, path.read_bytes()) for path in files]
    return oci.compressed(oci.tar(entries, source.time))


def objects(helm: Path = HELM) -> str:
    """The objects for `portolan render --target kubernetes`: those of the chart with its defaults and a cache, as JSON.

    Hooks are Helm's own, and so are labels that name it. The policy is for the command line to put in, which leaves the cache out of
    objects for a policy that has none.
    """
    values = ["policy=version: 1", "cache.enabled=true", "cache.podNetworks={10.0.0.0/8}"]
    command = [helm, "template", "portolan", CHART, *(word for value in values for word in ("--set", value))]
    made = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=True).stdout
    found = [each for each in yaml.safe_load_all(made) if each and "annotations" not in each["metadata"]]
    return json.dumps([_without_helm(each) for each in found], indent=1) + "\n"


def _without_helm(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_helm(each) for each in value]
    if not isinstance(value, dict):
        return value
    managed = {"app.kubernetes.io/managed-by": "portolan"} if "app.kubernetes.io/managed-by" in value else {}
    return {key: _without_helm(each) for key, each in value.items() if key != "helm.sh/chart"} | managed


def main() -> None:
    """Writes what is asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write-docs", action="store_true")
    arguments.add_argument("--write-objects", action="store_true")
    told = arguments.parse_args()
    if told.write_docs:
        PAGE.write_text(page(PAGE.read_text()))
    if told.write_objects:
        OBJECTS.write_text(objects())


if __name__ == "__main__":
    main()
