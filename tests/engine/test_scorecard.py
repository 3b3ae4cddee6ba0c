"""The scorecard against figures worked out from the request rows, in plain Python."""

import math
from dataclasses import fields, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from engine import runner
from engine.figures import FIGURES, Figure
from engine.policies.base import Action, Reason
from engine.replay import replay
from engine.scenario import Slo
from engine.scorecard import load_steps, scorecard, violations
from engine.sim import kernel
from engine.trace.schema import request_table
from tests.engine.replays import POLICIES, demand, scenario, sessions, spec

WINDOW_S = 900.0
HOURS = WINDOW_S / 3600


def rows_of(record):
    """The request rows as they are stored, one dictionary each."""
    stored = runner.tables(record, 0.0)["run_requests"]
    return [dict(zip(stored, row, strict=True)) for row in zip(*stored.values(), strict=True)]


def ticks_of(record):
    stored = runner.tables(record, 0.0)["ticks"]
    return [dict(zip(stored, row, strict=True)) for row in zip(*stored.values(), strict=True)]


def latencies_s(rows):
    return [row["end_s"] - row["arrival_s"] for row in rows if row["status"] == kernel.FINISHED]


def exact_percentile(values, share):
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def bad_minutes(rows, slo_s):
    """By minute of arrival: whether its p95 is above the SLO or a request failed."""
    bad = []
    for minute in range(math.ceil(WINDOW_S / 60)):
        mine = [row for row in rows if int(row["arrival_s"] // 60) == minute]
        finished = latencies_s(mine)
        failed = len(finished) < len(mine)
        bad.append(failed or bool(finished and exact_percentile(finished, 0.95) > slo_s))
    return bad


def stretches(flags):
    return sum(now and not before for before, now in zip([False, *flags], flags, strict=False))


def busy_slot_s(rows):
    """Slot-seconds held within the window."""
    return sum(
        max(0.0, min(row["end_s"], WINDOW_S) - row["start_s"])
        for row in rows
        if not math.isnan(row["start_s"])
    )


@pytest.mark.slow
@given(
    policy=st.sampled_from(POLICIES),
    seed=st.integers(0, 1000),
    closed_loop=st.booleans(),
    slo_s=st.sampled_from([1.0, 4.0, 9.0]),
)
@limits(max_examples=15)
def test_figures_of_requests_follow_from_the_request_rows(policy, seed, closed_loop, slo_s):
    chosen = scenario(slo=Slo(latency_s=slo_s))
    table = sessions(seed) if closed_loop else demand(seed)
    (record,) = replay([spec(policy, table, chosen)])
    rows, card = rows_of(record), scorecard(record)
    latency_s = latencies_s(rows)
    assert card["requests_arrived"] == len(rows)
    assert card["requests_finished"] == len(latency_s)
    met = sum(value <= slo_s for value in latency_s)
    assert card["slo_attainment_frac"] == pytest.approx(met / len(rows))
    for key, share in (("p50_s", 0.50), ("p95_s", 0.95), ("p99_s", 0.99)):
        assert card[key] == pytest.approx(exact_percentile(latency_s, share), rel=0.01)
    kinds = {
        "queue_timeout_frac": kernel.QUEUE_TIMEOUT,
        "exec_timeout_frac": kernel.EXEC_TIMEOUT,
        "rejected_frac": kernel.REJECTED,
    }
    for key, status in kinds.items():
        assert card[key] == pytest.approx(sum(r["status"] == status for r in rows) / len(rows))
    assert card["failure_frac"] == pytest.approx(1 - len(latency_s) / len(rows))
    assert card["failure_frac"] == pytest.approx(sum(card[key] for key in (*kinds, "lost_frac")))
    assert card["violations_per_h"] == pytest.approx(stretches(bad_minutes(rows, slo_s)) / HOURS)


@given(policy=st.sampled_from(POLICIES), seed=st.integers(0, 1000))
@limits(max_examples=8)
def test_figures_of_capacity_follow_from_request_rows_ticks_and_prices(policy, seed):
    (record,) = replay([spec(policy, demand(seed), scenario())])
    card, ticks = scorecard(record), ticks_of(record)
    worker_s = sum(tick["worker_s"] for tick in ticks)
    provisioned = sum(
        tick["starting_slot_s"] + tick["ready_slot_s"] + tick["draining_slot_s"] for tick in ticks
    )
    assert provisioned == pytest.approx(2 * worker_s)  # two slots a worker
    assert card["worker_hours"] == pytest.approx(worker_s / 3600)
    assert card["cost_usd"] == pytest.approx(3.0 * worker_s / 3600)
    finished = card["requests_finished"]
    assert card["cost_usd_per_1000_requests"] == pytest.approx(1000 * card["cost_usd"] / finished)
    assert card["utilisation_frac"] == pytest.approx(busy_slot_s(rows_of(record)) / provisioned)
    at_once = {}
    for tick in ticks:
        held = tick["starting"] + tick["ready"] + tick["draining"]
        at_once[tick["tick"]] = at_once.get(tick["tick"], 0) + held
    assert card["peak_workers"] == max(at_once.values())


def test_fixed_capacity_costs_workers_times_hours_times_price():
    """Nothing of the simulator's own accounting is used here."""
    chosen = scenario()
    workers = {"own": 7, "shared": 4}
    table = demand(number=600)
    (record,) = replay([spec("static:workers=5", table, _starting_with(chosen, 5))])
    card = scorecard(record)
    assert card["worker_hours"] == pytest.approx(len(workers) * 5 * HOURS)
    assert card["cost_usd"] == pytest.approx(len(workers) * 5 * HOURS * 3.0)
    assert card["peak_workers"] == 10
    assert card["actions_per_h"] == card["reversals_per_h"] == 0
    assert card["utilisation_frac"] == pytest.approx(
        busy_slot_s(rows_of(record)) / (2 * 10 * WINDOW_S)
    )


def _starting_with(chosen, workers):
    pools = tuple(replace(pool, workers_initial=workers) for pool in chosen.pools)
    return replace(chosen, pools=pools)


def test_churn_follows_from_the_decisions():
    (record,) = replay([spec(POLICIES[1], demand(), scenario())])
    card, log = scorecard(record), record.decisions
    actions = reversals = 0
    last = {}
    for pool, current, applied in zip(log.pool, log.current, log.applied, strict=True):
        if applied == current:
            continue
        up = applied > current
        actions += 1
        reversals += last.get(pool, up) != up
        last[pool] = up
    assert actions > reversals > 0
    assert card["actions_per_h"] == pytest.approx(actions / HOURS)
    assert card["reversals_per_h"] == pytest.approx(reversals / HOURS)


def test_decision_times_are_percentiles_of_wall_time():
    (record,) = replay([spec("hpa", demand(), scenario())])
    card = scorecard(record)
    walls = sorted(record.decisions.wall_ms)
    assert len(walls) == 60
    assert walls[0] <= card["decision_p50_ms"] <= card["decision_p99_ms"] <= walls[-1]


def test_reaction_runs_from_the_load_step_to_the_first_worker_ready_because_of_it():
    """Steady demand, and ten times as much from minute 10 on."""
    arrivals = np.sort(np.r_[np.arange(0, 900, 2.0), np.arange(600, 900, 0.2)])
    table = request_table(arrivals, service_s=np.full(len(arrivals), 2.0))
    chosen = scenario(pools=scenario().pools[:1])
    (record,) = replay([spec("threshold:breach_s=15", table, chosen)])
    card = scorecard(record)
    first = next(order for order in record.orders if order.t_s >= 600)
    assert card["reaction_s"] == pytest.approx(first.first_ready_s - 600)
    assert card["reaction_startup_s"] == pytest.approx(first.first_ready_s - first.t_s)
    assert 30 <= card["reaction_startup_s"] <= 50
    assert card["reaction_s"] > card["reaction_startup_s"]


class _Nervous:
    """Orders three workers at minute 10, takes them back, and orders two again."""

    interval_s = 15.0
    targets: ClassVar = {600.0: 4, 615.0: 1, 630.0: 3}

    def __init__(self, context):
        self._target = 1

    def propose(self, observation):
        self._target = self.targets.get(observation.t_s, self._target)
        return Action(target=[self._target], reason=[Reason.FIXED])


def test_a_start_that_was_cancelled_is_no_reaction():
    arrivals = np.sort(np.r_[np.arange(0, 900, 2.0), np.arange(600, 900, 0.2)])
    table = request_table(arrivals, service_s=np.full(len(arrivals), 2.0))
    pools = (replace(scenario().pools[0], workers_initial=1),)
    nervous = replace(spec("static", table, scenario(pools=pools)), policy=_Nervous)
    (record,) = replay([nervous])
    first, second = record.orders
    assert (first.number, first.first_ready_s) == (3, None)
    assert second.number == 2
    assert 660 <= second.first_ready_s <= 680
    assert scorecard(record)["reaction_s"] == pytest.approx(second.first_ready_s - 600)


def test_what_is_ready_only_after_the_window_is_no_reaction():
    table = request_table(np.arange(0, 900, 2.0), service_s=np.full(450, 2.0))
    pools = (replace(scenario().pools[0], workers_initial=1),)
    late = type("Late", (_Nervous,), {"targets": {885.0: 3}})
    (record,) = replay([replace(spec("static", table, scenario(pools=pools)), policy=late)])
    assert [order.first_ready_s for order in record.orders] == [None]


def test_a_load_step_is_half_as_much_again_as_the_five_minutes_before():
    steady = np.full(60, 10.0)
    step = np.where(np.arange(60) >= 30, 15.0, 10.0)
    assert load_steps(steady, 15.0) == []
    assert load_steps(step, 15.0) == [30 * 15.0]
    assert load_steps(np.where(np.arange(60) >= 30, 14.9, 10.0), 15.0) == []


def test_a_steep_load_step_begins_with_the_tick_that_is_higher():
    """The minute that holds it begins earlier; that time is nobody's reaction."""
    steep = np.where(np.arange(60) >= 30, 1000.0, 10.0)
    assert load_steps(steep, 15.0) == [30 * 15.0]


def test_one_rise_is_one_load_step():
    growing = 10.0 * 1.05 ** np.arange(120)
    steps = load_steps(growing, 15.0)
    assert len(steps) > 1
    assert min(np.diff(steps)) >= 300


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([(100, 100, 0)] * 3, 0),
        ([(100, 95, 0)], 0),  # p95 is the 95th, which met it
        ([(100, 94, 0)], 1),
        ([(10, 10, 1)], 1),  # one failed
        ([(10, 9, 0), (10, 9, 0), (10, 10, 0), (0, 0, 0), (10, 0, 0)], 2),
        ([(0, 0, 0)], 0),
    ],
)
def test_violations_are_unbroken_stretches_of_bad_minutes(minutes, expected):
    assert violations(np.array(minutes)) == expected


def test_what_cannot_be_measured_is_none_and_not_zero():
    (record,) = replay([spec("static", demand(number=30), scenario())])
    card = scorecard(record)
    assert card["reaction_s"] is None
    assert card["reaction_startup_s"] is None
    assert not any(isinstance(value, float) and math.isnan(value) for value in card.values())


def test_every_figure_says_what_it_is():
    for key, figure in FIGURES.items():
        assert figure.key == key
        assert figure.meaning.endswith(".")
        assert figure.better in ("lower", "higher", None)
        assert all(getattr(figure, field.name) != "" for field in fields(Figure))
