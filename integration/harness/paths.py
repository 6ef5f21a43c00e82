"""Where the built things and the tools are, and what to do when one is missing."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = Path(os.environ.get("PORTOLAN_DIST", ROOT / "dist"))
WASM = DIST / "portolan.wasm"
MODULE = DIST / "libportolan.so"
# What the filter is to Envoy in this run: `wasm`, or the native `module`.
FILTER = os.environ.get("PORTOLAN_FILTER", "wasm")
PORTOLAN = DIST / "portolan"
ENVOY = Path(os.environ.get("PORTOLAN_ENVOY", ROOT / ".tools/bin/envoy"))
GEO_TABLE = ROOT / "geoip-data/synthetic.csv"
EXAMPLES = ROOT / "envoy"


class Missing(RuntimeError):
    """Something that a run needs is not on this machine; the message says how to get it."""


def need_file(path: Path, remedy: str) -> Path:
    """The path, if a file is there."""
    if not path.is_file():
        raise Missing(f"there is no {path}. Run: {remedy}")
    return path


def need_command(name: str) -> str:
    """Where a command is, if it is on the PATH."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"the command {name} is not on this machine. Run: make setup")
    return found


def envoy() -> Path:
    """The Envoy binary."""
    return need_file(ENVOY, "make setup (or name a binary in PORTOLAN_ENVOY)")


def wasm() -> Path:
    """The filter."""
    return need_file(WASM, "make build")


def module() -> Path:
    """The filter as a native module."""
    return need_file(MODULE, "make build")


def is_native() -> bool:
    """Whether this run has the native module."""
    if FILTER not in ("wasm", "module"):
        raise Missing(f"PORTOLAN_FILTER is {FILTER}. Write wasm or module, or leave it out")
    return FILTER == "module"


def filter_options() -> list[str | Path]:
    """The options of `portolan render` for the filter of this run."""
    return ["--filter", "module", "--module", module()] if is_native() else ["--wasm", wasm()]


def portolan() -> Path:
    """The command line."""
    return need_file(PORTOLAN, "make build")
