"""Workers of a type are divided over its zones, and none goes before another one comes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cluster.conditions import Conditions
from engine.cluster.grid import GridSeries
from engine.cluster.siting import on_the_way, place_best, place_evenly
from engine.errors import ScenarioError
from engine.scenario import Pool, Purchase, Region, Router, RouterKind, Siting, Zone
from tests.engine.cluster.clusters import on_nodes

LIMITS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=2, max_size=5)


def ints(*values):
    return np.array(values, np.int64)


@given(st.integers(0, 40), LIMITS)
def test_workers_are_spread_as_evenly_as_the_limits_allow(total, limits):
    low = ints(*(a for a, _ in limits))
    high = low + ints(*(b for _, b in limits))
    places = place_evenly(total, low, high)
    assert places.sum() == np.clip(total, low.sum(), high.sum())
    assert ((low <= places) & (places <= high)).all()
    most = places[places > low]
    fewest = places[places < high]
    if len(most) and len(fewest):
        assert most.max() <= fewest.min() + 1


@given(st.integers(0, 40), LIMITS, st.integers(0, 1000))
def test_the_best_places_are_filled_first(total, limits, seed):
    low = ints(*(a for a, _ in limits))
    high = low + ints(*(b for _, b in limits))
    score = np.random.default_rng(seed).random(len(low))
    places = place_best(total, low, high, score)
    assert places.sum() == np.clip(total, low.sum(), high.sum())
    order = np.argsort(score)
    for better, worse in pairwise(order):
        assert places[better] == high[better] or places[worse] == low[worse]


def test_machines_that_are_paid_for_anyway_are_filled_first_and_more_of_them_are_not_free():
    """Place 0 is committed for 4 workers; more of them there cost 3, elsewhere 1."""
    low, high = ints(0, 0), ints(9, 9)
    paid = {"paid": ints(4, 0), "score_paid": np.array([0.2, 0.2])}
    for total, places in ((3, [3, 0]), (4, [4, 0]), (7, [4, 3]), (15, [6, 9])):
        score = np.array([3.0, 1.0])
        assert place_best(total, low, high, score, **paid).tolist() == places


def test_commitments_count_as_paid_and_what_is_above_them_at_the_price_on_demand():
    """Nodes of 8 cores, workers of 2: three committed nodes hold 12, for two pools."""
    group = {"purchase": Purchase.RESERVED, "nodes_min": 3}
    pools = tuple(
        Pool(name=name, agent_type="small", node_group="boxes", workers_initial=1)
        for name in ("a", "b")
    )
    chosen = on_nodes(
        group, {"usd_per_hour": 8.0, "usd_per_hour_reserved": 3.0}, pools,
        router=Router(kind=RouterKind.HIERARCHICAL), siting=Siting(usd_per_kg=0.0),
    )  # fmt: skip
    conditions = Conditions(chosen, np.arange(3) * 15.0, 0.0, {}, {})
    size = np.zeros(2, np.int64)
    assert conditions.committed(size).tolist() == [6, 6]
    more, paid = conditions.score(chosen.siting, 0, size)
    assert (more.tolist(), paid.tolist()) == ([2.0, 2.0], [0.0, 0.0])
    assert conditions.usd_per_hour(0, size, ints(5, 6)).tolist() == [0.75, 2.0]
    price, committed, saved = conditions.bill(0, size)
    assert (price.tolist(), committed.tolist(), saved.tolist()) == ([2.0] * 2, [6] * 2, [7.5] * 2)
    for workers, usd in ((ints(3, 6), 9.0), (ints(6, 10), 17.0)):  # three nodes; and one more
        assert (price * np.maximum(workers, committed) - saved).sum() == usd


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=2, max_size=5))
def test_nobody_goes_before_those_that_replace_him_are_ready(pools):
    places, current, ready = (ints(*column) for column in zip(*pools, strict=True))
    total = int(places.sum())
    score = np.arange(len(pools), dtype=float)
    asked = on_the_way(total, places, current, ready, score)
    assert (asked >= places).all()
    assert (asked <= np.maximum(places, current)).all()
    there = np.minimum(ready, places).sum()
    stayed = (asked - places).sum()
    leaving = np.maximum(current - places, 0).sum()
    assert stayed == min(leaving, max(0, total - there))


def test_a_move_between_two_places_keeps_the_capacity_all_the_way():
    """8 workers move from the first place to the second, whose workers get ready two by two."""
    current, seen = ints(8, 0), []
    for ready in (0, 2, 4, 8):
        current = on_the_way(8, ints(0, 8), current, ints(8, ready), np.array([2.0, 1.0]))
        seen.append(current.tolist())
    assert seen == [[8, 8], [6, 8], [4, 8], [0, 8]]


def two_regions(**siting):
    """Clean and dear, dirty and cheap; 3 and 2 $/h, 100 and 500 g/kWh."""
    regions = (
        Region(name="clean", grid_g_per_kwh=100.0, pue=1.0, price_factor=1.5, network_delay_s=0.2),
        Region(name="dirty", grid_g_per_kwh=500.0, pue=1.0),
    )
    pools = (
        Pool(name="c", agent_type="small", zone="c"), Pool(name="d", agent_type="small", zone="d")
    )  # fmt: skip
    return on_nodes(
        agent={"price_usd_per_hour": 2.0, "watts_idle": 100.0, "watts_full": 1100.0},
        pools=pools, node_types=(), node_groups=(), regions=regions,
        zones=(Zone(name="c", region="clean"), Zone(name="d", region="dirty")),
        router=Router(kind=RouterKind.HIERARCHICAL), siting=Siting(**siting),
    )  # fmt: skip


def score(chosen, tick=0, grids=None):
    edges_s = np.arange(4) * 3600.0
    conditions = Conditions(chosen, edges_s, 0.0, grids or {}, {})
    return conditions.score(chosen.siting, tick, np.zeros(2, np.int64))[0].tolist()


def test_a_place_counts_as_its_price_its_carbon_and_its_distance():
    """0.8 kW at 70 % busy: 0.08 kg/h in the one, 0.4 kg/h in the other."""
    assert score(two_regions(usd_per_kg=0.0)) == pytest.approx([3.0, 2.0], rel=1e-12)
    assert score(two_regions(usd_per_kg=10.0)) == pytest.approx([3.8, 6.0], rel=1e-12)
    dear = two_regions(usd_per_kg=0.0, usd_per_h_per_delay_s=5.0)
    assert score(dear) == pytest.approx([4.0, 2.0], rel=1e-12)


def test_places_are_judged_by_the_last_tick_and_not_by_the_future():
    series = GridSeries(g_per_kwh=np.array([100.0, 900.0, 0.0]), interval_s=3600.0, start_s=0.0)
    chosen = two_regions(usd_per_kg=10.0)
    seen = [score(chosen, tick, {"clean": series})[0] for tick in range(4)]
    assert seen == pytest.approx([3.8, 3.8, 10.2, 3.0])


def test_requests_must_be_able_to_follow_the_workers():
    with pytest.raises(ScenarioError, match="keeps requests in the pool they came to"):
        on_nodes(siting=Siting())
