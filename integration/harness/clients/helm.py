"""Helm, which keeps charts in registries: no images, but pulled and pushed by the same requests."""

import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import output
from harness.clients.needs import TOOLS

CHART = """\
apiVersion: v2
name: {name}
version: {version}
description: A chart with one object.
"""
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: parts}\n"


class Helm:
    """Helm with logins of its own, at registries without TLS."""

    name = "helm"

    def __init__(self, directory: Path) -> None:
        """It has logged in nowhere."""
        self._program = paths.need_file(TOOLS / self.name, "scripts/setup chart")
        self._directory = directory / self.name
        self._directory.mkdir(parents=True)

    def login(self, authority: str, account: Account) -> None:
        """`helm registry login`, with the password by standard input."""
        command = ("registry", "login", "--plain-http", "--username", account.user, "--password-stdin", authority)
        self._run(*command, stdin=account.password.encode())

    def package(self, name: str, version: str) -> Path:
        """A chart of one object, packed."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        (place / name / "templates").mkdir(parents=True)
        (place / name / "Chart.yaml").write_text(CHART.format(name=name, version=version))
        (place / name / "templates/parts.yaml").write_text(OBJECT)
        self._run("package", place / name, "--destination", place)
        return place / f"{name}-{version}.tgz"

    def push(self, chart: Path, repository: str) -> None:
        """Pushes a packed chart below `host:port/repository`; its tag is its version."""
        self._run("push", "--plain-http", chart, f"oci://{repository}")

    def pull(self, reference: str, version: str) -> bytes:
        """Pulls a chart; what is packed."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        self._run("pull", "--plain-http", f"oci://{reference}", "--version", version, "--destination", place)
        (found,) = place.iterdir()
        return found.read_bytes()

    def _run(self, *arguments: str | Path, stdin: bytes = b"") -> str:
        environment = {
            "HELM_REGISTRY_CONFIG": self._directory / "registry.json",
            "HELM_CACHE_HOME": self._directory / "cache",
            "HELM_CONFIG_HOME": self._directory / "config",
            "HELM_DATA_HOME": self._directory / "data",
        }
        return output([self._program, *arguments], environment, stdin)
