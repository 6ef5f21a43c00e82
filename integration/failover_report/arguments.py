"""The command line."""

import argparse
from dataclasses import dataclass

from failover_report import settings
from failover_report.scenario import Scenario
from failover_report.scenarios import ALL


@dataclass(frozen=True)
class Arguments:
    """What was asked for."""

    scenarios: list[Scenario]
    phases: settings.Phases

    @property
    def is_full(self) -> bool:
        """Whether this run may replace the report in docs."""
        return len(self.scenarios) == len(ALL) and self.phases == settings.FULL


def parse() -> Arguments:
    """Reads the command line; ends the program if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="scripts/failover-report",
        description="Measures failover with real Envoy, registries and clients. A full run writes "
        "docs/failover-report.md; any other only target/failover.",
        epilog="scenarios: " + ", ".join(scenario.name for scenario in ALL),
    )
    parser.add_argument("--scenarios", metavar="A,B", help="only these")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    found = parser.parse_args()
    by_name = {scenario.name: scenario for scenario in ALL}
    names = [name.strip() for name in found.scenarios.split(",")] if found.scenarios else list(by_name)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}; there are {', '.join(by_name)}")
    chosen = [by_name[name] for name in names]
    return Arguments(chosen, settings.QUICK if found.quick else settings.FULL)
