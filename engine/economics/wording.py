"""Sentences of a report: the verdict, paybacks and rates, the method and the glossary."""

from collections.abc import Sequence
from itertools import pairwise

from engine.economics.assumptions import CostMode
from engine.economics.model import RunFigures, Switch, Term
from engine.economics.uncertainty import Bar, Interval

DAY_H = 24.0
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def money(value: float, currency: str) -> str:
    """An amount to read: $1.24 M, $56,400, $12.30, $0.0042; a minus in front where negative."""
    size = abs(value)
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    sign = "−" if value < 0 else ""
    if size >= 10_000_000:
        return f"{sign}{symbol}{size / 1e6:,.1f} M"
    if size >= 1_000_000:
        return f"{sign}{symbol}{size / 1e6:,.2f} M"
    if size >= 1000:
        return f"{sign}{symbol}{size:,.0f}"
    if size >= 0.1 or size == 0:
        return f"{sign}{symbol}{size:,.2f}"
    return f"{sign}{symbol}{size:.2g}"


def duration(hours: float) -> str:
    """A length of time to read: 5 s, 58.5 min, 3.2 hours, 7 days."""
    for unit, size, least in (("days", DAY_H, 48.0), ("hours", 1.0, 2.0), ("min", 1 / 60, 1 / 30)):
        if hours >= least:
            return f"{_digits(hours / size)} {unit}"
    return f"{_digits(hours * 3600)} s"


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def scope(mode: CostMode | str) -> str:
    """Where electricity stands in the GHG protocol: a tenant's is the provider's scope 2."""
    return "scope 2" if mode == CostMode.OWNED else "scope 3"


def verdict(baseline: RunFigures, candidate: RunFigures, switch: Switch, currency: str) -> str:
    """One sentence: what switching brings, over what time, at what service, how sure."""
    years = switch.years[-1].year
    value = f"has a net present value of {money(_cents(switch.npv), currency)}"
    return (
        f"Switching from {baseline.policy} to {switch.policy} {_monthly(switch, currency)}, "
        f"{switch.payback_note}, {value} over {years} year{'s' * (years != 1)}, and "
        f"{_service(baseline, candidate)}; the largest uncertainty is {switch.largest_note}."
    )


def _monthly(switch: Switch, currency: str) -> str:
    savings = _cents(switch.savings_per_month)
    if savings == 0:
        return f"costs the same{_range(switch, currency)}"
    what, more = ("saves", "") if savings > 0 else ("costs", " more")
    return f"{what} {money(abs(savings), currency)}{more} a month{_range(switch, currency)}"


def _cents(value: float) -> float:
    """Nothing where it is less than half a cent: that is rounding, not money."""
    return 0.0 if abs(value) < 0.005 else value


def _range(switch: Switch, currency: str) -> str:
    found = switch.savings_per_month_both
    if found is None:
        return ""
    low, high = _cents(found.low), _cents(found.high)
    if switch.savings_per_month < 0:
        low, high = -high, -low
    if low == high == 0:
        return ""
    return f" (90 % interval {money(low, currency)} to {money(high, currency)})"


def least_points(promise_frac: float) -> float:
    """Smaller differences of attainment mean nothing: a tenth of what may fail, in points."""
    return 100.0 * 0.1 * (1.0 - promise_frac)


def _service(baseline: RunFigures, candidate: RunFigures) -> str:
    before, after = baseline.slo_attainment_frac, candidate.slo_attainment_frac
    if before is None or after is None:
        return "its service was not measured"
    points = 100.0 * (after - before)
    promise = max(baseline.totals["promise_frac"], candidate.totals["promise_frac"])
    if points and abs(points) >= least_points(promise):
        direction = "raises" if points > 0 else "lowers"
        shown = f"{abs(points):.1f}" if abs(points) >= 1 else f"{abs(points):.2g}"
        return f"{direction} SLO attainment by {shown} points"
    broken = [run.totals["violations"] for run in (baseline, candidate)]
    difference = abs(broken[1] - broken[0])
    if difference >= 0.5 and difference > 0.1 * max(broken):
        theirs, ours = (
            f"{number / run.totals['hours']:.2g}"
            for number, run in zip(broken, (baseline, candidate), strict=True)
        )
        return (
            f"serves about as many requests in time, with {ours} SLO violations an hour instead "
            f"of {theirs}"
        )
    return "serves users equally well"


def largest(
    bar: Bar | None, window: Interval | None, seeds: Interval | None, currency: str
) -> tuple[str, str]:
    """What the net present value is most uncertain by: its key, and words.

    An assumption counts with half the swing over its range, window and seeds with half the width
    of their interval.
    """
    found = []
    for part, key, what in (
        (window, "window", "the choice of the window"),
        (seeds, "seeds", "chance"),
    ):
        if part is not None and part.high - part.low >= 0.01:
            ends = f"{money(part.low, currency)} to {money(part.high, currency)}"
            words = f"{what} ({part.note}: net present value {ends})"
            found.append(((part.high - part.low) / 2, key, words))
    if bar is not None:
        words = f"{bar.label.lower()} ({_plain(bar.low)} to {_plain(bar.high)} {bar.unit})"
        found.append((bar.swing / 2, bar.key, words))
    if not found:
        return "", "not among the assumptions, all of which are taken as certain"
    return max(found)[1:]


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def payback(months: float | None, flows: Sequence[float]) -> str:
    """Payback in words, also where there is none."""
    today, later = flows[0], sum(flows[1:])
    if not any(flows):
        return "changes no cash flow"
    if months is None and today > 0 and later < 0:
        less = "less" if today + later >= 0 else "more"
        return f"brings money today and costs {less} than that later"
    if months is None and later <= 0:
        return "never pays back because it saves nothing"
    if months is None:
        return "does not pay back within the horizon"
    if months == 0:
        return "pays from the first day because nothing has to be invested"
    if months < 1:
        return "pays back within the first month"
    return f"pays back in {months:.1f} months"


