"""Whatever breaks, every request is accounted for and the same plan breaks the same things."""

import numpy as np
import pytest

from engine.replay import replay
from engine.scenario import Fault, FaultKind, NodeGroup, Placement, Pool, Purchase
from engine.scorecard import scorecard
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand, sessions, spec

pytestmark = pytest.mark.slow

KINDS = (
    FaultKind.NODE_LOSS,
    FaultKind.SPOT_REVOCATION,
    FaultKind.METRIC_LOSS,
    FaultKind.METRIC_DELAY,
    FaultKind.GRID_OUTAGE,
)
WINDOW_S = 900.0


def random_cluster(seed):
    rng = np.random.default_rng(seed)
    faults = tuple(
        Fault(
            kind=KINDS[rng.integers(len(KINDS))],
            at_s=float(rng.uniform(0, WINDOW_S)),
            for_s=float(rng.uniform(1, 400)),
            count=int(rng.integers(1, 5)),
            factor=float(rng.uniform(0, 1)),
        )
        for _ in range(rng.integers(1, 8))
    )
    groups = (
        NodeGroup(
            name="boxes", node_type="box", nodes_max=8, placement=list(Placement)[seed % 3],
            consolidate_below_frac=0.5, remove_empty_after_s=30.0,
        ),
        NodeGroup(
            name="cheap", node_type="box", nodes_max=6, purchase=Purchase.SPOT,
            revocations_per_hour=float(rng.uniform(0, 20)), notice_s=float(rng.uniform(0, 60)),
            suspend_empty_after_s=15.0,
        ),
    )  # fmt: skip
    pools = (
        Pool(name="a", agent_type="small", workers_max=20, node_group="boxes"),
        Pool(name="b", agent_type="small", workers_max=20, node_group="cheap"),
        Pool(name="c", agent_type="small", workers_max=9, share=0.5),
    )
    limits = {
        "queue_limit": 20, "queue_timeout_s": 60.0, "exec_timeout_s": 40.0, "drain_grace_s": 20.0,
    }  # fmt: skip
    return on_nodes(
        kind={"usd_per_hour_spot": 1.0, "speed_noise": "burstable"}, agent=limits, pools=pools,
        node_groups=groups, faults=faults, seed=seed,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_every_request_is_accounted_for_under_random_plans(seed):
    table = demand(seed, 600) if seed % 2 else sessions(seed, 80)
    policy = ("hpa", "threshold", "static:target=0.6")[seed % 3]
    chosen = random_cluster(seed)
    record, again = replay([spec(policy, table, chosen) for _ in range(2)])
    kinds = ("finished", "queue_timeout", "exec_timeout", "rejected", "lost")
    assert sum(record.outcome[kind] for kind in kinds) == record.outcome["arrived"]
    assert record.outcome["finished"] > 0
    assert again.counters.tobytes() == record.counters.tobytes()
    assert again.accounts.energy_kwh.tobytes() == record.accounts.energy_kwh.tobytes()
    held = record.counters[:, :, 8:10].sum(axis=2)  # starting and ready
    assert (held <= record.target).all()
    assert (record.accounts.requested_frac[:, :2] <= 1 + 1e-9).all(
        where=record.accounts.nodes[:, :2] > 0
    )
    card = scorecard(record)
    parts = ("on_demand", "spot")
    assert sum(card[f"cost_{part}_usd"] for part in parts) == pytest.approx(card["cost_usd"])


def test_losses_of_nodes_cost_requests_that_a_whole_cluster_finishes():
    """All nodes at once, in the middle of the crowd."""
    pool = Pool(name="a", agent_type="small", workers_initial=16, workers_min=16, workers_max=16,
                node_group="boxes")  # fmt: skip
    fault = Fault(kind=FaultKind.NODE_LOSS, at_s=450.0, count=10)

    def lost(*faults):
        made = spec("static:target=1", demand(), on_nodes(pools=(pool,), faults=faults))
        (record,) = replay([made])
        return record

    whole, broken = lost(), lost(fault)
    assert whole.outcome["lost"] == 0
    assert broken.outcome["lost"] > 0
    tick = int(450 / 15)
    assert broken.counters[tick, 0, 9] == 0  # none is ready
    assert broken.counters[tick + 8, 0, 9] == 16  # 60 s for nodes, 20 s for workers: again
