"""Questions about finished runs against plain re-computation from their stored rows."""

import numpy as np
import pytest

from engine import runner
from engine.store import run_queries
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import find_run
from engine.store.traces import store_requests
from tests.engine.replays import demand, scenario

FROM_S, TO_S, TICK_S = 100.0, 790.0, 7.0
"""690 s are 98 ticks of 7 s and one of 4 s."""
AT_RATES = {
    "arrived": "arrived_per_s",
    "offered_slot_s": "offered_slots",
    "ready_slot_s": "ready_slots",
    "starting_slot_s": "starting_slots",
    "draining_slot_s": "draining_slots",
    "busy_slot_s": "busy_slots",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("runs") / "store.duckdb") as opened:
        store_requests(opened, demand(), name="demand", format="test", source="test", recipe={})
        yield opened


@pytest.fixture(scope="module")
def run(store):
    """A window that starts late and does not end with a tick."""
    chosen = scenario(tick_s=TICK_S)
    policy = "threshold:breach_s=7:lower=0.7:cooldown_in_s=14:interval_s=14"
    wanted = runner.request(store, "demand", [policy], chosen, FROM_S, TO_S)
    (run_id,) = runner.run(store, wanted)
    return find_run(store, run_id)


@pytest.fixture(scope="module")
def rows(store, run):
    """Stored rows by table, as frames."""
    with store.cursor() as cursor:
        return {
            name: cursor.table(name).filter(f"run_no = {run.run_no}").df()
            for name in ("ticks", "latency", "decisions", "run_requests")
        }


WINDOWS = [(None, None), (100.0, 107.0), (101.0, 108.0), (250.0, 400.5), (786.0, 1e6), (0.0, 99.0)]


def chosen_ticks(rows, from_s, to_s, pool=None):
    ticks = rows["ticks"]
    inside = (ticks["t_s"] >= (from_s or 0.0)) & (ticks["t_s"] < (to_s or 1e9))
    return ticks[inside & (pool is None or ticks["pool"] == pool)]


def span_of(from_s, to_s, **rest):
    given = {"from_s": from_s, "to_s": to_s}
    return Span(**{name: value for name, value in given.items() if value is not None}, **rest)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("pool", [None, 1])
@pytest.mark.parametrize("max_points", [1, 10, 500])
def test_a_timeline_keeps_totals_however_few_points_it_has(
    store, run, rows, window, pool, max_points
):
    frame = run_queries.timeline(store, run, span_of(*window, pool=pool, max_points=max_points))
    ticks = chosen_ticks(rows, *window, pool)
    assert len(frame) <= max_points
    assert len(frame) >= min(max_points, ticks["tick"].nunique()) / 2
    for total, rate in AT_RATES.items():
        assert (frame[rate] * frame["bucket_s"]).sum() == pytest.approx(ticks[total].sum()), rate
    cost = (frame["cost_usd_per_h"] * frame["bucket_s"]).sum() / 3600
    assert cost == pytest.approx(ticks["cost_usd"].sum())
    for kind in ("queue_timeouts", "exec_timeouts", "rejected", "lost"):
        assert frame[kind].sum() == ticks[kind].sum()
    levels = ticks.groupby("tick")[["queued", "offered_slot_s"]].sum()
    if len(frame):
        assert frame["queued"].max() == levels["queued"].max()


def test_a_run_s_last_tick_is_as_long_as_the_window_leaves_it(store, run):
    frame = run_queries.timeline(store, run, Span(max_points=500))
    assert frame["t_s"].tolist() == pytest.approx((FROM_S + TICK_S * np.arange(99)).tolist())
    assert set(frame["bucket_s"][:-1]) == {TICK_S}
    assert frame["bucket_s"].iloc[-1] == pytest.approx(4.0)
    slots = frame["ready_slots"] + frame["draining_slots"] + frame["starting_slots"]
    assert slots.iloc[-1] == pytest.approx(slots.iloc[-2], rel=0.25)  # no dip at the end


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("pool", [None, 1])
@pytest.mark.parametrize("max_points", [1, 10, 500])
def test_latency_over_time_follows_from_the_request_rows(
    store, run, rows, window, pool, max_points
):
    frame = run_queries.latency(store, run, span_of(*window, pool=pool, max_points=max_points))
    ticks = chosen_ticks(rows, *window)
    assert len(frame) <= max_points
    requests = rows["run_requests"]
    finished = requests[(requests["status"] == 3) & (pool is None or requests["pool"] == pool)]
    last_s = ticks["t_s"].max() + TICK_S if len(ticks) else 0.0
    seen = 0
    for point in frame.itertuples():
        end_s = min(point.t_s + point.bucket_s, last_s)
        mine = finished[(finished["arrival_s"] >= point.t_s) & (finished["arrival_s"] < end_s)]
        seen += len(mine)
        assert point.requests == len(mine)
        latency_s = (mine["end_s"] - mine["arrival_s"]).to_numpy()
        for name, share in (("p50_s", 0.5), ("p95_s", 0.95), ("p99_s", 0.99)):
            exact = np.quantile(latency_s, share, method="inverted_cdf")
            assert getattr(point, name) == pytest.approx(exact, rel=0.01)
    if len(ticks):
        first_s = ticks["t_s"].min()
        inside = (finished["arrival_s"] >= first_s) & (finished["arrival_s"] < last_s)
        assert seen == inside.sum()


