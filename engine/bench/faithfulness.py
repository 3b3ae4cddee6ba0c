"""How far explanations are to be believed: four kinds of policy on three traces, guard on."""

import tempfile
from pathlib import Path
from typing import Any

from engine.explain.faithfulness import Faithfulness
from engine.learn.checkpoint import SHIPPED
from engine.planner import Planner
from engine.scenario import (
    AgentType,
    Guard,
    Pool,
    Priorities,
    Region,
    Scenario,
    Startup,
    StartupKind,
    Zone,
)

__all__ = ["GUARDED", "run"]

TRACES = ("chat_two_flash_crowds", "bursty", "growth")
POLICIES = {
    "hpa": "hpa",
    "predictive": "predictive",
    "smartscale": "smartscale",
    f"smartscale:checkpoint={SHIPPED.with_name('allocator-transformer')}": "smartscale, "
    "transformer",
}
"""What is replayed, and how it is called in the table."""
GUARDED = Scenario(
    name="guarded",
    agent_types=(
        AgentType(
            name="chat", slots=8, price_usd_per_hour=22.1225, overhead_s=0.05,
            prefill_tokens_per_s=6100.0, decode_tokens_per_s=27.0, contention=0.2,
            queue_limit=64, queue_timeout_s=60.0, exec_timeout_s=600.0, watts_idle=600.0,
            watts_full=1500.0,
            startup=Startup(kind=StartupKind.UNIFORM, mean_s=75.0, spread_s=15.0),
        ),
    ),
    pools=(Pool(name="chat", agent_type="chat", workers_min=1, workers_max=50),),
    zones=(Zone(name="zone-a", region="west"),),
    regions=(
        Region(
            name="west", grid_profile="california", grid_g_per_kwh=350.0, utc_offset_h=6.0
        ),
    ),
    priorities=Priorities(carbon_threshold_g_per_kwh=260.0),
    guard=Guard(
        slo_quantile=0.95, out_workers=4, in_workers=2, cooldown_in_s=180.0,
        budget_usd_per_hour=800.0,
    ),
)  # fmt: skip
"""Carbon mask, SLO floor, rate limit, cooldown and budget; all of them bind at times."""


def run() -> dict[str, Any]:
    """Replays everything, and makes every decision again."""
    with (
        tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder,
        Planner(Path(folder) / "bench.duckdb") as planner,
    ):
        planner.ensure_samples()
        found = [
            planner.faithfulness_of_run(run_id)
            for trace in TRACES
            for run_id in planner.replay(trace, list(POLICIES), scenario=GUARDED)
        ]
    return {
        "runs": [each.document() for each in found],
        "passed": all(each.holds for each in found),
        "markdown": "\n".join([_HEAD, *(_line(each) for each in found)]),
    }


_HEAD = (
    "| trace | policy | decisions | made again alike | constraint for a reason | lifting it alone "
    "changes the size | bound by nothing | constraint or set named | lifting what is named "
    "changes the size | sentences right | attention like attribution | hiding the most attended, "
    "a random group (workers) |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def _line(found: Faithfulness) -> str:
    seen = found.attention
    correlation = None if seen is None else seen.rank_correlation
    top = None if seen is None else seen.top_change_workers
    other = None if seen is None else seen.random_change_workers
    cells = (
        found.trace, f"`{POLICIES[found.policy]}`", f"{found.records:,}",
        _percent(found.re_executed_frac), f"{found.constrained:,}",
        _percent(found.reason_alone_frac), f"{found.not_bound:,}", f"{found.named:,}",
        _percent(found.lifted_frac), _percent(found.sentences_frac),
        "" if correlation is None else f"{correlation:.2f}",
        "" if top is None or other is None else f"{top:.2f}, {other:.2f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return "100 %" if share == 1.0 else f"{100 * share:.1f} %"
