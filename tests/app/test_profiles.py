"""A profile of any kind of trace can be shown, also one that lacks what others have."""

import pytest

from app import profiles
from app.charts.base import MARKS_MAX, RUNS_MAX

REQUESTS = {
    "rows": 19366,
    "duration_s": 3502.0,
    "mean_per_s": 5.53,
    "peak_per_s": {"1": 20, "10": 12.0, "60": 9.1},
    "peak_to_mean": {"1": 3.6, "10": 2.2, "60": 1.65},
    "dispersion": {"10": 3.9, "60": 12.0, "300": None},
    "daily": None,
    "curve": {"width_s": 10, "t_s": [0, 10], "per_s": [1.0, 2.0]},
    "tokens": {"input_tokens": {"mean": 10.5, "p50": 8, "p90": 20, "p99": 40, "max": 50}},
    "service_s": None,
    "think_s": None,
    "sessions": None,
}


def labels(profile: dict) -> dict[str, str]:
    return {label: value for label, value, _ in profiles.figures(profile)}


def test_the_headline_figures_of_requests():
    assert labels(REQUESTS) == {
        "Rows": "19,366",
        "Mean rate": "5.53 per s",
        "Peak ÷ mean (1 min)": "1.65",
        "Dispersion (10 s)": "3.90",
        "Dispersion (1 min)": "12",
        "Dispersion (5 min)": "too short",
    }


def test_a_series_has_its_own_peak_and_a_daily_swing():
    series = {"rows": 5, "peak_to_mean": 4.0, "dispersion": None, "daily": {"max_to_min": 5.0}}
    assert labels(series) == {"Rows": "5", "Peak ÷ mean": "4", "Daily swing": "5 ×"}


@pytest.mark.parametrize("profile", [{}, {"regions": {}}, {"tokens": {}}])
def test_a_profile_with_nothing_in_it_shows_nothing(profile):
    assert labels(profile) == {}
    assert len(profiles.distributions(profile)) == 0
    assert len(profiles.region_curves(profile)) == 0


def test_tokens_and_times_are_one_table():
    spread = profiles.distributions({**REQUESTS, "service_s": {
        "mean": 1.5, "p50": 1.0, "p90": 2.0, "p99": 4.0, "max": 9.0}})  # fmt: skip
    assert list(spread["Per request"]) == ["Input tokens", "Service time (s)"]
    assert list(spread["mean"]) == ["10.5", "1.50"]


def test_many_regions_stay_within_the_marks_of_a_chart():
    curve = {"width_s": 3600.0, "t_s": [3600.0 * n for n in range(500)], "value": [1.0] * 500}
    shown = profiles.region_curves({"regions": {f"zone-{n}": {"curve": curve} for n in range(9)}})
    assert shown["run"].nunique() == RUNS_MAX
    assert len(shown) <= MARKS_MAX
    assert set(shown["value"]) == {1.0}
