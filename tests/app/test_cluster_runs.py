"""What Compare says of machines, tenants and faults follows from the rows of runs."""

import math

import pandas as pd
import pytest

from app import cluster_run_words as said
from app.charts.base import Clock, Window
from app.charts.faults import fault_timeline
from app.charts.lines import run_lines
from app.cluster_runs import (
    AFTER_S,
    all_places,
    bands,
    breaks,
    fault_table,
    fault_windows,
    happened,
    measured,
    places,
    tenants,
)
from app.parts.cluster_faults import fault_frame
from engine.records import EVENTS
from engine.scenario import (
    Breaker,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    Retry,
    Router,
    Scenario,
)

LABELS = {"a": "static", "b": "hpa"}
CRASH = Fault(kind=FaultKind.WORKER_CRASH, at_s=600.0, for_s=60.0)
CUT = Fault(kind=FaultKind.ZONE_PARTITION, at_s=100.0, for_s=200.0, where="zone-a")


def machines():
    """Two places in one step: 300 W at 100 g and 100 W at 500 g; three nodes, and none."""
    shared = {"run_id": "a", "t_s": 0.0, "bucket_s": 15.0, "backup_watts": 0.0}
    return pd.DataFrame(
        [
            {**shared, "watts": 300.0, "g_per_kwh": 100.0, "nodes": 3.0, "busy_frac": 0.5,
             "requested_frac": 1.0, "green_watts": 50.0, "carbon_g_per_h": 30.0,
             "cost_usd_per_h": 9.0},
            {**shared, "watts": 100.0, "g_per_kwh": 500.0, "nodes": 0.0, "busy_frac": math.nan,
             "requested_frac": math.nan, "green_watts": 0.0, "carbon_g_per_h": 50.0,
             "cost_usd_per_h": 1.0},
        ]
    )  # fmt: skip


def test_places_add_up_and_intensity_is_weighted_by_power():
    row = all_places(machines()).iloc[0]
    assert (row["watts"], row["carbon_g_per_h"], row["cost_usd_per_h"]) == (400.0, 80.0, 10.0)
    assert row["g_per_kwh"] == pytest.approx((300 * 100 + 100 * 500) / 400)
    assert (row["busy_frac"], row["requested_frac"]) == (0.5, 1.0)


def test_energy_that_is_not_known_stays_unknown():
    frame = machines().assign(watts=math.nan, carbon_g_per_h=math.nan)
    assert math.isnan(all_places(frame)["watts"].iloc[0])
    assert measured(frame, said.CARBON_MEASURES) == [said.CARBON_MEASURES[1]]


def test_only_what_was_measured_is_offered():
    frame = pd.DataFrame({"retried_per_s": [0.0, 0.5], "shed_per_s": [0.0, 0.0]})
    assert [measure.column for measure in measured(frame, said.FAULT_MEASURES)] == [
        "retried_per_s"
    ]


def test_totals_of_places_have_units_and_say_what_is_not_measured():
    frame = pd.DataFrame(
        {
            "run_id": ["a", "b"], "place": ["gpu", "own"], "region": ["r", "r"],
            "is_group": [True, False], "node_hours": [14.0, 0.0], "energy_kwh": [2.0, math.nan],
            "green_kwh": [0.5, math.nan], "operational_kg": [1.0, math.nan],
            "embodied_kg": [0.25, 0.0], "on_demand_usd": [3.0, 4.0], "energy_usd": [1.0, math.nan],
        }
    )  # fmt: skip
    table = places(frame, LABELS)
    assert table["Energy"].tolist() == ["2 kWh", "not measured"]
    assert table["Carbon"].tolist() == ["1.25 kg CO₂e", "not measured"]
    assert table["Cost"].tolist() == ["\\$4.00", "\\$4.00"]
    assert table["Node hours"].tolist() == ["14 h", "–"]


