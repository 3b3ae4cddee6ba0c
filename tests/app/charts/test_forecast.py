"""Charts of forecasts: what is known, what was said and what came; honest axes; few marks."""

import numpy as np
import pytest

from app import forecast_words as words
from app.charts import forecast, forecast_scores
from app.charts.base import MARKS_MAX, Clock, Window, rows
from app.leaderboard import scores
from engine.forecast.coverage import coverage
from engine.forecast.fan import fan
from engine.forecast.features import NAMES
from engine.forecast.naive import Persistence
from tests.app.evaluations import evaluation, row
from tests.engine.forecast.series import daily

CLOCKS = [Clock(epoch_s=None, span_s=3600.0), Clock(epoch_s=1.7e9, span_s=3600.0)]


@pytest.fixture(scope="module")
def series():
    return daily()


@pytest.fixture(scope="module")
def made(series):
    return fan(series, 0.9 * len(series.values) * series.step_s, Persistence())


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_fan_is_a_band_lines_the_moment_and_strips_to_read_it(made, clock):
    chart = forecast.fan_chart(made, clock)
    spec = chart.to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["area", "line", "rule", "rule"]
    assert spec["layer"][0]["encoding"]["y"]["title"] == "Demand (requests/s)"
    assert rows(chart) <= MARKS_MAX


def test_the_fan_begins_where_knowledge_ends(made):
    frame = forecast.fan_frame(made)
    for line in (words.MEDIAN, words.CAME):
        first = frame[frame["line"] == line].iloc[0]
        assert (first["t_s"], first["value"]) == (made.cut_s, made.history[-1])
    assert frame[frame["line"] == words.KNOWN]["t_s"].max() == made.cut_s


def test_what_did_not_come_yet_is_not_drawn(series):
    end = fan(series, len(series.values) * series.step_s, Persistence())
    came = forecast.fan_frame(end)
    assert list(came[came["line"] == words.CAME]["t_s"]) == [end.cut_s]


def test_the_whole_trace_is_few_buckets_that_keep_its_peak():
    values = np.arange(75_001.0)
    frame = forecast.overview_frame(values, 60.0)
    assert len(frame) <= 400
    assert frame["per_s"].max() == values.max()
    chart = forecast.overview_chart(frame, CLOCKS[0], Window(from_s=0, to_s=75_001 * 60), 600.0)
    assert [layer["mark"]["type"] for layer in chart.to_dict()["layer"]] == ["area", "rule"]


def test_attention_shows_the_features_that_are_there_the_strongest_first():
    weights = np.zeros((12, 23))
    weights[:, [11, 20]] = [0.2, 0.8]
    frame = forecast.feature_weights(weights, NAMES)
    assert list(dict.fromkeys(frame["row"])) == ["Time of day (sine)", "Demand"]
    assert frame.loc[frame["step"] == 1, "weight"].tolist() == [0.8, 0.2]
    assert forecast.attention_chart(frame).to_dict()["layer"][0]["mark"]["type"] == "rect"
    assert forecast.step_weights(np.full(12, 1 / 12))["step"].tolist() == list(range(12, 0, -1))


def test_every_feature_has_a_name():
    assert set(words.FEATURES) == set(NAMES)


def test_coverage_by_horizon_is_drawn_against_the_promise():
    found = scores(evaluation([row("ets", 60.0, 0.3), row("ets", 300.0)]))
    spec = forecast_scores.horizons_chart(found).to_dict()
    domains = [layer["encoding"]["y"]["scale"]["domain"] for layer in spec["layer"]]
    assert len({tuple(domain) for domain in domains}) == 1
    assert domains[0][0] < 30.0


@pytest.mark.parametrize("clock", CLOCKS)
def test_calibration_is_drawn_by_quantile_and_over_time(series, clock):
    found = coverage(series, Persistence())
    assert forecast_scores.reliability_chart(found, 0).to_dict()["layer"]
    chart = forecast_scores.over_time_chart(found, 0, clock)
    assert rows(chart) <= MARKS_MAX
    frame = forecast_scores.over_time_frame(found, 0)
    assert frame["share"].between(0, 100).all()
    assert set(frame["which"]) == {words.CALIBRATED, words.RAW}
