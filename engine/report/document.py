"""A report as text, cards and tables, in the order in which it is read; print and screen share it.

Everything is text already; nothing downstream computes or rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.economics.assumptions import groups
from engine.economics.model import Report, RunFigures, Switch
from engine.economics.uncertainty import Interval
from engine.report.numbers import amount, exact, percent, plain, points


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One headline figure."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first column is text, the others as `numeric` says."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: bool = True
    strong: tuple[int, ...] = ()
    """Rows that are totals."""
    widths: tuple[float, ...] | None = None
    """Relative widths of the columns; None: as the text needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands below it."""

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    charts: tuple[str, ...] = ()
    """Keys of charts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    verdict: str
    warnings: tuple[str, ...]
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]
    footer: str
    dated: str


def document(report: Report) -> Document:
    """A report laid out."""
    identity = report.identity
    baseline, candidate = report.runs[0], report.runs[1]
    return Document(
        title="Cost and return of switching policy",
        subtitle=(
            f"{baseline.policy} to {candidate.policy} · trace {identity.trace_name} · "
            f"scenario {identity.scenario_name}"
        ),
        verdict=report.verdict,
        warnings=report.warnings,
        cards=_cards(report),
        sections=(
            _measured(report), _year(report), _flows(report), _matters(report), _carbon(report),
            _window(report), _decisions(report), _others(report), _assumptions(report),
            _method(report), _provenance(report),
        ),
        footer=(
            f"{identity.product} {identity.version} · runs {', '.join(identity.run_ids)} · "
            f"trace {identity.trace_id} · scenario {identity.scenario_hash}"
        ),
        dated=identity.dated,
    )  # fmt: skip


def _cards(report: Report) -> tuple[Card, ...]:
    switch, currency = report.switch, report.identity.currency
    before, after = report.runs[0], report.runs[1]
    return (
        Card(label="Savings per month", value=amount(switch.savings_per_month, currency),
             note=_range(switch.savings_per_month_both, currency)),
        Card(label="Payback", value=_months(switch), note=_sentence(switch.payback_note)),
        Card(label=f"Net present value, {len(switch.years) - 1} years",
             value=amount(switch.npv, currency), note=_range(switch.npv_interval, currency)),
        Card(label=f"Total cost, {len(switch.years) - 1} years",
             value=amount(switch.tco_candidate, currency),
             note=f"baseline {amount(switch.tco_baseline, currency)}"),
        Card(label="Avoided emissions", value=f"{plain(switch.avoided_kg_per_year)} kg",
             note=f"CO2e a year; {_plain_range(switch.avoided_kg_interval, 'kg')}"),
        Card(label="SLO attainment", value=percent(after.slo_attainment_frac),
             note=f"baseline {percent(before.slo_attainment_frac)}"),
    )  # fmt: skip


def _months(switch: Switch) -> str:
    if switch.payback_months is None:
        return "never"
    if switch.payback_months == 0:
        return "at once"
    if switch.payback_months < 1:
        return "under a month"
    return f"{switch.payback_months:.1f} months"


def _times(share: float | None) -> str:
    """A return as a percentage, or as a multiple where it is many times the money."""
    if share is None:
        return "none"
    return percent(share) if abs(share) < 10 else f"{plain(share)} times the money"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _range(found: Interval | None, currency: str) -> str:
    if found is None:
        return "no interval: one value only"
    return f"90 %: {amount(found.low, currency)} to {amount(found.high, currency)}"


def _plain_range(found: Interval | None, unit: str) -> str:
    return "" if found is None else f"90 %: {plain(found.low)} to {plain(found.high)} {unit}"


def _measured(report: Report) -> Section:
    runs, currency = report.runs, report.identity.currency
    lines = (
        ("SLO attainment", [percent(run.slo_attainment_frac) for run in runs]),
        ("Request latency p95", [f"{plain(run.p95_s)} s" for run in runs]),
        ("Failure rate", [percent(run.failure_frac) for run in runs]),
        ("Utilisation", [percent(run.utilisation_frac) for run in runs]),
        ("Requests arrived", [plain(run.requests_arrived) for run in runs]),
        ("Requests within the SLO", [plain(run.requests_met) for run in runs]),
        ("Cost of the window", [amount(run.window_cost, currency) for run in runs]),
    )
    return Section(
        title="What the replay measured",
        text=f"{_duration(report)} of the trace, every request simulated under each policy.",
        tables=(
            Table(head=_heads(runs, ""), rows=tuple((name, *cells) for name, cells in lines)),
        ),
        charts=("capacity", "latency"),
    )


def _duration(report: Report) -> str:
    hours = (report.identity.window_to_s - report.identity.window_from_s) / 3600.0
    start = f" from {report.identity.window_start}" if report.identity.window_start else ""
    return f"{plain(hours)} hours{start}"


def _heads(runs: Sequence[RunFigures], first: str) -> tuple[str, ...]:
    return (first, *(f"{run.policy}{' (baseline)' * (run.role == 'baseline')}" for run in runs))


def _year(report: Report) -> Section:
    runs, currency = report.runs, report.identity.currency
    rows = [
        (line.label, *(amount(run.components[number].per_year, currency) for run in runs))
        for number, line in enumerate(runs[0].components)
        if any(run.components[number].per_year for run in runs)
    ]
    totals = (
        ("First year", [amount(run.per_year, currency) for run in runs]),
        ("Per month", [amount(run.per_month, currency) for run in runs]),
        ("Per 1,000 requests within the SLO", [amount(r.per_1000_met, currency) for r in runs]),
        ("Per request", [amount(run.per_request, currency) for run in runs]),
        ("Per session", [amount(run.per_session, currency) for run in runs]),
        ("Capital, today", [amount(run.capex, currency) for run in runs]),
        ("Total cost of ownership", [amount(run.tco, currency) for run in runs]),
    )
    shown = [
        (name, *cells) for name, cells in totals
        if name != "Per session" or any(run.per_session is not None for run in runs)
    ]  # fmt: skip
    return Section(
        title="A year's cost by component",
        text=f"In {currency}, prices of {report.identity.price_date}. Components of 0 are left "
        "out. " + ("Rented machines: energy is in their price." if report.mode == "rented" else
                   "Owned machines: bought as capital, energy paid for."),
        tables=(Table(head=_heads(runs, ""), rows=(*rows, *shown), strong=(len(rows),)),),
        charts=("components",),
    )  # fmt: skip


def _flows(report: Report) -> Section:
    switch, currency = report.switch, report.identity.currency
    rows = tuple(
        (
            "Today" if year.year == 0 else f"Year {year.year}",
            *(amount(value, currency) for value in (
                year.baseline, year.candidate, year.flow, year.discounted, year.cumulated
            )),
        )
        for year in switch.years
    )  # fmt: skip
    facts = (
        ("Net present value", amount(switch.npv, currency), _range(switch.npv_interval, currency)),
        ("Internal rate of return", switch.irr_note, ""),
        ("Payback", _months(switch), switch.payback_note),
        ("Return on investment", _times(switch.roi),
         "" if switch.roi is not None else "nothing is invested"),
        ("Chance that it pays", percent(switch.probability_pays), "share of all draws"),
        ("One more point of SLO attainment", amount(switch.cost_per_slo_point, currency)
         if switch.cost_per_slo_point is not None else "none", switch.slo_point_note),
    )  # fmt: skip
    return Section(
        title="Cash flows of switching",
        tables=(
            Table(
                head=("", "Baseline", "Candidate", "Flow", "Discounted", "Cumulated"), rows=rows
            ),
            Table(head=("Figure", "Value", "Note"), rows=facts, numeric=False),
        ),
        charts=("flows",),
    )


def _matters(report: Report) -> Section:
    switch, currency = report.switch, report.identity.currency
    tornado = tuple(
        (
            bar.label, f"{exact(bar.low)} to {exact(bar.high)} {bar.unit}",
            amount(bar.at_low, currency), amount(bar.at_high, currency),
        )
        for bar in switch.tornado
    )  # fmt: skip
    even = tuple(
        (
            entry.label, exact(entry.assumed),
            "none" if entry.value is None else f"{plain(entry.value)} {entry.unit}", entry.note,
        )
        for entry in switch.break_even
    )  # fmt: skip
    return Section(
        title="What matters most",
        text="Net present value with one assumption at either end of its range, the others as "
        "assumed; and the value of each at which switching neither pays nor costs.",
        tables=(
            Table(head=("Assumption", "Range", "NPV at low", "NPV at high"), rows=tornado),
            Table(head=("Assumption", "Assumed", "Breaks even at", "Meaning"), rows=even,
                  numeric=False, widths=(2.2, 1.1, 2.2, 3.5)),
        ),
        charts=("tornado",),
    )  # fmt: skip


