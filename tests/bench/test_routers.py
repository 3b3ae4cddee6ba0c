"""The comparison of routers: paired, regenerated to the last digit, and in the expected order."""

import re

import numpy as np
import pytest

from engine.bench import routers
from engine.scenario import RouterKind

FEW = {"requests": 2400, "seeds": 3}


@pytest.fixture(scope="module")
def figures():
    return routers.run(**FEW)


def test_every_router_of_a_scenario_is_compared_on_every_workload(figures):
    assert set(routers.ROUTERS) == set(RouterKind)
    assert figures["workloads"].keys() == routers.WORKLOADS.keys()
    for rows in figures["workloads"].values():
        assert rows.keys() == routers.ROUTERS.keys()


def test_the_same_command_gives_the_same_figures(figures):
    assert routers.run(**FEW) == figures


def test_all_routers_meet_the_same_requests(figures):
    demands = [routers.WORKLOADS["uniform"](np.random.default_rng(1), 400) for _ in range(2)]
    one, other = (demand.arrivals.requests for demand in demands)
    assert one.tobytes() == other.tobytes()
    baseline = figures["workloads"]["uniform"][routers.BASELINE]
    assert baseline["p99_s_less_baseline"] == {"mean": 0.0, "half_width": 0.0}


def test_random_routing_is_worst_and_least_connections_beats_it(figures):
    rows = figures["workloads"]["uniform"]
    p99 = {name: row["p99_s"]["mean"] for name, row in rows.items()}
    assert p99["random"] > p99["power-of-two"] > p99["least-connections"]
    assert rows["random"]["hotspot"]["mean"] > 1


def test_affinity_makes_hits_and_random_routing_without_it_misses(figures):
    stays = figures["workloads"]["sessions with affinity"]["random"]["cache_hits"]["mean"]
    strays = figures["workloads"]["sessions without"]["random"]["cache_hits"]["mean"]
    assert stays > 0.9
    assert strays < 0.5
    assert figures["workloads"]["uniform"]["random"]["cache_hits"] is None


def test_the_table_has_a_row_for_each_and_the_figures_of_the_document(figures):
    lines = figures["markdown"].split("\n")
    assert len(lines) == 2 + len(routers.WORKLOADS) * len(routers.ROUTERS)
    assert len({line.count("|") for line in lines}) == 1
    row = figures["workloads"]["uniform"]["random"]["p50_s"]
    line = next(line for line in lines if line.startswith("| uniform | random |"))
    cell = re.search(r"random \| ([\d.]+) ± ([\d.]+)", line)
    assert (float(cell[1]), float(cell[2])) == (round(row["mean"], 2), round(row["half_width"], 2))
