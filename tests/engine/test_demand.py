"""From stored traces to demand: counts, recorded series with gaps, pools, busy slots."""

from dataclasses import replace

import numpy as np
import pytest

from engine.demand import RATE, SLOTS, as_options, busy_slots, demand_series, step_of
from engine.errors import UsageError
from engine.planner import Planner
from engine.presets import PRESETS
from engine.trace.synth import generate
from engine.trace.writer import write


@pytest.fixture(scope="module")
def planner(tmp_path_factory):
    with Planner(tmp_path_factory.mktemp("demand") / "store.duckdb") as opened:
        opened.synthesize("bursty", duration_s=1800.0, mean_rate_per_s=3.0, seed=1, name="bursty")
        opened.ensure_samples()
        yield opened


def series_of(planner, name, **options):
    return demand_series(planner._store, planner.trace(name), **options)


@pytest.mark.slow
def test_demand_is_what_arrived_in_each_step(planner):
    table = generate("bursty", duration_s=1800.0, mean_rate_per_s=3.0, seed=1).table
    found = series_of(planner, "bursty", step_s=10.0)
    size = len(found.values)
    counts = np.histogram(table.arrival_s, size, (0, size * 10.0))[0]
    assert found.values * 10 == pytest.approx(counts)
    assert found.unit == RATE
    assert found.step_s == 10.0


def test_the_step_follows_the_length_of_the_trace(planner):
    assert step_of(planner.trace("bursty")) == 5.0
    assert step_of(planner.trace("diurnal_day")) == 60.0


def test_pools_share_the_demand(planner):
    scenario = planner.presets()["llm-agents"]
    whole = series_of(planner, "bursty")
    parts = [
        series_of(planner, "bursty", scenario=scenario, pool=pool.name) for pool in scenario.pools
    ]
    assert sum(part.values for part in parts) == pytest.approx(whole.values)


def test_busy_slots_by_brute_force():
    rng = np.random.default_rng(0)
    arrival = np.sort(rng.uniform(0, 100, 200))
    work = rng.exponential(7, 200)
    found = busy_slots(arrival, work, 10.0, 12)
    fine = (np.arange(12_000) + 0.5) / 100
    busy = ((arrival[:, None] <= fine) & (fine < (arrival + work)[:, None])).sum(0)
    assert found == pytest.approx(busy.reshape(12, -1).mean(1), abs=0.05)


def test_busy_slots_of_a_trace_are_its_work_per_second(planner):
    scenario = planner.presets()["llm-agents"]
    found = series_of(planner, "bursty", unit=SLOTS, scenario=scenario)
    assert found.unit == SLOTS
    assert found.values.mean() > 0


def test_what_an_import_filled_in_is_a_gap(planner, tmp_path):
    file = tmp_path / "gappy.csv"
    lines = [f"2024-01-01 {h:02}:{m:02}:00,{10 + h}" for h in range(20) for m in range(0, 60, 5)]
    file.write_text("timestamp,value\n" + "\n".join(lines[:100] + lines[106:]) + "\n", "utf-8")
    planner.import_path(file, name="gappy")
    found = series_of(planner, "gappy")
    gaps = np.flatnonzero(np.isnan(found.values))
    assert gaps.tolist() == [100, 101, 102, 103, 104, 105]
    assert found.step_s == 300.0
    assert found.start_s == 0.0  # the first of January 2024 was a Monday


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"unit": "slots"}, "unknown unit"),
        ({"unit": SLOTS}, "scenario"),
        ({"pool": "chat"}, "scenario"),
        ({"step_s": 0.1}, "the step is 0.1"),
        ({"step_s": float("nan")}, "the step is nan"),
        ({"step_s": 900.0}, "too few"),
    ],
)
def test_what_cannot_be_meant_is_refused(planner, options, what):
    with pytest.raises(UsageError, match=what):
        series_of(planner, "bursty", **options)


def test_an_unknown_pool_gets_a_suggestion(planner):
    scenario = planner.presets()["llm-agents"]
    with pytest.raises(UsageError, match="unknown pool") as refused:
        series_of(planner, "bursty", scenario=scenario, pool="chatt")
    assert "chat" in refused.value.fix


def test_a_series_keeps_its_own_step(planner):
    with pytest.raises(UsageError, match="one value each 300 s"):
        series_of(planner, "gappy", step_s=60.0)


@pytest.mark.parametrize(
    ("options", "what", "fix"),
    [
        ({"pool": "chat"}, "pool 'chat'", "--pool"),
        ({"pool": "no such"}, "pool 'no such'", "--pool"),
        ({"unit": SLOTS}, "busy slots", "--unit"),
        ({"scenario": PRESETS["llm-agents"]}, "a scenario", "--scenario"),
    ],
)
def test_a_recorded_series_has_neither_pools_nor_slots(planner, options, what, fix):
    with pytest.raises(UsageError, match=what) as refused:
        series_of(planner, "gappy", **options)
    assert "gappy" in refused.value.where
    assert fix in refused.value.fix


def test_demand_is_written_as_the_options_that_mean_it():
    preset = PRESETS["llm-agents"]
    assert as_options() == ""
    assert as_options(step_s=None, unit=RATE, scenario=None, pool=None) == ""
    assert as_options(step_s=90.0, unit=SLOTS, scenario=preset, pool="chat") == (
        " --step 90 --unit 'busy slots' --scenario llm-agents --pool chat"
    )
    assert as_options(scenario=replace(preset, seed=9)) == " --scenario FILE.toml"


def test_writing_and_importing_changes_nothing(planner, tmp_path):
    made = generate("growth", duration_s=1800.0, mean_rate_per_s=2.0, seed=2)
    write(made.table, tmp_path / "growth.csv")
    planner.import_path(tmp_path / "growth.csv", name="written")
    found = series_of(planner, "written", step_s=30.0)
    assert found.values.sum() * 30 == pytest.approx(
        np.sum(made.table.arrival_s < len(found.values) * 30), abs=1
    )


def test_a_recorded_series_brings_what_else_its_file_says(planner, tmp_path):
    lines = [
        f"{1376314846 + 300 * i};{2 + i // 20};{1000 + i};{'' if i == 7 else 1048576 * (1 + i)}"
        for i in range(40)
    ]
    file = tmp_path / "vm.csv"
    header = "Timestamp [ms];CPU cores;CPU usage [MHZ];Memory usage [KB]\n"
    file.write_text(header + "\n".join(lines) + "\n", "utf-8")
    planner.import_path(file, name="vm")
    found = series_of(planner, "vm").features.values
    assert set(found) == {"cpu_provisioned", "mem_used"}
    assert found["cpu_provisioned"][[0, 39]].tolist() == [2.0, 3.0]
    assert np.isnan(found["mem_used"][7])
    assert found["mem_used"][[0, 39]].tolist() == [1.0, 40.0]


def test_requests_in_service_are_a_feature_where_every_request_tells_its_time(planner):
    assert series_of(planner, "bursty").features is None
    planner.synthesize("bursty", duration_s=1800.0, mean_rate_per_s=3.0, seed=1, name="timed",
                       service_mean_s=4.0, service_cv=0.5)  # fmt: skip
    found = series_of(planner, "timed")
    column = found.features.values["inflight_tasks"]
    assert column[5:-1].mean() == pytest.approx(4 * found.values[5:-1].mean(), rel=0.1)