@pytest.mark.parametrize("window", WINDOWS)
def test_sums_are_those_of_the_ticks_that_start_in_the_window(store, run, rows, window):
    got = run_queries.sums(store, run, span_of(*window))
    ticks = chosen_ticks(rows, *window)
    latency = rows["latency"]
    merged = latency[latency["tick"].isin(set(ticks["tick"]))]
    assert got.arrived == ticks["arrived"].sum()
    assert got.slo_met == ticks["slo_met"].sum()
    assert got.histogram.sum() == merged["requests"].sum() <= got.arrived
    for bucket, number in merged.groupby("bucket")["requests"].sum().items():
        assert got.histogram[bucket] == number
    assert got.busy_slot_s == pytest.approx(ticks["busy_slot_s"].sum())
    assert got.worker_s == pytest.approx(ticks["worker_s"].sum())
    assert got.provisioned_slot_s == pytest.approx(2 * ticks["worker_s"].sum())
    assert got.cost_usd == pytest.approx(3.0 / 3600 * ticks["worker_s"].sum())
    at_once = ticks.groupby("tick")[["starting", "ready", "draining"]].sum().sum(axis=1)
    assert got.peak_workers == (at_once.max() if len(at_once) else 0)


def test_a_window_typed_by_hand_finds_ticks_whose_start_is_not_exact(store):
    """The 3rd tick of 0.7 s starts at 2.0999999999999996 s, and 4.9 / 0.7 is above 7."""
    wanted = runner.request(store, "demand", ["static"], scenario(tick_s=0.7), 0.0, 14.0)
    (run_id,) = runner.run(store, wanted)
    found = find_run(store, run_id)
    for tick in range(20):
        typed = Span(from_s=float(f"{tick * 0.7:.1f}"), to_s=float(f"{(tick + 1) * 0.7:.1f}"))
        timeline = run_queries.timeline(store, found, typed)
        assert timeline["t_s"].tolist() == pytest.approx([tick * 0.7]), tick
        decided = run_queries.decisions(store, found, typed, limit=10, changes_only=False)
        assert len(decided) == 2, tick


def decisions_of(store, run, **rest):
    options = {"limit": 1000, "changes_only": False} | {
        name: rest.pop(name) for name in ("limit", "changes_only") if name in rest
    }
    return run_queries.decisions(store, run, Span(**rest), **options)


def test_decisions_come_in_order_with_their_pools_names(store, run, rows):
    frame = decisions_of(store, run)
    assert len(frame) == len(rows["decisions"]) == 2 * 50  # every other of 99 ticks
    assert frame["t_s"].is_monotonic_increasing
    assert frame["pool"].tolist() == ["own", "shared"] * 50
    assert all(isinstance(rationale, dict) for rationale in frame["rationale"])


def test_decisions_can_be_cut_to_a_pool_a_window_changes_and_a_number(store, run):
    everything = decisions_of(store, run)
    changed = decisions_of(store, run, changes_only=True)
    assert 0 < len(changed) < len(everything)
    assert (changed["applied"] != changed["current"]).all()
    differing = (everything["applied"] != everything["current"]).sum()
    assert len(changed) == differing
    assert set(decisions_of(store, run, pool=1)["pool"]) == {"shared"}
    assert decisions_of(store, run, limit=3)["t_s"].tolist() == everything["t_s"].tolist()[:3]
    late = decisions_of(store, run, from_s=300.0, to_s=400.0)["t_s"]
    assert late.min() >= 300.0
    assert late.max() < 400.0
    assert len(late) == ((everything["t_s"] >= 300) & (everything["t_s"] < 400)).sum()


def test_kept_requests_carry_the_time_of_the_trace_like_ticks(rows, store):
    requests = rows["run_requests"]
    with store.cursor() as cursor:
        recorded = cursor.execute(
            "SELECT arrival_s FROM requests WHERE arrival_s >= 100 AND arrival_s < 790 ORDER BY 1"
        ).fetchnumpy()["arrival_s"]
    assert np.sort(requests["arrival_s"]) == pytest.approx(recorded, rel=1e-12)
    finished = requests[requests["status"] == 3]
    assert (finished["start_s"] >= finished["arrival_s"]).all()
    assert (finished["end_s"] >= finished["start_s"]).all()
    assert requests["arrival_s"].min() >= rows["ticks"]["t_s"].min() == FROM_S
