"""The same figures for programs: target/failover/summary.json."""

import json
from dataclasses import asdict
from typing import Any

from failover_report.play import Played


def summary(played: list[Played], surroundings: dict[str, str], missing: list[str]) -> str:
    """All figures and verdicts as JSON."""
    document = {
        "surroundings": surroundings,
        "not_measured": missing,
        "all_goals_met": not any(one.missed for one in played),
        "scenarios": [_scenario(one) for one in played],
    }
    return json.dumps(document, indent=2) + "\n"


def _scenario(one: Played) -> dict[str, Any]:
    return {
        "name": one.scenario.name,
        "title": one.scenario.title,
        "figures": asdict(one.figures),
        "goals": [asdict(verdict) for verdict in one.verdicts],
    }
