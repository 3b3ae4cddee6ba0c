"""A report as text, cards and tables, in the order in which it is read; print and screen share it.

Everything is text already; nothing downstream computes or rounds.
"""

from engine.economics.model import Report
from engine.report import phrases, sections
from engine.report.numbers import amount, percent, plain
from engine.report.pieces import Card, Document


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
            sections.measured(report), sections.year(report), sections.flows(report),
            sections.sure(report), sections.matters(report), sections.carbon(report),
            sections.window(report), sections.decisions(report), sections.others(report),
            *sections.reviews(report),
            sections.assumptions(report), sections.method(report), sections.provenance(report),
        ),
        footer=(
            f"{identity.product} {identity.version} · runs {', '.join(identity.run_ids)} · "
            f"trace {identity.trace_id} · "
            f"scenario {', '.join(dict.fromkeys(identity.scenario_hashes))}"
        ),
        dated=identity.dated,
    )  # fmt: skip


def _cards(report: Report) -> tuple[Card, ...]:
    switch, currency = report.switch, report.identity.currency
    before, after = report.runs[0], report.runs[1]
    return (
        Card(label="Savings per month", value=amount(switch.savings_per_month, currency),
             note=phrases.money_range(switch.savings_per_month_both, currency)),
        Card(label="Payback", value=switch.payback_text,
             note=phrases.sentence(switch.payback_note)),
        Card(label=f"Net present value, {len(switch.years) - 1} years",
             value=amount(switch.npv, currency),
             note=phrases.money_range(switch.npv_interval, currency)),
        Card(label=f"Total cost, {len(switch.years) - 1} years",
             value=amount(switch.tco_candidate, currency),
             note=f"{phrases.money_range(switch.tco_interval, currency)}; "
             f"baseline {amount(switch.tco_baseline, currency)}"),
        Card(label="Avoided emissions", value=f"{plain(switch.avoided_kg_per_year)} kg",
             note=f"CO2e a year; {phrases.plain_range(switch.avoided_kg_interval, 'kg')}"),
        Card(label="SLO attainment", value=percent(after.slo_attainment_frac),
             note=f"baseline {percent(before.slo_attainment_frac)}"),
    )  # fmt: skip
