"""Where and of what something was measured."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import paths


def describe() -> dict[str, Any]:
    """The date, the commit, the machine, and the version of everything that had a part."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "machine": _machine(),
        "versions": {
            "envoy": _first_line(str(paths.envoy()), "--version", pattern=r"/(\d+\.\d+\.\d+)/"),
            "valgrind": _first_line("valgrind", "--version", pattern=r"valgrind-(\S+)"),
            "h2load": _first_line("h2load", "--version", pattern=r"nghttp2/(\S+)"),
            "rust": _first_line(rust_tool("rustc"), "--version", pattern=r"rustc (\S+)"),
            "portolan.wasm": f"sha256 {hashlib.sha256(paths.wasm().read_bytes()).hexdigest()}",
        },
    }


def rust_tool(name: str) -> str:
    """Where a tool of Rust is; a fresh rustup is not yet on the PATH of the shell that installed it."""
    home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    return shutil.which(name) or f"{home}/bin/{name}"


def _commit() -> str:
    """The commit of the checkout, with "+changes" if it holds anything more."""
    commit = _run("git", "rev-parse", "--short=12", "HEAD").strip() or "unknown"
    return commit + ("+changes" if _run("git", "status", "--porcelain").strip() else "")


def _machine() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    processor = model[1] if model else platform.machine()
    return f"{os.cpu_count()} × {processor}, {gibibytes:.0f} GiB, {platform.system()} {platform.release()}"


def _first_line(*command: str, pattern: str) -> str:
    found = re.search(pattern, _run(*command))
    return found[1] if found else "unknown"


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout
