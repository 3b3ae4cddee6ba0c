"""The kernel's benchmark measures what it says, against rivals that do the same work."""

import sys

import ciw
import numpy as np
import pytest
import simpy

from engine.bench.kernel import (
    cluster_of,
    demand_of,
    run,
    simulate_with_ciw,
    simulate_with_kernel,
    simulate_with_simpy,
)
from engine.errors import UsageError


def test_simpy_simulates_the_same_cluster_to_the_last_bit():
    demand = demand_of(5000)
    ours = simulate_with_kernel(cluster_of(demand))
    assert np.array_equal(ours, simulate_with_simpy(simpy, demand))


def test_the_demand_loads_the_cluster_as_stated():
    demand = demand_of(1_000_000)
    assert demand.work_s.mean() / demand.gap_s.mean() / 400 == pytest.approx(0.75, rel=0.01)


def test_ciw_simulates_as_many_requests_as_it_is_said_to(monkeypatch):
    made = []
    real = ciw.Simulation
    monkeypatch.setattr(ciw, "Simulation", lambda network: made.append(real(network)) or made[0])
    simulate_with_ciw(ciw, 6000)
    records = made[0].get_all_records()
    assert len(records) == 6000
    service_s = [record.service_time for record in records]
    assert np.mean(service_s) == pytest.approx(1.0, rel=0.1)  # long ones are not done yet
    assert made[0].nodes[1].c == 400


def test_ratios_are_those_of_the_speeds_reported():
    figures = run(requests=20_000, simpy_requests=1000, ciw_requests=300)
    ours = figures["requests_per_s"]
    assert figures["requests"] == 20_000
    assert figures["simpy_ratio"] == ours / figures["simpy_requests_per_s"]
    assert figures["ciw_ratio"] == ours / figures["ciw_requests_per_s"]
    assert 0 < ours <= figures["requests_per_s_best"]


@pytest.mark.parametrize("missing", ["simpy", "ciw"])
def test_a_missing_rival_is_named_with_what_to_do(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=f"{missing} is not installed.*make check"):
        run(requests=10)
