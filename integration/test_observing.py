"""Who sees the dashboards alone, the alerts alone, the log alone or `portolan status -o json` alone names what is broken.

Real Envoy, Prometheus with the alert rules, scripted registries with twelve faults, clients of two regions. Each view has to name
the backend and the regions as they were injected, and the onset within fifteen seconds. The queries of the page that an alert leads
to have to name the backend as well. When the clients have left, the sums of the metrics have to be those of the log and of what the registries saw. All twelve take a quarter of an hour and
are part of `make test-all` (`PORTOLAN_LONG_OBSERVING`); one of them is run always.
"""

import os
import time
from pathlib import Path

import pytest

from harness import paths
from harness.waiting import eventually
from observing import runbook
from observing.faults import FAULTS, Fault
from observing.named import Evidence, Named, of
from observing.stage import VIEWS, Stage, stage

# What is injected and what is named must not lie further apart.
ONSET_SECONDS = 15.0
# A slow first byte is told after a minute.
TELL_SECONDS = 150.0


def test_most_of_the_evidence_decides() -> None:
    found = [Evidence("a", "cn", 5.0), Evidence("a", None, 3.0), Evidence("b", "eu", 1.0), Evidence("a", "us", 4.0)]
    assert of(found) == Named("a", frozenset({"cn", "us"}), 3.0)
    assert of([]) is None
    assert of([Evidence("a", None, 3.0)]) is None, "whom it hits is not known yet"


LONG = pytest.mark.skipif("PORTOLAN_LONG_OBSERVING" not in os.environ, reason="takes minutes; see make test-all")
# The one whose health checks pass.
ALWAYS = "503"


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=fault.name, marks=() if fault.name == ALWAYS else LONG) for fault in FAULTS]
)
def test_each_view_alone_names_the_fault(fault: Fault, tmp_path: Path) -> None:
    paths.need_command("prometheus")
    with stage(tmp_path) as there:
        before = {view: there.named(view) for view in VIEWS}
        assert before == dict.fromkeys(VIEWS), "all is well"
        injected = time.time()
        fault.inject(there.registries[fault.backend])
        for view in VIEWS:
            found = eventually(lambda view=view: as_injected(there, view, fault), TELL_SECONDS)
            assert abs(found.since - injected) <= ONSET_SECONDS, f"{view}: {found.since - injected:.1f} s after it"
        for alert, page in runbook.firing(there.prometheus.port).items():
            assert fault.backend in runbook.named(there.prometheus.port, page), f"{alert}: {page}"
        eventually(lambda: agree(*there.sums()))


def agree(counted: dict[str, float], noted: dict[str, float]) -> bool:
    """Whether metrics say what the log and the registries say; Envoy adds to histograms every five seconds."""
    assert counted == noted
    return True


def as_injected(there: Stage, view: str, fault: Fault) -> Named:
    """What the view names, once that is what was injected."""
    found = there.named(view)
    assert found is not None, f"{view} names nothing"
    assert (found.backend, found.regions) == (fault.backend, fault.regions), f"{view}: {found}"
    return found
