"""The systemd unit of a release, as systemd itself reads it; nothing is started."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness import paths

UNIT = paths.ROOT / "release/systemd/portolan.service"
ANALYZE = shutil.which("systemd-analyze")
# Of ten; what is left is that it reaches the network.
EXPOSURE = 20

pytestmark = pytest.mark.skipif(ANALYZE is None, reason="there is no systemd here")


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(ANALYZE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    unit = tmp_path / "portolan.service"
    # Only that the program is not installed would be wrong.
    unit.write_text(UNIT.read_text().replace("ExecStart=/usr/local/bin/portolan", "ExecStart=/bin/true"))
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_has_few_privileges(tmp_path: Path) -> None:
    unit = tmp_path / "portolan.service"
    shutil.copy(UNIT, unit)
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout
