"""The report as one file for the browser: opens offline, charts answer the pointer.

The chart library is plotly.js, taken as text from the installed Plotly package; no Python of it
is imported, and the page asks no other machine for anything.
"""

import html as escaping
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from engine.economics.model import Chart, Report
from engine.errors import UsageError
from engine.report.document import document
from engine.report.palette import COLORS, STYLES
from engine.report.pieces import Document, Section, Table

TEMPLATE = Path(__file__).with_name("report.html")
MARK = re.compile("@@(title|body|charts|plotly)@@")
"""Places in the template, filled in one pass: what is put in is never searched."""


def html(report: Report) -> bytes:
    """A self-contained page; equal reports give equal bytes."""
    text = document(report)
    charts = _charts(report)
    page = TEMPLATE.read_text("utf-8")
    parts = {
        "title": escaping.escape(f"{text.title}: {text.subtitle}"),
        "body": _body(text, charts),
        "charts": json.dumps(charts, ensure_ascii=False).replace("</", "<\\/"),
        "plotly": _plotly().replace("</script", "<\\/script"),
    }
    return MARK.sub(lambda found: parts[found.group(1)], page).encode()


def _plotly() -> str:
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path.read_text("utf-8")
    raise UsageError(
        "the Plotly package holds no plotly.min.js", "HTML report", "Install SmartScale again"
    )


def _body(text: Document, charts: dict[str, Any]) -> str:
    cards = "".join(
        f"<li><span>{_e(card.label)}</span><strong>{_e(card.value)}</strong>"
        f"<small>{_e(card.note)}</small></li>"
        for card in text.cards
    )
    warnings = "".join(f"<p class=warning><b>Read first:</b> {_e(w)}</p>" for w in text.warnings)
    sections = "".join(_section(section, charts) for section in text.sections)
    return (
        f"<header><p class=dated>{_e(text.dated)}</p><h1>{_e(text.title)}</h1>"
        f"<p class=subtitle>{_e(text.subtitle)}</p></header>"
        f"<p class=verdict>{_e(text.verdict)}</p>{warnings}<ul class=cards>{cards}</ul>"
        f"{sections}<footer>{_e(text.footer)}</footer>"
    )


def _section(section: Section, charts: dict[str, Any]) -> str:
    drawn = "".join(
        f'<div class=chart id="chart-{_e(key)}" role=img aria-label="{_e(section.title)}"></div>'
        for key in section.charts
        if key in charts
    )
    tables = "".join(_table(table) for table in section.tables)
    text = f"<p>{_e(section.text)}</p>" if section.text else ""
    return f"<section><h2>{_e(section.title)}</h2>{text}{drawn}{tables}</section>"


def _table(table: Table) -> str:
    head = "".join(f"<th scope=col>{_e(name)}</th>" for name in table.head)
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(
            f"<th scope=row>{_e(cell)}</th>" if column == 0 else f"<td>{_e(cell)}</td>"
            for column, cell in enumerate(row)
        )
        rows.append(f"<tr{' class=total' if number in table.strong else ''}>{cells}</tr>")
    kind = "numbers" if table.numeric else "words"
    body = "".join(rows)
    return (
        f"<div class=scroll><table class={kind}><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _e(text: str) -> str:
    return escaping.escape(text)


def _charts(report: Report) -> dict[str, Any]:
    """Plotly figures as plain data, by key."""
    made = {chart.key: _lines(chart) for chart in report.charts}
    currency = report.identity.currency
    made["components"] = {
        "data": [
            {"type": "bar", "orientation": "h", "name": line.label,
             "y": [run.policy for run in report.runs[::-1]],
             "x": [run.components[number].per_year for run in report.runs[::-1]],
             "marker": {"color": COLORS[number % 6]}}
            for number, line in enumerate(report.runs[0].components)
            if any(run.components[number].per_year for run in report.runs)
        ],
        "layout": {"barmode": "stack", "xaxis": {"title": {"text": f"First year ({currency})"}},
                   "yaxis": {"automargin": True}},
    }  # fmt: skip
    years = report.switch.years
    names = ["Today", *(f"Year {year.year}" for year in years[1:])]
    made["flows"] = {
        "data": [
            {"type": "bar", "name": "Cash flow", "x": names, "y": [year.flow for year in years],
             "marker": {"color": COLORS[0]}},
            {"type": "scatter", "name": "Cumulated, discounted", "x": names,
             "y": [year.cumulated for year in years],
             "line": {"color": COLORS[1], "dash": "dash"}},
        ],
        "layout": {"yaxis": {"title": {"text": currency}}},
    }  # fmt: skip
    if report.switch.tornado:
        made["tornado"] = _tornado(report)
    return made


def _lines(chart: Chart) -> dict[str, Any]:
    data = []
    for number, series in enumerate(chart.series):
        demand = series.name == "Demand"
        run = (number - (chart.series[0].name == "Demand")) % 6
        line = {"width": 1, "color": "#6B7280"} if demand else {
            "width": 2, "color": COLORS[run], "dash": STYLES[run][1]
        }  # fmt: skip
        data.append(
            {"type": "scatter", "mode": "lines", "name": series.name, "line": line,
             "x": list(series.hours), "y": list(series.values)}
        )  # fmt: skip
    layout: dict[str, Any] = {
        "title": {"text": chart.title},
        "xaxis": {"title": {"text": "Hours since the start of the window"}},
        "yaxis": {"title": {"text": chart.unit}, "rangemode": "tozero"},
        "hovermode": "x unified",
    }
    if chart.limit is not None:
        layout["shapes"] = [
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": chart.limit,
             "y1": chart.limit, "line": {"dash": "dot", "width": 1, "color": "#6B7280"}}
        ]  # fmt: skip
        layout["annotations"] = [
            {"text": f"SLO {chart.limit:g} {chart.unit}", "xref": "paper", "x": 1,
             "xanchor": "right", "y": chart.limit, "yanchor": "bottom", "showarrow": False}
        ]  # fmt: skip
    return {"data": data, "layout": layout}


def _tornado(report: Report) -> dict[str, Any]:
    bars, middle = report.switch.tornado[::-1], report.switch.npv
    title = f"Net present value ({report.identity.currency})"
    return {
        "data": [
            {"type": "bar", "orientation": "h", "name": name, "base": middle,
             "y": [bar.label for bar in bars],
             "x": [getattr(bar, end) - middle for bar in bars],
             "customdata": [getattr(bar, end) for bar in bars],
             "hovertemplate": "%{y}: %{customdata:,.0f}<extra></extra>",
             "marker": {"color": color}}
            for name, end, color in (
                ("at the low end", "at_low", COLORS[0]), ("at the high end", "at_high", COLORS[1])
            )
        ],
        "layout": {"barmode": "overlay", "yaxis": {"automargin": True},
                   "xaxis": {"title": {"text": title}}},
    }  # fmt: skip
