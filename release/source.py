"""What a release is made from: the checkout, its version and its time."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Source:
    """Which sources, and the one time that everything is of."""

    version: str
    commit: str
    repository: str
    time: int

    @property
    def created(self) -> str:
        """The time as RFC 3339 writes it."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def labels(self, title: str, description: str) -> dict[str, str]:
        """Annotations of the image-spec (annotations.md), which are labels of Docker's too."""
        names = {
            "title": title,
            "description": description,
            "version": self.version,
            "revision": self.commit,
            "created": self.created,
            "source": self.repository,
            "licenses": "Apache-2.0",
        }
        return {f"org.opencontainers.image.{name}": value for name, value in names.items()}


def find() -> Source:
    """The source that this program belongs to."""
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    return Source(package["version"], commit(), package["repository"], time())


def time() -> int:
    """SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), else the commit's own time, else 0."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    return int(told or _git("log", "-1", "--format=%ct") or "0")


def commit() -> str:
    """The commit, with `+changes` if the checkout holds anything more; `unknown` without git."""
    head = _git("rev-parse", "HEAD")
    changes = "+changes" if head and _git("status", "--porcelain") else ""
    return (head or "unknown") + changes


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
