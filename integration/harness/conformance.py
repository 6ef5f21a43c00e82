"""The conformance suite of the OCI distribution spec, run at a URL, and what two runs of it differ in."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as xml
from pathlib import Path

from harness import paths
from harness.accounts import Account

PROGRAM = Path(os.environ.get("PORTOLAN_CONFORMANCE", paths.ROOT / ".tools/bin/conformance"))
# Far more than it takes on a machine that does a lot besides.
SECONDS = 600
# Fewer have not run.
FEWEST_PASSED = 50
WORKFLOWS = ("PULL", "PUSH", "CONTENT_DISCOVERY", "CONTENT_MANAGEMENT")

Outcomes = dict[str, str]


def outcomes(
    url: str, repository: str, other: str, directory: Path, account: Account | None = None
) -> Outcomes:
    """What becomes of each test: `passed`, `failed`, `skipped`. The suite pushes to one repository and mounts in another."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    settings = {
        "OCI_ROOT_URL": url,
        "OCI_NAMESPACE": repository,
        "OCI_CROSSMOUNT_NAMESPACE": other,
        "OCI_AUTOMATIC_CROSSMOUNT": "0",
        "OCI_REPORT_DIR": str(directory),
        **({"OCI_USERNAME": account.user, "OCI_PASSWORD": account.password} if account else {}),
        **{f"OCI_TEST_{workflow}": "1" for workflow in WORKFLOWS},
    }
    subprocess.run(
        [PROGRAM], env={**os.environ, **settings}, cwd=directory, capture_output=True, timeout=SECONDS, check=False
    )
    report = xml.parse(directory / "junit.xml").getroot()
    return {str(case.get("name")): str(case.get("status")) for case in report.iter("testcase")}


def differences(directly: Outcomes, through: Outcomes) -> dict[str, str]:
    """What is not at the front as at the registry: the test, and both outcomes. A test that only the front passes is none."""
    passed = [name for name, outcome in directly.items() if outcome == "passed"]
    assert len(passed) >= FEWEST_PASSED, f"the suite did not run: {directly}"
    return {
        name: f"{directly.get(name)} directly, {through.get(name)} through the front"
        for name in directly.keys() | through.keys()
        if directly.get(name) != through.get(name) and through.get(name) != "passed"
    }
