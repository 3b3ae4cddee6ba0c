"""Power and energy agree with arithmetic done by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest

from engine.cluster.power import node_watts, worker_kwh
from engine.errors import ScenarioError
from engine.scenario import NodeType

MEASURED = Path(__file__).parents[4] / "shared" / "traces" / "power_ccf" / "aws-instances.csv"


def machine(**changes):
    return NodeType(**{"name": "m", "cpu_cores": 8.0, "memory_gib": 32.0, **changes})


def test_power_rises_from_idle_to_full_by_the_exponent():
    kind = machine(watts_idle=100.0, watts_full=300.0, power_exponent=2.0)
    assert node_watts(kind, np.array([0.0, 0.5, 1.0])) == pytest.approx([100, 150, 300], rel=1e-12)
    straight = machine(watts_idle=100.0, watts_full=300.0)
    assert node_watts(straight, np.array([0.25])) == pytest.approx([150], rel=1e-12)


def test_measured_points_are_joined_by_straight_lines_and_come_before_idle_and_full():
    points = ((0.0, 8.8), (0.1, 14.0), (0.5, 28.2), (1.0, 39.9))
    kind = machine(watts_idle=1.0, watts_full=2.0, power_points=points)
    busy = np.array([0.0, 0.05, 0.1, 0.3, 0.75, 1.0])
    assert node_watts(kind, busy) == pytest.approx([8.8, 11.4, 14, 21.1, 34.05, 39.9], rel=1e-12)


@pytest.mark.skipif(not MEASURED.is_file(), reason="the measured coefficients are not here")
def test_the_measured_points_of_many_machines_are_a_power_curve():
    with MEASURED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [f"Instance @ {at}" for at in ("Idle", "10%", "50%", "100%")]
    kept = 0
    for row in rows:
        watts = [float(row[name].replace(",", ".")) for name in names]
        if sorted(watts) != watts:
            continue
        kind = machine(power_points=tuple(zip((0.0, 0.1, 0.5, 1.0), watts, strict=True)))
        assert node_watts(kind, np.array([0.0, 1.0])) == pytest.approx([watts[0], watts[-1]])
        kept += 1
    assert kept > 0.9 * len(rows)


def test_workers_of_their_own_draw_idle_power_and_more_by_their_busy_share():
    """3 workers for an hour, one of them busy for half of it: 3 * 50 W + 0.5 * 150 W."""
    energy = worker_kwh(50.0, 200.0, np.array([3 * 3600.0]), np.array([1800.0]))
    assert energy == pytest.approx([0.225], rel=1e-12)


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 10.0), (0.5, 20.0)),
        ((0.1, 10.0), (1.0, 20.0)),
        ((0.0, 10.0), (0.0, 11.0), (1.0, 20.0)),
        ((0.0, 30.0), (1.0, 20.0)),
        ((0.0, -1.0), (1.0, 20.0)),
        ((0.0, 1.0), (1.0, float("inf"))),
    ],
)
def test_points_that_are_no_curve_are_refused(points):
    with pytest.raises(ScenarioError, match="power_points"):
        machine(power_points=points)
