"""The sections of a report, each from the report's data to text and tables."""

from collections.abc import Sequence

from engine.economics import wording
from engine.economics.assumptions import Assumption, groups
from engine.economics.model import Report, RunFigures
from engine.economics.uncertainty import Interval
from engine.report import phrases
from engine.report.numbers import amount, exact, percent, plain, points
from engine.report.pieces import Section, Table


def measured(report: Report) -> Section:
    """What each run met in the window."""
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
    return f"{wording.duration(hours)}{start}"


def _heads(runs: Sequence[RunFigures], first: str) -> tuple[str, ...]:
    return (first, *(f"{run.policy}{' (baseline)' * (run.role == 'baseline')}" for run in runs))


def year(report: Report) -> Section:
    """A year of each run by component."""
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


def flows(report: Report) -> Section:
    """Year by year, and what follows from it."""
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
        ("Net present value", amount(switch.npv, currency),
         phrases.money_range(switch.npv_interval, currency)),
        ("Internal rate of return", switch.irr_note, ""),
        ("Payback", switch.payback_text, switch.payback_note),
        ("Return on investment", phrases.times(switch.roi),
         "" if switch.roi is not None else "nothing is invested"),
        *([("Chance that it pays", percent(switch.probability_pays), "share of all draws")]
          if switch.probability_pays is not None else []),
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


def sure(report: Report) -> Section:
    """Every interval with what it comes from, side by side."""
    switch, currency = report.switch, report.identity.currency
    years = len(switch.years) - 1
    drawn = (
        ("Savings per month", switch.savings_per_month,
         (("window", switch.savings_per_month_window), ("seeds", switch.savings_per_month_seeds),
          ("all", switch.savings_per_month_both))),
        ("Net present value", switch.npv,
         (("window", switch.npv_interval_window), ("seeds", switch.npv_interval_seeds),
          ("all", switch.npv_interval))),
        (f"Total cost, {years} years, candidate", switch.tco_candidate,
         (("all", switch.tco_interval),)),
        (f"Total cost, {years} years, baseline", switch.tco_baseline,
         (("all", switch.tco_baseline_interval),)),
    )  # fmt: skip
    rows = [
        (figure, amount(value, currency), *_ends(found, currency, source))
        for figure, value, intervals in drawn
        for source, found in intervals
    ]
    return Section(
        title="How sure this is",
        text="Intervals hold 90 % of the draws; for seeds they are t intervals of their mean. "
        "What is not drawn, such as the prices of the scenario, is in none of them.",
        tables=(
            Table(head=("Figure", "Value", "Low", "High", "From"), rows=tuple(rows),
                  numeric=False, widths=(2.6, 1.2, 1.2, 1.2, 2.6)),
        ),
    )  # fmt: skip


_UNKNOWN = {
    "window": "window resampled: not known, it is too short",
    "seeds": "seeds: not known, fewer than three are stored",
    "all": "not known",
}


def _ends(found: Interval | None, currency: str, source: str) -> tuple[str, str, str]:
    if found is None:
        return ("", "", _UNKNOWN[source])
    return (amount(found.low, currency), amount(found.high, currency), found.note)


def matters(report: Report) -> Section:
    """The assumptions by what they move."""
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


def carbon(report: Report) -> Section:
    """Energy and emissions of a year."""
    runs = report.runs
    lines = (
        ("Energy, kWh a year", [plain(run.energy_kwh_per_year) for run in runs]),
        (
            f"Operational, kg CO2e a year ({wording.scope(report.mode)})",
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


def window(_: Report) -> Section:
    """What the window cost, hour by hour."""
    return Section(title="Cost over the window", charts=("cost",))


def reviews(report: Report) -> tuple[Section, ...]:
    """What readers had to say; no section where nobody did."""
    rows = tuple((review.by, review.text) for review in report.reviews)
    table = Table(head=("Reviewer", "Review"), rows=rows, numeric=False, widths=(1.3, 5.0))
    return (Section(title="Reviews", tables=(table,)),) if rows else ()


def decisions(report: Report) -> Section:
    """The candidate's largest changes of capacity."""
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


def others(report: Report) -> Section:
    """Every run against the baseline."""
    currency = report.identity.currency
    rows = tuple(
        (
            switch.policy, amount(switch.savings_per_month, currency), switch.payback_text,
            amount(switch.npv, currency), points(switch.slo_points),
            f"{plain(switch.avoided_kg_per_year)} kg",
        )
        for switch in (report.switch, *report.others)
    )  # fmt: skip
    head = ("Policy", "Savings per month", "Payback", "NPV", "SLO attainment", "Avoided a year")
    return Section(title="All runs against the baseline", tables=(Table(head=head, rows=rows),))


def assumptions(report: Report) -> Section:
    """All of them by group."""
    tables = []
    for group, entries in groups(report.assumptions).items():
        rows = tuple(
            (entry.label, _value(entry), entry.unit, _span(entry.low, entry.high),
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
        f"{report.identity.price_date}. What was changed has its default beside it.",
        tables=tuple(tables),
    )


def _value(entry: Assumption) -> str:
    if entry.default is None:
        return exact(entry.value)
    return f"{exact(entry.value)} (default {exact(entry.default)})"


def _span(low: float, high: float) -> str:
    return "certain" if low == high else f"{exact(low)} to {exact(high)}"


def method(report: Report) -> Section:
    """How it was computed, and its words."""
    terms = [(term.term, term.text) for term in report.method]
    glossary = [(term.term, term.text) for term in report.glossary]
    return Section(
        title="Method and glossary",
        tables=tuple(
            Table(head=(head, ""), rows=tuple(rows), numeric=False, widths=(1.3, 5.0))
            for head, rows in (("Method", terms), ("Glossary", glossary))
        ),
    )


def provenance(report: Report) -> Section:
    """What to keep to make it again."""
    identity = report.identity
    hashes = dict.fromkeys(identity.scenario_hashes)
    rows = (
        ("Product", f"{identity.product} {identity.version}"),
        ("Baseline run", identity.baseline_id),
        ("Candidate run", identity.candidate_id),
        ("All runs", ", ".join(identity.run_ids)),
        ("Runs of other seeds", ", ".join(identity.seed_run_ids) or "none stored"),
        ("Trace", f"{identity.trace_name} ({identity.trace_id})"),
        ("Scenario", f"{identity.scenario_name} ({', '.join(hashes)})"),
        ("Code version", ", ".join(identity.code_versions)),
        ("Window", _duration(report)),
        ("Date", f"{identity.dated}, the day of the newest run"),
    )
    return Section(
        title="Where this comes from",
        text="The same runs, the same runs of other seeds and the same assumptions give the same "
        "file, byte for byte. A seed that is stored later becomes part of the intervals, and of "
        "this list.",
        tables=(Table(head=("What", "Value"), rows=rows, numeric=False, widths=(1.3, 5.0)),),
    )
