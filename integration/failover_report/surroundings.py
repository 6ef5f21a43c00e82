"""The machine, the versions and the commit that figures belong to."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from failover_report.clients.client import Client
from harness import paths

PROCESSOR = r"model name\s*: (.*)"
MEMORY = r"MemTotal:\s+(\d+)"
SYSTEM = r'PRETTY_NAME="?([^"\n]*)'


def describe(clients: list[Client]) -> dict[str, str]:
    """What it is, by what it is called."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "processor": f"{os.cpu_count()} x {_first(PROCESSOR, Path('/proc/cpuinfo'))}",
        "memory": f"{int(_first(MEMORY, Path('/proc/meminfo')) or 0) // 1024 // 1024} GiB",
        "system": f"{_first(SYSTEM, Path('/etc/os-release'))}, Linux {platform.release()}",
        "envoy": _said([str(paths.envoy()), "--version"], r"(\d+\.\d+\.\d+)/"),
        "docker-registry": _said(["docker-registry", "--version"], r"(\d+\.\d+\.\d+\S*)"),
        "portolan.wasm": f"sha256:{sha256(paths.wasm().read_bytes()).hexdigest()[:16]}…",
    }
    return found | {client.name: client.version for client in clients}


def commit() -> str:
    """The commit of the checkout, with "+changes" if it holds anything more."""
    git = ["git", "-C", str(paths.ROOT)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode != 0:
        return "unknown"
    changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)
    return head.stdout.strip() + ("+changes" if changes.stdout.strip() else "")


def _first(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found.group(1).strip() if found else ""


def _said(command: list[str], pattern: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else "unknown"
