"""A sweep of 200 points in a process that tests may kill at any moment."""

from engine.planner import Planner
from engine.sweep.axes import parse_axis
from tests.engine.replays import scenario

AXES = {
    "hpa": ("policy.target=0.1..0.9/20", "seed=1..10/10"),
    "smartscale": ("policy.latency=0.05..0.95/20", "policy.cost=0.1..0.9/10"),
}
POINTS = 200


def sweep_all(path, policy, workers, told=None, cancel=None):
    """Sweeps; `told` is sent how many points are done as they come."""
    with Planner(path) as planner:
        return planner.sweep(
            "demand", policy, [parse_axis(axis) for axis in AXES[policy]], scenario=scenario(),
            to_s=300.0, workers=workers, cancel=cancel,
            progress=None if told is None else lambda share, _: told.send(round(share * POINTS)),
        )  # fmt: skip