def payback_text(months: float | None, flows: Sequence[float]) -> str:
    """The value of payback, to show on its own."""
    if months is None:
        return "no investment" if flows[0] > 0 and sum(flows[1:]) < 0 else "never"
    if months == 0:
        return "at once"
    return "under a month" if months < 1 else f"{months:.1f} months"


def irr_note(rate: float | None, flows: Sequence[float]) -> str:
    """Internal rate of return in words, also where there is none."""
    if rate is not None:
        if rate > 10:
            return f"{1 + rate:,.0f} times the money, a year"
        return f"{100 * rate:.1f} % a year"
    signs = [flow > 0 for flow in flows if flow != 0]
    changes = sum(a != b for a, b in pairwise(signs))
    if not signs or all(signs):
        return "none: nothing is invested"
    if not any(signs):
        return "none: it never brings anything"
    if changes > 1:
        return "none: the flows change sign more than once"
    if signs[0]:
        return "none: it brings money first and costs later"
    return "none: beyond any rate that could be meant"


def slo_point(value: float | None, points: float | None, saves: bool, least: float) -> str:
    """The price of one more point of attainment, in words."""
    if points is None:
        return "not measured"
    if points == 0:
        return "both serve equally well"
    if abs(points) < least:
        return f"{abs(points):.2g} points of difference are too few to put a price on"
    if value is None:
        return "nothing: the one that serves better is not dearer"
    return "yearly cost of one more point" if not saves else "yearly savings a point given up"


def method(
    hours: float, block_h: float | None, draws: int, mode: CostMode, closed_loop: bool
) -> tuple[Term, ...]:
    """How the figures were made."""
    met = (
        "with the same sessions and the same work; a session's next request comes when the one "
        "before is answered, so arrivals differ between runs"
        if closed_loop
        else "with the same arrivals and the same work"
    )
    whose = (
        f"{scope(mode)}, location-based"
        if mode is CostMode.OWNED
        else f"{scope(mode)} of who rents, scope 2 of the provider, location-based"
    )
    how = (
        "too few hours to resample; only the assumptions are drawn"
        if block_h is None
        else f"{'days' if block_h > 1 else 'hours'} of the window are drawn with replacement, the "
        "same ones for all runs, so that differences are paired"
    )
    return (
        Term(term="Replay", text=(
            f"Every request of the trace was simulated under each policy, {met}; cost is the "
            "integral of provisioned workers times their price."
        )),
        Term(term="A year from a window", text=(
            f"Totals of the window ({duration(hours)}) times hours in service times season, over "
            "the hours of the window. Later years grow by demand and price; penalties and the "
            "price of carbon grow by demand only; service credits and effort do not grow."
        )),
        Term(term="Switching", text=(
            "Today: effort and other cost to switch, in owned mode also the difference in "
            "machines. Each year: cost of the baseline less cost of the candidate."
        )),
        Term(term="Present value", text=(
            "NPV = sum of flow / (1 + discount rate) ^ year. TCO = capital + the same sum of "
            "yearly cost. IRR is the rate at which NPV is 0. Payback is not discounted and takes "
            "flows as even over each year. Neither is given where money comes in first and goes "
            "out later. ROI = (all inflows - investment) / investment."
        )),
        Term(term="Energy and carbon", text=(
            "Energy = (provisioned hours x idle power + busy hours x (full - idle power)) x PUE. "
            f"Carbon = energy x grid intensity ({whose}) + carbon of making the machines spread "
            "over their lifetime (scope 3). Scope 1 is none. "
            "Both rest on the assumptions, not on a meter."
        )),
        Term(term="Energy is paid once", text=(
            "Rented prices include the energy, so it is reported and not charged; owned machines "
            "are paid as capital and their energy is charged."
        )),
        Term(term="Intervals", text=(
            f"The middle 90 % of {draws:,} draws. Window: {how}. Assumptions: triangular between "
            "low, value and high. Both: drawn together. Seeds: 90 % t interval of the mean over "
            "stored runs that differ in their seed only."
        )),
    )  # fmt: skip


GLOSSARY = (
    Term(term="Baseline", text="The run that the others are compared with."),
    Term(term="Candidate", text="The run whose policy would be switched to."),
    Term(term="SLO attainment", text=(
        "Share of arrived requests that finished within their promised time; time-outs, "
        "rejections and losses count as misses."
    )),
    Term(term="TCO", text="Total cost of ownership: capital and all yearly cost, discounted."),
    Term(term="NPV", text="Net present value: all cash flows, discounted to today."),
    Term(term="IRR", text="Internal rate of return: the discount rate at which NPV is 0."),
    Term(term="SCI", text=(
        "Software carbon intensity (ISO/IEC 21031): grams of CO2e per request, operational and "
        "embodied."
    )),
    Term(term="Run", text=(
        "One replay of one trace window under one scenario and one policy; its id is a hash of "
        "all of them and of the code."
    )),
)  # fmt: skip