def test_tenants_share_the_work_of_their_own_run():
    frame = pd.DataFrame(
        {
            "run_id": ["a", "a", "b"], "tenant": ["x", "y", "x"], "arrived": [10, 10, 5],
            "failed": [0, 5, 1], "attainment_frac": [1.0, 0.5, math.nan],
            "latency_mean_s": [1.0, 2.0, 3.0], "served_slot_s": [30.0, 10.0, 7.0],
            "floor_frac": [0.2, 0.0, 0.2], "priority": ["first", None, math.nan],
        }
    )  # fmt: skip
    table = tenants(frame, LABELS)
    assert table["Share of work"].tolist() == ["75 %", "25 %", "100 %"]
    assert table["Priority class"].tolist() == ["first", "–", "–"]
    assert table["SLO attainment"].tolist() == ["100 %", "50 %", "not measured"]


def test_faults_are_looked_at_while_they_last_and_moments_for_a_while_after():
    whole = Window(from_s=1000.0, to_s=1700.0)
    late = Fault(kind=FaultKind.TOOL_OUTAGE, at_s=900.0, for_s=10.0)
    assert fault_windows((CRASH, late, CUT), whole) == [
        (CUT, Window(from_s=1100.0, to_s=1300.0)),
        (CRASH, Window(from_s=1600.0, to_s=1700.0)),
    ]
    assert AFTER_S == 300.0
    assert [(start, end) for start, end, _ in bands((CRASH, CUT), whole)] == [
        (1100.0, 1300.0),
        (1600.0, 1600.0),
    ]


def test_each_fault_has_its_attainment_beside_that_of_the_whole_window():
    windows = fault_windows((CUT,), Window(from_s=0.0, to_s=900.0))
    table = fault_table(windows, [{"a": 0.5, "b": None}], {"a": 0.9, "b": 1.0}, LABELS)
    assert table[said.FAULT].iloc[0].startswith("Zone cut off · zone-a")
    assert table["static"].tolist() == ["50 %", "**90 %**"]
    assert table["hpa"].tolist() == ["not measured", "**100 %**"]


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(faults=(CRASH,)),
        Scenario(random_faults_per_day=1.0),
        Scenario(retry=Retry(attempts=2)),
        Scenario(router=Router(breaker=Breaker())),
        Scenario(degradation=(Degradation(kind=DegradeKind.SHED),)),
    ],
)
def test_whatever_breaks_or_protects_has_a_view(scenario):
    assert breaks(scenario)
    assert not breaks(Scenario())


def test_every_kind_of_event_has_words():
    frame = pd.DataFrame(
        {"t_s": 0.0, "kind": list(EVENTS), "place": "gpu", "number": 1, "gib": math.nan}
    )
    told = happened(frame, None)["what"].tolist()
    assert len(set(told)) == len(EVENTS)
    assert not set(told) & set(EVENTS)


def test_bands_are_drawn_within_the_window_and_moments_as_lines():
    frame = pd.DataFrame(
        {"run": ["x", "x"], "t_s": [0.0, 60.0], "bucket_s": 60.0, "v": [1.0, 2.0]}
    )
    chart = run_lines(
        frame, "v", labels=["x"], clock=Clock(epoch_s=None, span_s=120.0),
        window=Window(from_s=0.0, to_s=120.0), title="V (1)", unit="1",
        bands=[(60.0, 600.0, "cut"), (30.0, 30.0, "crash"), (500.0, 600.0, "late")],
    )  # fmt: skip
    rect, rule = chart.layer[:2]
    assert rect.data[["time", "end"]].to_numpy().tolist() == [[1.0, 2.0]]
    assert rule.data["name"].tolist() == ["crash"]


def test_the_timeline_has_bars_for_what_lasts_and_points_for_moments():
    frame = fault_frame((CRASH, CUT))
    assert frame["what"].tolist() == ["Zone cut off · zone-a", "Worker crash · everywhere"]
    assert frame["to_min"].tolist() == pytest.approx([5.0, 10.0])
    chart = fault_timeline(frame, 11.0)
    assert [len(layer.data) for layer in chart.layer] == [1, 1]
    assert chart.layer[0].mark.type == "bar"
    assert chart.layer[1].mark.type == "point"
    assert "minutes" in chart.layer[0].to_dict()["encoding"]["x"]["title"]
