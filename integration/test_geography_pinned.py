"""The pinned public database: how long it takes to build and to ask, and that two builds are the same.

Processor time and memory are measured, not time that passes, so that it holds on a machine that does other things as well.
Needs the database that `geoip-data/fetch` gets; where there is no network, it is left out.
"""

import ipaddress
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import paths

BUILD_SECONDS = 3.0
BUILD_MEBIBYTES = 450
LOOKUP_SECONDS = 2.0
ADDRESSES = 100_000
SOURCE = ("--source", "IP Geolocation by DB-IP (https://db-ip.com)", "--licence", "CC-BY-4.0")


@pytest.fixture(scope="module")
def pinned() -> Path:
    """The public database, flat as it is published."""
    fetched = subprocess.run([paths.ROOT / "geoip-data" / "fetch"], capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        pytest.skip(f"without a network: {fetched.stderr}")
    return paths.ROOT / "geoip-data" / "downloads" / "dbip-country.mmdb"


def measured(command: Sequence[str | Path]) -> tuple[float, float]:
    """Processor time of a command in seconds, and its memory in MiB."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    done = subprocess.run(
        ["python3", "-c", script, *map(str, command)], capture_output=True, text=True, check=True
    )
    seconds, mebibytes = done.stdout.split()
    return float(seconds), float(mebibytes)


@pytest.fixture(scope="module")
def built(pinned: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float, float]:
    """A database for Envoy, with the processor time and the memory that it took."""
    output = tmp_path_factory.mktemp("built") / "geoip.mmdb"
    return output, *measured([paths.portolan(), "geoip", "build", "--output", output, *SOURCE, pinned])


def is_release() -> bool:
    """Whether the command line is one that is shipped; one for debugging takes ten times as long."""
    return paths.portolan().stat().st_size < 30 * 1024 * 1024


def test_a_build_is_quick_and_small(built: tuple[Path, float, float]) -> None:
    _, seconds, mebibytes = built
    assert mebibytes <= BUILD_MEBIBYTES
    assert seconds <= BUILD_SECONDS or not is_release(), seconds


def test_two_builds_are_the_same_bytes(pinned: Path, built: tuple[Path, float, float], tmp_path: Path) -> None:
    again = tmp_path / "again.mmdb"
    command = [paths.portolan(), "geoip", "build", "--output", again, *SOURCE, pinned]
    subprocess.run(command, check=True, capture_output=True)
    assert again.read_bytes() == built[0].read_bytes()


def test_a_hundred_thousand_addresses_are_answered(built: tuple[Path, float, float], tmp_path: Path) -> None:
    chance = random.Random(22)
    numbers = (chance.randrange(1 << 24, 224 << 24) for _ in range(ADDRESSES))
    addresses = tmp_path / "addresses.txt"
    addresses.write_text("\n".join(str(ipaddress.IPv4Address(number)) for number in numbers))
    command: list[str | Path] = [paths.portolan(), "geoip", "lookup", built[0], "--file", addresses]
    seconds, _ = measured(command)
    assert seconds <= LOOKUP_SECONDS or not is_release(), seconds
    answers = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(answers) == ADDRESSES


def test_the_built_database_may_replace_the_pinned_one(built: tuple[Path, float, float], tmp_path: Path) -> None:
    """What the pinned database covers, and the addresses that are known, let it through."""
    command = [paths.portolan(), "geoip", "install", built[0], "--output", tmp_path / "geoip.mmdb"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "is in place" in done.stderr, done.stderr

