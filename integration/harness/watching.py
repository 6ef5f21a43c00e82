"""`portolan status -o json`, running: what it says of one Envoy, look by look."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import paths
from harness.processes import Server

Report = dict[str, Any]


class Status:
    """The command, looking every second until it is stopped."""

    def __init__(self, targets: list[str], directory: Path, *options: str | Path) -> None:
        command: list[str | Path] = [paths.portolan(), "status", *targets, "-o", "json", "--interval", "1"]
        self.server = Server("status", [*command, *options], directory)

    def reports(self) -> list[Report]:
        """Everything that it has said."""
        lines = self.server.out.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def last(self) -> Report:
        """The newest report, once there is one."""
        return self.server.wait_until(lambda: self.reports()[-1] if self.reports() else None, "a report")

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()


def moment(text: str) -> float:
    """Seconds since 1970 of a time that the command says."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
