"""A store with a few short runs, made once for the tests of explanations."""

from dataclasses import replace

import pytest

from engine.learn.checkpoint import SHIPPED
from engine.planner import Planner
from engine.policies.base import Reason
from engine.scenario import Guard, Hold, Priorities, Router, RouterKind, Siting, SitingRule
from tests.engine.replays import demand, keep, scenario

GUARD = Guard(
    slo_quantile=0.8, out_workers=1, in_workers=1, cooldown_in_s=120.0,
    budget_usd_per_hour=27.0, holds=(Hold(pool="own", at_s=600.0, for_s=60.0, workers=2),),
)  # fmt: skip
ROUTER = Router(kind=RouterKind.HIERARCHICAL)
SITING = Siting(rule=SitingRule.SPREAD)
TRANSFORMER = f"smartscale:checkpoint={SHIPPED.with_name('allocator-transformer')}"
POLICIES = ("hpa", "predictive", "threshold:breach_s=15", "smartscale", TRANSFORMER)
KINDS = frozenset({Reason.COOLDOWN, Reason.RATE_LIMIT, Reason.HELD, Reason.SLO_FLOOR})


@pytest.fixture(scope="session")
def explained(tmp_path_factory):
    """The planner, and run ids by policy; the last two of other scenarios."""
    with Planner(tmp_path_factory.mktemp("explain") / "store.duckdb") as planner:
        keep(planner, demand())
        guarded = scenario(
            guard=GUARD, priorities=Priorities(carbon_threshold_g_per_kwh=300.0), name="guarded"
        )
        ids = planner.replay("demand", POLICIES, scenario=guarded)
        plain = planner.replay("demand", ["hpa"], scenario=scenario())
        loose = replace(guarded, siting=SITING, guard=replace(GUARD, holds=()), router=ROUTER)
        sited = planner.replay("demand", ["predictive"], scenario=loose)
        names = (*POLICIES, "plain", "sited")
        yield planner, dict(zip(names, (*ids, *plain, *sited), strict=True))
