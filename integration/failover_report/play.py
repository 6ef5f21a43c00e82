"""One scenario from beginning to end."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from failover_report.figures import Figures, Record, measure, record
from failover_report.goals import Verdict, judge
from failover_report.scenario import Scenario
from failover_report.settings import Phases
from failover_report.stage import PRIMARY, SECONDARY, Stage, World

Say = Callable[[str], None]


@dataclass(frozen=True)
class Played:
    """A scenario and what came of it."""

    scenario: Scenario
    seen: Record
    figures: Figures
    verdicts: list[Verdict]

    @property
    def missed(self) -> list[Verdict]:
        """The goals that were not met."""
        return [verdict for verdict in self.verdicts if not verdict.is_met]


async def play(scenario: Scenario, world: World, phases: Phases, say: Say) -> Played:
    """Plays it."""
    links = {PRIMARY: scenario.primary, SECONDARY: scenario.secondary}
    async with Stage(world, scenario.name, links, scenario.can_restart_hot, scenario.is_hedged) as stage:
        try:
            if not scenario.begins_at_rest:
                stage.start_load()
                await asyncio.sleep(phases.before)
            seconds = scenario.seconds * phases.trouble_share
            say(f"trouble for {seconds:.0f} s")
            await scenario.trouble(stage, seconds)
            say("over; waiting for the primary to serve again")
            await _until_steady(stage, phases)
        finally:
            await stage.stop_load()
        seen = await record(stage)
    figures = measure(seen)
    return Played(scenario, seen, figures, judge(scenario, figures, seen))


async def _until_steady(stage: Stage, phases: Phases) -> None:
    """Until the primary has answered everything for a while."""
    begun = time.monotonic()
    await asyncio.sleep(phases.after_at_least)
    while time.monotonic() < begun + phases.after_at_most:
        if stage.requests.last_served_by(phases.steady) == {PRIMARY}:
            return
        await asyncio.sleep(0.2)
