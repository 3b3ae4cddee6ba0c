"""A budget holds for what a group of reserved nodes really costs, and does not bind before."""

import numpy as np
import pytest

from engine.guard.stages import budget
from engine.replay import replay
from engine.scenario import Guard, Pool, Purchase
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand, spec


def test_growth_up_to_what_is_committed_costs_nothing_and_beyond_it_the_full_price():
    price, committed, saved = np.array([2.0]), np.array([6]), np.array([7.5])

    def allowed(wanted, usd):
        return float(budget(np.array([wanted]), np.ones(1), price, usd, committed, saved)[0])

    assert allowed(6.0, 0.0) == 6.0
    assert allowed(9.0, 2.0 * 9 - 7.5) == 9.0
    assert allowed(9.0, 2.0 * 9 - 7.6) == 8.0
    assert allowed(9.0, 1.0) == 6.0


@pytest.mark.parametrize("usd", [7.0, 11.0, 15.0])
def test_a_run_on_reserved_nodes_stays_within_its_budget_and_uses_it(usd):
    """Two committed nodes at 1.5 USD/h, others at 4; workers take a quarter of a node."""
    chosen = on_nodes(
        {"nodes_min": 2, "purchase": Purchase.RESERVED},
        {"usd_per_hour_reserved": 1.5},
        (Pool(name="a", agent_type="small", workers_initial=2, node_group="boxes"),),
        guard=Guard(budget_usd_per_hour=usd),
    )
    made = spec("static:workers=40", demand(number=100), chosen)
    record = replay([made])[0]
    assert record.target.max() == 8 + (usd - 3.0) // 1.0
    spent = sum(record.accounts.usd[kind].sum(axis=1) for kind in ("reserved", "on_demand"))
    assert spent.max() * 3600 / chosen.tick_s == pytest.approx(usd)
