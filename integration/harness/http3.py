"""A client of HTTP/3: ngtcp2's, which speaks QUIC by itself and verifies no certificate."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from harness import paths

SECONDS = 60
# What it prints of the head of an answer: `http: stream 0x0 [:status: 200]`.
FIELD = re.compile(r"^http: stream 0x[0-9a-f]+ \[(:?[^:\]]+): (.*)\]\s*$")


@dataclass
class Answer:
    """The head of an answer and its body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(port: int, target: str, directory: Path, method: str = "GET", host: str = "localhost") -> Answer:
    """One request on a connection of its own; the body is what it downloads to the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    before = set(directory.iterdir())
    command: list[str | Path] = [
        *(paths.need_command("gtlsclient"), "--exit-on-all-streams-close", "--no-quic-dump", "--timeout=20s"),
        *(f"--http-method={method}", f"--download={directory}", "127.0.0.1", str(port)),
        f"https://{host}:{port}{target}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    said = done.stdout + done.stderr
    found = [match.groups() for line in said.splitlines() if (match := FIELD.match(line))]
    # It prints what it sends in the same way, and a request has no status.
    start = next((place for place, (name, _) in enumerate(found) if name == ":status"), None)
    assert start is not None, said[-2000:]
    headers = dict(found[start:])
    new = [path for path in directory.iterdir() if path not in before]
    return Answer(int(headers.pop(":status")), headers, new[0].read_bytes() if new else b"")
