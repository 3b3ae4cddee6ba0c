"""Charts from hand-made frames: units on axes, few marks, a second sign beside each colour."""

import pandas as pd
import pytest

from app.charts.base import MARKS_MAX, Clock, Window, rows
from app.charts.capacity import LINES, capacity_chart
from app.charts.lines import run_lines
from app.charts.rate import curve_frame, rate_chart, rate_title

WINDOW = Window(from_s=0.0, to_s=3600.0)
CLOCKS = [Clock(epoch_s=None, span_s=3600.0), Clock(epoch_s=1.7e9, span_s=3600.0)]
LABELS = ["static", "hpa:target=0.6", "weird.name[0]"]


def lines_frame(points: int) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {
                "run": label,
                "t_s": [3600.0 * n / points for n in range(points)],
                "bucket_s": 3600.0 / points,
                "p95_s": [None if n % 7 == 0 else n + 0.5 for n in range(points)],
            }
        )
        for label in LABELS
    )


def ticks_frame(points: int) -> pd.DataFrame:
    columns = ("offered_slots", "busy_slots", "ready_slots", "starting_slots", "ready",
               "starting", "draining")  # fmt: skip
    t_s = [3600.0 * n / points for n in range(points)]
    return pd.DataFrame(
        {"t_s": t_s, "bucket_s": 3600.0 / points, **{name: range(points) for name in columns}}
    )


def titles(spec: dict, channel: str) -> set[str]:
    encodings = [layer["encoding"] for layer in spec["layer"]]
    axes = [e[channel] for e in encodings if channel in e]
    return {a.get("title") or a.get("axis", {}).get("title") for a in axes} - {None}


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_line_a_run_with_colour_and_dash(clock):
    chart = run_lines(
        lines_frame(400),
        "p95_s",
        labels=LABELS,
        clock=clock,
        window=WINDOW,
        title="p95 latency (s)",
        unit="s",
        limit=(30.0, "SLO 30 s"),
    )
    spec = chart.to_dict()
    lines = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")
    assert lines["encoding"]["color"]["scale"]["domain"] == LABELS
    dashes = lines["encoding"]["strokeDash"]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes}) == len(LABELS)
    assert titles(spec, "y") == {"p95 latency (s)"}
    assert rows(chart) <= MARKS_MAX


def test_what_is_told_under_the_mouse_is_named_by_run_and_unit():
    chart = run_lines(
        lines_frame(10),
        "p95_s",
        labels=LABELS,
        clock=CLOCKS[1],
        window=WINDOW,
        title="p95 latency (s)",
        unit="s",
    )
    strip = chart.to_dict()["layer"][-1]
    told = {tip["title"] for tip in strip["encoding"]["tooltip"]}
    assert told == {"Time (UTC)", *(f"{label} (s)" for label in LABELS)}
    fields = {tip["field"] for tip in strip["encoding"]["tooltip"]}
    assert fields == {"clock", "run_0", "run_1", "run_2"}  # names that Vega cannot misread


@pytest.mark.parametrize("clock", CLOCKS)
def test_capacity_is_stacked_and_demand_is_a_line_above_it(clock):
    points = MARKS_MAX // (LINES + 1)
    chart = capacity_chart(ticks_frame(points - 1), clock, WINDOW, 600.0)
    spec = chart.to_dict()
    marks = [layer["mark"]["type"] for layer in spec["layer"]]
    assert marks == ["area", "line", "rule"]
    assert titles(spec, "y") == {"Concurrent requests (slots)"}
    assert rows(chart) <= MARKS_MAX
    domains = [layer["encoding"]["y"]["scale"]["domain"] for layer in spec["layer"][:2]]
    assert domains == [[0, 600.0], [0, 600.0]]


@pytest.mark.parametrize("brush", [True, False])
def test_the_rate_curve_shades_the_window_and_can_be_brushed(brush):
    frame = pd.DataFrame({"t_s": [0.0, 60.0, 120.0], "bucket_s": 60.0, "per_s": [1.0, 4.0, 2.0]})
    chart = rate_chart(
        frame,
        CLOCKS[1],
        title="Arrivals (1/s)",
        whole=WINDOW,
        window=Window(from_s=60.0, to_s=120.0),
        brush=brush,
    )
    spec = chart.to_dict()
    assert spec["layer"][0]["mark"]["type"] == "rect"
    assert [p["name"] for p in spec.get("params", [])] == (["window"] if brush else [])


def test_a_profile_without_a_curve_gives_an_empty_frame():
    assert len(curve_frame({})) == 0
    assert list(curve_frame({"curve": {"t_s": [0], "value": [2.5]}})["per_s"]) == [2.5]


def test_the_rate_axis_names_its_unit():
    assert rate_title(None) == "Arrivals (1/s)"
    assert rate_title("cpu_percent") == "Demand (cpu percent)"


def test_a_run_without_any_value_still_has_a_chart():
    frame = lines_frame(5).assign(p95_s=float("nan"))
    chart = run_lines(
        frame,
        "p95_s",
        labels=LABELS,
        clock=CLOCKS[0],
        window=WINDOW,
        title="p95 latency (s)",
        unit="s",
    )
    assert chart.to_dict()["layer"]


def test_a_line_reaches_the_end_of_its_last_step_and_no_further():
    chart = run_lines(
        lines_frame(10).assign(bucket_s=1000.0),
        "p95_s",
        labels=LABELS,
        clock=CLOCKS[0],
        window=WINDOW,
        title="p95 latency (s)",
        unit="s",
    )
    drawn = chart.layer[0].data
    assert drawn.groupby("run")["time"].max().tolist() == [60.0] * 3  # minutes


def test_nothing_but_zeros_lies_on_the_floor():
    chart = run_lines(
        lines_frame(5).assign(p95_s=0.0),
        "p95_s",
        labels=LABELS,
        clock=CLOCKS[0],
        window=WINDOW,
        title="Waiting requests",
        unit="requests",
    )
    assert chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 1.0]
