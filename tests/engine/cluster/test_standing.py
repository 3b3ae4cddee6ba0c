"""What the idle cluster costs is what a replay without requests costs."""

import dataclasses

import numpy as np
import pytest

from engine.cluster.standing import standing
from engine.replay import replay
from engine.scenario import CostMode, Pool, Purchase, Region, Scenario
from engine.scorecard import scorecard
from engine.trace.schema import request_table
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import spec

pytestmark = pytest.mark.slow

POOLS = (
    Pool(name="a", agent_type="small", workers_min=5, workers_max=5, node_group="boxes"),
    Pool(name="b", agent_type="small", workers_min=2, workers_max=2),
)


@pytest.mark.parametrize("mode", CostMode)
@pytest.mark.parametrize("smallest", [0, 3])
def test_it_is_an_hour_of_a_replay_in_which_nothing_happens(mode, smallest):
    chosen = on_nodes(
        {"nodes_min": smallest},
        {"capex_usd": 1000.0},
        tuple(dataclasses.replace(pool, workers_initial=pool.workers_min) for pool in POOLS),
        {"watts_idle": 10.0, "watts_full": 30.0},
        regions=(Region(pue=1.3, energy_usd_per_kwh=0.3, price_factor=1.1),),
        cost_mode=mode,
    )
    nothing = request_table(np.array([3599.0]), service_s=np.array([1e-9]))
    (record,) = replay([spec("static:target=1", nothing, chosen, window_s=3600.0)])
    card, idle = scorecard(record), standing(chosen)
    assert idle.usd_per_hour == pytest.approx(card["cost_usd"], rel=1e-9)
    assert idle.watts == pytest.approx(1000 * card["energy_kwh"], rel=1e-9)
    assert idle.carbon_g_per_hour == pytest.approx(1000 * card["carbon_kg"], rel=1e-9)
    assert (idle.workers, idle.nodes) == (7, max(2, smallest))


@pytest.mark.parametrize("mode", CostMode)
@pytest.mark.parametrize("smallest", [0, 1, 2, 4])
def test_reserved_nodes_beyond_the_committed_ones_cost_what_they_do_on_demand(mode, smallest):
    """5 workers of 2 cores need 2 nodes of 8."""
    kind = {"usd_per_hour_reserved": 2.5, "capex_usd": 1000.0, "embodied_kg": 900.0}
    pool = dataclasses.replace(POOLS[0], workers_initial=5)
    group = {"nodes_min": smallest, "purchase": Purchase.RESERVED}
    chosen = on_nodes(group, kind, (pool,), cost_mode=mode)
    nothing = request_table(np.array([3599.0]), service_s=np.array([1e-9]))
    (record,) = replay([spec("static:target=1", nothing, chosen, window_s=3600.0)])
    card, idle = scorecard(record), standing(chosen)
    assert idle.usd_per_hour == pytest.approx(card["cost_usd"], rel=1e-9)
    assert idle.carbon_g_per_hour == pytest.approx(1000 * card["carbon_kg"], rel=1e-9)
    if mode is CostMode.RENTED:
        assert idle.usd_per_hour == 2.5 * smallest + 4.0 * max(2 - smallest, 0)


def test_what_draws_is_not_known_where_a_machine_has_no_power():
    idle = standing(Scenario())
    assert (idle.watts, idle.carbon_g_per_hour, idle.nodes) == (None, None, 0)
    assert idle.usd_per_hour == pytest.approx(22.1225)
    none = standing(Scenario(pools=(Pool(workers_min=0),)))
    assert (none.watts, none.usd_per_hour) == (0.0, 0.0)
