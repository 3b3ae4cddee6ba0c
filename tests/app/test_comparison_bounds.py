from types import SimpleNamespace

import pandas as pd

from app import planner_words
from app.parts.comparison_bounds import _table


def test_a_run_below_every_plan_costs_at_least_so_much_more_than_one_as_good():
    nan = float("nan")
    common = {"cost_usd": 3.0, "bound_usd": 1.0, "above_bound_frac": 2.0, "plans": 7.0}
    frame = pd.DataFrame(
        [
            {"run_id": "low", "plan_usd": 2.0, "above_plan_frac": 0.5, "plan_serves_more": 1.0},
            {"run_id": "on", "plan_usd": 2.0, "above_plan_frac": 0.5, "plan_serves_more": 0.0},
            {"run_id": "high", "plan_usd": nan, "above_plan_frac": nan, "plan_serves_more": nan},
        ]
    ).assign(**common)
    view = SimpleNamespace(labels={name: name for name in frame["run_id"]})
    low, on, high = _table(frame, view).iloc[:, -2:].to_numpy().tolist()
    assert low == [f"at most {on[0]}", f"at least {on[1]}"]
    assert high == [planner_words.BOUNDS_NO_PLAN] * 2
