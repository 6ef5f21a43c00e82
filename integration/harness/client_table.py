"""What works with which client: noted while the tests run, and put into docs/clients.md by `make clients`."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness import markdown, paths
from harness.clients.needs import TOOLS
from harness.clients.workshop import NAMES

# Helm pulls no images, and buildx builds on them.
COLUMNS = (*NAMES, "buildx", "helm")
PAGE = paths.ROOT / "docs/clients.md"
WORKS, REFUSED, CANNOT = "works", "refused", "**no**"

VERSIONS: dict[str, Sequence[str | Path]] = {
    "docker": ("docker", "--version"),
    "dockerd": ("dockerd", "--version"),
    "podman": ("podman", "--version"),
    "buildah": ("buildah", "--version"),
    "skopeo": ("skopeo", "--version"),
    "containerd": ("containerd", "--version"),
    "crane": (TOOLS / "crane", "version"),
    "oras": (TOOLS / "oras", "version"),
    "regctl": (TOOLS / "regctl", "version"),
    "helm": (TOOLS / "helm", "version", "--template", "{{.Version}}"),
    "docker-registry": ("docker-registry", "--version"),
    "Envoy": (paths.ENVOY, "--version"),
}


@dataclass
class Table:
    """One table a front, one row for each thing that people do, one column a client."""

    cells: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, front: str, row: str, client: str, outcome: str, why: str = "") -> None:
        """Notes what came of it, and for what a client cannot do, why."""
        if why and why not in self.notes:
            self.notes.append(why)
        mark = f" ({self.notes.index(why) + 1})" if why else ""
        self.cells.setdefault(front, {}).setdefault(row, {})[client] = outcome + mark

    def markdown(self) -> str:
        """All of it, with what it was measured with."""
        parts = [surroundings()]
        for front, rows in self.cells.items():
            parts += [f"### {front}", _table(rows)]
        parts += [f"({number}) {note}" for number, note in enumerate(self.notes, 1)]
        return "\n\n".join(parts)

    def write(self) -> None:
        """Renews the page."""
        PAGE.write_text(markdown.renewed(PAGE.read_text(), self.markdown()))

    def differences(self) -> list[str]:
        """What the page says otherwise; of notes only that there is one."""
        said = _read(PAGE.read_text())
        return [
            f"{front}, {row}, {client}: {outcome}, and the page says {found}"
            for front, rows in self.cells.items()
            for row, outcomes in rows.items()
            for client, outcome in outcomes.items()
            if _plain(found := said.get((front, row, client), "nothing")) != _plain(outcome)
        ]


def surroundings() -> str:
    """The date, the commit and the versions."""
    found = {name: _version(command) for name, command in VERSIONS.items()}
    found |= {name: _noted_version(name) for name in ("nerdctl", "buildx", "buildkitd")}
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}; {versions}."


def commit() -> str:
    """The commit of the checkout, with "+changes" if it holds anything more than the page itself."""
    git = ["git", "-C", str(paths.ROOT)]
    head = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    if head.returncode != 0:
        return "unknown"
    others = [*git, "status", "--porcelain", "--", ".", f":!{PAGE.relative_to(paths.ROOT)}"]
    changes = subprocess.run(others, capture_output=True, text=True, check=False, cwd=paths.ROOT)
    return head.stdout.strip() + ("+changes" if changes.stdout.strip() else "")


def _version(command: Sequence[str | Path]) -> str:
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=30, check=False
        )
    except FileNotFoundError:
        return ""
    found = re.search(r"\d+\.\d+\.\d+[^\s,]*", done.stdout + done.stderr)
    return found.group().split("/")[0] if found else "unknown"


def _noted_version(name: str) -> str:
    """Of a program that does not know it, as the set-up has noted it."""
    noted = TOOLS / f"{name}.version"
    return noted.read_text().strip() if noted.is_file() else ""


def _table(rows: dict[str, dict[str, str]]) -> str:
    clients = [name for name in COLUMNS if any(name in outcomes for outcomes in rows.values())]
    lines = [[row, *(outcomes.get(name, "-") for name in clients)] for row, outcomes in rows.items()]
    return markdown.table(["", *clients], lines)


def _read(page: str) -> dict[tuple[str, str, str], str]:
    """Front, row and client to what the page says."""
    found: dict[tuple[str, str, str], str] = {}
    front, clients = "", list[str]()
    begin, end = markdown.markers()
    for line in page.partition(begin)[2].partition(end)[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("### "):
            front = line.removeprefix("### ")
        elif line.startswith("| |") or line.startswith("|  |"):
            clients = cells[1:]
        elif line.startswith("|"):
            found |= {
                (front, cells[0], client): cell for client, cell in zip(clients, cells[1:], strict=True)
            }
    return found


def _plain(outcome: str) -> str:
    return re.sub(r" \(\d+\)$", "", outcome)


def is_to_be_written() -> bool:
    """Whether this run is for the page."""
    return "PORTOLAN_WRITE_CLIENTS" in os.environ
