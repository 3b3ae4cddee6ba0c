"""Charts of a report as vector graphics that can be told apart in grey."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from engine.economics.model import Chart, Report
from engine.report.glyphs import printable
from engine.report.numbers import money
from engine.report.palette import COLORS, FAINT, INK, STYLES

HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo", "--", "**")
WIDTH_IN, HEIGHT_IN = 6.9, 2.5

_STYLE: Any = {
    "svg.fonttype": "path",
    "svg.hashsalt": "smartscale",  # else element names are random
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
}


def figures(report: Report) -> dict[str, str]:
    """SVG text of every chart, by key; equal reports give equal text."""
    made = {chart.key: _drawn(lambda axes, c=chart: _lines(axes, c)) for chart in report.charts}  # type: ignore[misc]
    made["components"] = _drawn(lambda axes: _components(axes, report))
    made["flows"] = _drawn(lambda axes: _flows(axes, report))
    if report.switch.tornado:
        made["tornado"] = _drawn(lambda axes: _tornado(axes, report))
    return made


def _drawn(draw: Callable[[Axes], None], height_in: float = HEIGHT_IN) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        axes = figure.subplots()
        axes.set_axisbelow(True)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _lines(axes: Axes, chart: Chart) -> None:
    span = max((series.hours[-1] for series in chart.series if series.hours), default=1.0)
    unit, length = ("days", 24.0) if span > 72 else ("hours", 1.0)
    for number, series in enumerate(chart.series):
        demand = series.name == "Demand"
        run = number - (chart.series[0].name == "Demand")
        values = [float("nan") if value is None else value for value in series.values]
        axes.plot(
            [hour / length for hour in series.hours],
            values,
            label=_short(series.name),
            color=INK if demand else COLORS[run % 6],
            linestyle="-" if demand else STYLES[run % 6][0],
            linewidth=0.7 if demand else 1.3,
        )
    if chart.limit is not None:
        axes.axhline(chart.limit, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.annotate(
            f"SLO {chart.limit:g} {chart.unit}", (1.0, chart.limit),
            xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7,
        )  # fmt: skip
    axes.set_xlim(0, span / length)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"Time since the start of the window ({unit})")
    axes.set_ylabel(f"{chart.title}\n({chart.unit})", fontsize=7)
    _legend(axes, len(chart.series))


def _legend(axes: Axes, entries: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(entries, 3), fontsize=7)


def _components(axes: Axes, report: Report) -> None:
    runs = report.runs[::-1]
    left = [0.0] * len(runs)
    shown = 0
    for number, line in enumerate(runs[0].components):
        values = [run.components[number].per_year for run in runs]
        if any(values):
            axes.barh(
                range(len(runs)), values, left=left, label=line.label,
                color=COLORS[shown % 6], hatch=HATCHES[shown % 9], edgecolor="white", height=0.6,
            )  # fmt: skip
            left = [start + value for start, value in zip(left, values, strict=True)]
            shown += 1
    axes.set_yticks(range(len(runs)), [_short(run.policy) for run in runs])
    axes.set_xlabel(f"First year ({report.identity.currency})")
    axes.xaxis.set_major_formatter(_money(report))
    axes.grid(visible=False, axis="y")
    _legend(axes, max(shown, 1))


def _flows(axes: Axes, report: Report) -> None:
    years = report.switch.years
    names = ["Today", *(f"Year {year.year}" for year in years[1:])]
    axes.bar(names, [year.flow for year in years], color=COLORS[0], width=0.55, label="Cash flow")
    axes.plot(
        names, [year.cumulated for year in years], color=COLORS[1], linestyle=STYLES[1][0],
        marker="o", markersize=3, linewidth=1.3, label="Cumulated, discounted",
    )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel(report.identity.currency)
    axes.yaxis.set_major_formatter(_money(report))
    axes.grid(visible=False, axis="x")
    _legend(axes, 2)


def _tornado(axes: Axes, report: Report) -> None:
    bars = report.switch.tornado[:8][::-1]
    middle = report.switch.npv
    names = [bar.label for bar in bars]
    for label, ends, color, hatch in (
        ("at the low end", [bar.at_low for bar in bars], COLORS[0], ""),
        ("at the high end", [bar.at_high for bar in bars], COLORS[1], "///"),
    ):
        axes.barh(
            names, [end - middle for end in ends], left=middle, color=color, hatch=hatch,
            edgecolor="white", height=0.6, label=label,
        )  # fmt: skip
    axes.axvline(middle, color=INK, linewidth=0.8)
    axes.set_xlabel(f"Net present value ({report.identity.currency})")
    axes.xaxis.set_major_formatter(_money(report))
    axes.grid(visible=False, axis="y")
    _legend(axes, 2)


def _money(report: Report) -> FuncFormatter:
    return FuncFormatter(lambda value, _: money(value, report.identity.currency))


def _short(name: str, most: int = 34) -> str:
    text = printable(name).replace("$", r"\$")  # else Matplotlib reads mathematics
    return text if len(text) <= most else f"{text[: most - 1]}…"