def _carbon(report: Report) -> Section:
    runs = report.runs
    lines = (
        ("Energy, kWh a year", [plain(run.energy_kwh_per_year) for run in runs]),
        (
            "Operational, kg CO2e a year (scope 2)",
            [plain(r.operational_kg_per_year) for r in runs],
        ),
        ("Embodied, kg CO2e a year (scope 3)", [plain(run.embodied_kg_per_year) for run in runs]),
        ("Together, kg CO2e a year", [plain(run.carbon_kg_per_year) for run in runs]),
        ("SCI, g CO2e per request", [plain(run.sci_g_per_request) for run in runs]),
    )
    return Section(
        title="Energy and carbon",
        text="Estimated from provisioned and busy hours with the assumptions on power and grid, "
        "not metered.",
        tables=(Table(head=_heads(runs, ""), rows=tuple((name, *cells) for name, cells in lines),
                      strong=(3,)),),
    )  # fmt: skip


def _window(_: Report) -> Section:
    return Section(title="Cost over the window", charts=("cost",))


def _decisions(report: Report) -> Section:
    name = report.switch.policy
    rows = tuple(
        (
            f"{plain(made.at_h)} h", made.pool, plain(made.before), plain(made.after),
            plain(made.proposed), made.reason.replace("_", " "),
        )
        for made in report.decisions
    )  # fmt: skip
    head = ("Time", "Pool", "Workers before", "After", "Proposed", "Bound by")
    return Section(
        title="Largest decisions",
        text=f"Where {name} changed capacity most, in order of time since the window's start."
        if rows
        else f"{name} never changed capacity.",
        tables=(Table(head=head, rows=rows, numeric=False),) if rows else (),
    )


def _others(report: Report) -> Section:
    currency = report.identity.currency
    rows = tuple(
        (
            switch.policy, amount(switch.savings_per_month, currency), _months(switch),
            amount(switch.npv, currency), points(switch.slo_points),
            f"{plain(switch.avoided_kg_per_year)} kg",
        )
        for switch in (report.switch, *report.others)
    )  # fmt: skip
    head = ("Policy", "Savings per month", "Payback", "NPV", "SLO attainment", "Avoided a year")
    return Section(title="All runs against the baseline", tables=(Table(head=head, rows=rows),))


def _assumptions(report: Report) -> Section:
    tables = []
    for group, entries in groups(report.assumptions).items():
        rows = tuple(
            (entry.label, exact(entry.value), entry.unit, _span(entry.low, entry.high),
             entry.source)
            for entry in entries
        )  # fmt: skip
        tables.append(
            Table(head=(group, "Value", "Unit", "Range", "Source"), rows=rows, numeric=False,
                  widths=(2.6, 1.2, 2.0, 1.8, 3.4))
        )  # fmt: skip
    return Section(
        title="Assumptions",
        text="What the replay did not measure. Ranges feed the intervals; prices are of "
        f"{report.identity.price_date}.",
        tables=tuple(tables),
    )


def _span(low: float, high: float) -> str:
    return "certain" if low == high else f"{exact(low)} to {exact(high)}"


def _method(report: Report) -> Section:
    terms = [(term.term, term.text) for term in report.method]
    glossary = [(term.term, term.text) for term in report.glossary]
    return Section(
        title="Method and glossary",
        tables=tuple(
            Table(head=(head, ""), rows=tuple(rows), numeric=False, widths=(1.3, 5.0))
            for head, rows in (("Method", terms), ("Glossary", glossary))
        ),
    )


def _provenance(report: Report) -> Section:
    identity = report.identity
    rows = (
        ("Product", f"{identity.product} {identity.version}"),
        ("Baseline run", identity.baseline_id),
        ("Candidate run", identity.candidate_id),
        ("All runs", ", ".join(identity.run_ids)),
        ("Trace", f"{identity.trace_name} ({identity.trace_id})"),
        ("Scenario", f"{identity.scenario_name} ({identity.scenario_hash})"),
        ("Code version", ", ".join(identity.code_versions)),
        ("Window", _duration(report)),
        ("Date", f"{identity.dated}, the day of the newest run"),
    )
    return Section(
        title="Where this comes from",
        text="The same runs and assumptions give the same file, byte for byte.",
        tables=(Table(head=("What", "Value"), rows=rows, numeric=False, widths=(1.3, 5.0)),),
    )
