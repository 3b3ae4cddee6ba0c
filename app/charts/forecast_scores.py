"""Is the band honest: coverage by horizon, quantile by quantile, and over time."""

import altair as alt
import pandas as pd

from app import forecast_words as words
from app import formats
from app.charts.base import HEIGHT, Clock, Window, hover, layered, with_time
from engine.forecast.coverage import Coverage

_LEGEND = alt.Legend(title=None, orient="top")
_LINES = alt.Legend(title=None, orient="top", symbolType="stroke")
_DOMAIN = [words.CALIBRATED, words.RAW]
_SCORED = [words.AS_USED, words.RAW]


def _axis(lowest: float) -> alt.Y:
    """From a little below the lowest share, or half, to all."""
    start = max(0.0, min(50.0, lowest - 5))
    return alt.Y("share:Q", title=words.COVERAGE_AXIS,
                 scale=alt.Scale(domain=[start, 100.0], nice=False))  # fmt: skip


def _promise(y: alt.Y) -> list[alt.Chart]:
    """77 to 83 % shaded, 80 % dashed, on the axis of the shares."""
    band = pd.DataFrame({"low": [100 * words.BELOW_BAR], "high": [100 * words.ABOVE_BAR]})
    shade = (
        alt.Chart(band)
        .mark_rect(opacity=0.15, color="gray")
        .encode(y=alt.Y("low:Q", title=words.COVERAGE_AXIS, scale=y["scale"]), y2="high:Q")
    )
    line = (
        alt.Chart(pd.DataFrame({"at": [80.0]}))
        .mark_rule(strokeDash=[6, 4], color="gray")
        .encode(y=alt.Y("at:Q", title=words.COVERAGE_AXIS, scale=y["scale"]))
    )
    return [shade, line]


def horizons_chart(scores: pd.DataFrame) -> alt.LayerChart:
    """Coverage by horizon of one forecaster, raw and as used.

    Args:
        scores: columns horizon_s, coverage and raw_coverage.
    """
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "horizon": [formats.duration(h) for h in scores["horizon_s"]],
                    "share": 100 * scores[column],
                    "which": which,
                }
            )
            for column, which in (("coverage", words.AS_USED), ("raw_coverage", words.RAW))
        ]
    )
    order = list(dict.fromkeys(frame["horizon"]))
    y = _axis(float(frame["share"].min()))
    points = (
        alt.Chart(frame)
        .mark_point(size=110, strokeWidth=2)
        .encode(
            x=alt.X("horizon:N", sort=order, title=words.HORIZON_AXIS,
                    axis=alt.Axis(labelAngle=0)),
            y=y,
            color=alt.Color("which:N", scale=alt.Scale(domain=_SCORED), legend=_LEGEND),
            shape=alt.Shape("which:N", scale=alt.Scale(domain=_SCORED,
                            range=["circle", "triangle-up"]), legend=_LEGEND),
            tooltip=[
                alt.Tooltip("horizon:N", title=words.HORIZON_AXIS),
                alt.Tooltip("which:N", title="Band"),
                alt.Tooltip("share:Q", title=words.COVERAGE_AXIS, format=".1f"),
            ],
        )
    )  # fmt: skip
    return layered([*_promise(y), points])


def reliability_chart(found: Coverage, place: int) -> alt.LayerChart:
    """Promised against observed shares at one horizon.

    Args:
        found: of one forecaster.
        place: of the horizon.
    """
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "nominal": [100 * level for level in found.levels],
                    "observed": 100 * below[place],
                    "which": which,
                }
            )
            for below, which in ((found.below, words.CALIBRATED), (found.below_raw, words.RAW))
        ]
    )
    scale = alt.Scale(domain=[0, 100], nice=False)
    ideal = (
        alt.Chart(pd.DataFrame({"nominal": [0.0, 100.0], "observed": [0.0, 100.0]}))
        .mark_line(strokeDash=[6, 4], color="gray", strokeWidth=1.5)
        .encode(x=alt.X("nominal:Q", scale=scale), y=alt.Y("observed:Q", scale=scale))
    )
    lines = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=80), strokeWidth=1.8)
        .encode(
            x=alt.X("nominal:Q", title=words.NOMINAL_AXIS, scale=scale),
            y=alt.Y("observed:Q", title=words.OBSERVED_AXIS, scale=scale),
            color=alt.Color("which:N", scale=alt.Scale(domain=_DOMAIN), legend=_LINES),
            strokeDash=alt.StrokeDash("which:N", scale=alt.Scale(domain=_DOMAIN,
                                      range=[[1, 0], [6, 3]]), legend=_LINES),
            tooltip=[
                alt.Tooltip("which:N", title="Quantiles"),
                alt.Tooltip("nominal:Q", title=words.NOMINAL_AXIS, format=".0f"),
                alt.Tooltip("observed:Q", title=words.OBSERVED_AXIS, format=".1f"),
            ],
        )
    )  # fmt: skip
    return layered([ideal, lines])


def running_window(found: Coverage) -> int:
    """Tested moments that a running share is taken over."""
    return max(10, min(50, len(found.times_s) // 4))


def over_time_frame(found: Coverage, place: int) -> pd.DataFrame:
    """Columns t_s, which and share (%): running means, without those over too few outcomes."""
    window = running_window(found)
    pairs = ((found.covered, words.CALIBRATED), (found.covered_raw, words.RAW))
    frames = []
    for covered, which in pairs:
        inside = pd.Series(100 * covered[:, place])
        share = inside.rolling(window, min_periods=max(5, window // 2)).mean()
        frames.append(pd.DataFrame({"t_s": found.times_s, "which": which, "share": share}))
    return pd.concat(frames, ignore_index=True).dropna(subset=["share"])


def over_time_chart(found: Coverage, place: int, clock: Clock) -> alt.LayerChart:
    """The running share of outcomes inside the band over the tested part."""
    frame = with_time(over_time_frame(found, place), clock)
    window = Window(from_s=float(found.times_s[0]), to_s=float(found.times_s[-1]) + 1e-9)
    x = clock.axis(window.from_s, window.to_s)
    y = _axis(float(frame["share"].min()) if len(frame) else 50.0)
    lines = (
        alt.Chart(frame)
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(
            x=x, y=y,
            color=alt.Color("which:N", scale=alt.Scale(domain=_DOMAIN), legend=_LINES),
            strokeDash=alt.StrokeDash("which:N", scale=alt.Scale(domain=_DOMAIN,
                                      range=[[1, 0], [6, 3]]), legend=_LINES),
        )
    )  # fmt: skip
    keys = [key for key in ("time", "clock") if key in frame]
    wide = frame.pivot_table(index=keys, columns="which", values="share").reset_index()
    wide = wide.rename(columns={words.CALIBRATED: "calibrated", words.RAW: "raw"})
    tips = [
        alt.Tooltip(f"{key}:Q", title=f"{name} (%)", format=".0f")
        for key, name in (("calibrated", words.CALIBRATED), ("raw", words.RAW))
    ]
    return layered([*_promise(y), lines, hover(wide, x, [clock.tooltip, *tips])], HEIGHT)
