"""A trace's profile as figures and tables to show. Pure."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from app import formats, words
from app.charts.base import RUNS_MAX, points_per_line
from engine.trace.schema import Kind

Profile = Mapping[str, Any]

DEMAND = (Kind.REQUESTS.value, Kind.SESSIONS.value, Kind.SERIES.value)
"""Kinds that can be replayed."""
SECONDS_PER_MINUTE = 60.0
_WIDTHS = {"1": "1 s", "10": "10 s", "60": "1 min", "300": "5 min"}
_SPREADS = {
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "prefix_tokens": "Repeated prefix tokens",
}
_TIMES = {"service_s": "Service time (s)", "think_s": "Wait before the next request (s)"}


def figures(profile: Profile) -> list[tuple[str, str, str | None]]:
    """Label, value and help of the headline figures."""
    shown: list[tuple[str, str, str | None]] = []
    if "rows" in profile:
        shown.append(("Rows", formats.whole(profile["rows"]), None))
    if "mean_per_s" in profile:
        shown.append(("Mean rate", f"{formats.amount(profile['mean_per_s'])} per s", None))
        if profile["duration_s"] >= SECONDS_PER_MINUTE:
            ratio = profile["peak_to_mean"]["60"]
            shown.append(("Peak ÷ mean (1 min)", formats.amount(ratio), words.PEAK_HELP))
    elif profile.get("peak_to_mean") is not None:
        shown.append(("Peak ÷ mean", formats.amount(profile["peak_to_mean"]), words.PEAK_HELP))
    for width, value in (profile.get("dispersion") or {}).items():
        text = words.TOO_SHORT if value is None else formats.amount(value)
        shown.append((f"Dispersion ({_WIDTHS[width]})", text, words.DISPERSION_HELP))
    daily = profile.get("daily")
    if daily is not None and daily.get("max_to_min") is not None:
        shown.append(("Daily swing", f"{formats.amount(daily['max_to_min'])} ×", words.SWING_HELP))
    sessions = profile.get("sessions")
    if sessions is not None:
        shown.append(("Sessions", formats.whole(sessions["sessions"]), None))
    return shown


def curve_width_s(profile: Profile) -> float:
    """What one step of the rate curve covers."""
    return float(profile["curve"]["width_s"])


def distributions(profile: Profile) -> pd.DataFrame:
    """Mean and quantiles of tokens and times per request; without rows if there are none."""
    spreads = {_SPREADS[name]: values for name, values in (profile.get("tokens") or {}).items()}
    spreads |= {
        label: profile[name] for name, label in _TIMES.items() if profile.get(name) is not None
    }
    columns = ("mean", "p50", "p90", "p99", "max")
    return pd.DataFrame(
        {
            "Per request": list(spreads),
            **{
                name: [formats.amount(values[name]) for values in spreads.values()]
                for name in columns
            },
        }
    )


def region_curves(profile: Profile) -> pd.DataFrame:
    """Carbon intensity over time with columns run (the region), t_s, bucket_s, value.

    So coarse that all regions together stay within the marks of a chart.
    """
    regions = list((profile.get("regions") or {}).items())[:RUNS_MAX]
    most = points_per_line(len(regions)) if regions else 0
    frames = [_coarse(region["curve"], most).assign(run=name) for name, region in regions]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _coarse(curve: Mapping[str, Any], most: int) -> pd.DataFrame:
    step = math.ceil(len(curve["t_s"]) / most)
    fine = pd.DataFrame({"t_s": curve["t_s"], "value": curve["value"]})
    means = fine.groupby(fine.index // step).agg({"t_s": "first", "value": "mean"})
    return means.assign(bucket_s=step * curve["width_s"])
