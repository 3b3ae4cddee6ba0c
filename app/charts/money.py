"""Charts of a cost and return report: cash flows, components of a year, what matters most."""

import altair as alt
import pandas as pd

from app.charts.base import HEIGHT, layered
from engine.economics.model import Report, RunFigures
from engine.report.numbers import money

FLOW, CUMULATED = "Cash flow", "Cumulated, discounted"
AT_LOW, AT_HIGH = "at the low end", "at the high end"
BARS_MAX = 8
BAR_PX = 34


def flows(report: Report) -> alt.LayerChart:
    """What switching costs today and brings every year."""
    currency = report.identity.currency
    frame = pd.DataFrame(
        [
            {
                "when": "Today" if year.year == 0 else f"Year {year.year}",
                "flow": year.flow,
                "cumulated": year.cumulated,
                "told": money(year.flow, currency),
                "total": money(year.cumulated, currency),
            }
            for year in report.switch.years
        ]
    )
    x = alt.X("when:N", sort=list(frame["when"]), title=None, axis=alt.Axis(labelAngle=0))
    colors = alt.Scale(domain=[FLOW, CUMULATED])
    legend = alt.Legend(title=None, orient="top")
    tips = [
        alt.Tooltip("when:N", title="When"),
        alt.Tooltip("told:N", title=FLOW),
        alt.Tooltip("total:N", title=CUMULATED),
    ]
    y = alt.Axis(format="~s")
    bars = (
        alt.Chart(frame.assign(series=FLOW))
        .mark_bar(width={"band": 0.5})
        .encode(
            x=x,
            y=alt.Y("flow:Q", title=f"Cash flow ({currency})", axis=y),
            color=alt.Color("series:N", scale=colors, legend=legend),
            tooltip=tips,
        )
    )
    line = (
        alt.Chart(frame.assign(series=CUMULATED))
        .mark_line(point=True, strokeDash=[6, 3])
        .encode(
            x=x,
            y=alt.Y("cumulated:Q", axis=y),
            color=alt.Color("series:N", scale=colors, legend=legend),
            tooltip=tips,
        )
    )
    return layered([bars, line])


def components(report: Report) -> alt.LayerChart:
    """First year of every run by component."""
    currency = report.identity.currency
    frame = pd.DataFrame(
        [
            {
                "run": _named(run),
                "component": line.label,
                "cost": line.per_year,
                "told": money(line.per_year, currency),
            }
            for run in report.runs
            for line in run.components
            if any(other.components[_place(run, line.key)].per_year for other in report.runs)
        ]
    )
    bars = (
        alt.Chart(frame)
        .mark_bar(height={"band": 0.6})
        .encode(
            y=alt.Y("run:N", sort=[_named(run) for run in report.runs], title=None,
                    axis=alt.Axis(labelLimit=260)),
            x=alt.X("cost:Q", title=f"First year ({currency})", axis=alt.Axis(format="~s")),
            color=alt.Color("component:N", sort=list(dict.fromkeys(frame["component"])),
                            legend=alt.Legend(title=None, orient="top")),
            tooltip=[
                alt.Tooltip("run:N", title="Run"),
                alt.Tooltip("component:N", title="Component"),
                alt.Tooltip("told:N", title="First year"),
            ],
        )
    )  # fmt: skip
    return layered([bars], 60 + BAR_PX * len(report.runs))


def _place(run: RunFigures, key: str) -> int:
    return [line.key for line in run.components].index(key)


def _named(run: RunFigures) -> str:
    return f"{run.policy} (baseline)" if run.role == "baseline" else run.policy


def tornado(report: Report) -> alt.LayerChart:
    """Net present value with one assumption at either end of its range."""
    currency, middle = report.identity.currency, report.switch.npv
    frame = pd.DataFrame(
        [
            {
                "assumption": bar.label,
                "end": end,
                "from": middle,
                "to": value,
                "told": money(value, currency),
                "at": f"{at:g} {bar.unit}",
            }
            for bar in report.switch.tornado[:BARS_MAX]
            for end, at, value in (
                (AT_LOW, bar.low, bar.at_low),
                (AT_HIGH, bar.high, bar.at_high),
            )
        ]
    )
    bars = (
        alt.Chart(frame)
        .mark_bar(height={"band": 0.6})
        .encode(
            y=alt.Y("assumption:N", sort=list(dict.fromkeys(frame["assumption"])), title=None,
                    axis=alt.Axis(labelLimit=220)),
            x=alt.X("from:Q", title=f"Net present value ({currency})",
                    axis=alt.Axis(format="~s"), scale=alt.Scale(zero=False)),
            x2="to:Q",
            color=alt.Color("end:N", sort=[AT_LOW, AT_HIGH],
                            legend=alt.Legend(title=None, orient="top")),
            tooltip=[
                alt.Tooltip("assumption:N", title="Assumption"),
                alt.Tooltip("at:N", title="With"),
                alt.Tooltip("told:N", title="Net present value"),
            ],
        )
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"at": [middle]})).mark_rule().encode(x="at:Q")
    return layered([bars, rule], max(HEIGHT - 60, 60 + BAR_PX * (len(frame) // 2)))
