"""Sentences of a report: the verdict, its warnings, the method and the glossary."""

from collections.abc import Sequence

from engine.economics.assumptions import Assumptions, CostMode
from engine.economics.model import RunFigures, Switch, Term

DAY_H, WEEK_H, YEAR_H = 24.0, 168.0, 8760.0
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


def verdict(baseline: RunFigures, switch: Switch, currency: str) -> str:
    """One sentence: what switching brings, over what time, at what service, how sure."""
    start = f"Switching from {baseline.policy} to {switch.policy}"
    amount = money(abs(switch.savings_per_month), currency)
    what = "saves" if switch.savings_per_month >= 0 else "costs"
    more = "" if switch.savings_per_month >= 0 else " more"
    return (
        f"{start} {what} {amount}{more} a month{_range(switch, currency)}, "
        f"{switch.payback_note}, and {_service(switch)}; "
        f"the largest uncertainty is {_largest(switch)}."
    )


def _range(switch: Switch, currency: str) -> str:
    found = switch.savings_per_month_both
    if found is None:
        return ""
    low, high = found.low, found.high
    if switch.savings_per_month < 0:
        low, high = -high, -low
    return f" (90 % interval {money(low, currency)} to {money(high, currency)})"


def _service(switch: Switch) -> str:
    points = switch.slo_points
    if points is None:
        return "its service was not measured"
    if abs(points) < 0.05:
        return "serves users equally well"
    direction = "raises" if points > 0 else "lowers"
    return f"{direction} SLO attainment by {abs(points):.1f} points"


def _largest(switch: Switch) -> str:
    if not switch.tornado:
        return "not among the assumptions, all of which are taken as certain"
    bar = switch.tornado[0]
    return f"{bar.label.lower()} ({_plain(bar.low)} to {_plain(bar.high)} {bar.unit})"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def warnings(
    hours: float, runs: Sequence[RunFigures], given: Assumptions, promise_frac: float
) -> tuple[str, ...]:
    """What a reader must know before any figure."""
    told = [_short(hours)]
    kept = {run.role: (run.slo_attainment_frac or 0.0) >= promise_frac for run in runs}
    if not kept.get("candidate", True):
        told.append(
            f"The candidate does not keep the promise that {_percent(promise_frac)} of requests "
            "meet the SLO; savings that come from serving worse are not savings."
        )
    if kept.get("baseline") is False and kept.get("candidate"):
        told.append("The baseline does not keep its promise; the candidate does.")
    if given["spot_frac"] > 0:
        told.append("Spot machines can be taken away; the replay did not have that happen.")
    if given.mode is CostMode.OWNED:
        told.append("Owned machines: bought for each run's own peak, and never resold.")
    return tuple(text for text in told if text)


def _short(hours: float) -> str:
    if hours < DAY_H:
        return (
            f"The window is {hours:.1f} hours: less than one daily cycle. A year made of it is an "
            "illustration, not a forecast."
        )
    if hours < WEEK_H:
        return (
            f"The window is {hours / DAY_H:.1f} days: it holds no whole week, so weekends and "
            "seasons are not in it. Read yearly figures as an order of magnitude."
        )
    if hours < YEAR_H * 0.95:
        return (
            f"The window is {hours / DAY_H:.0f} days; the seasons of a year are not in it and "
            "enter through the assumption on the season only."
        )
    return ""


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def payback(months: float | None, investment: float, savings_per_month: float) -> str:
    """Payback in words, also where there is none."""
    if months is None and savings_per_month <= 0:
        return "never pays back because it saves nothing"
    if months is None:
        return "does not pay back within the horizon"
    if investment <= 0:
        return "pays from the first day because nothing has to be invested"
    if months < 1:
        return "pays back within the first month"
    return f"pays back in {months:.1f} months"


def irr_note(rate: float | None, flows: Sequence[float]) -> str:
    """Internal rate of return in words, also where there is none."""
    if rate is not None:
        if rate > 10:
            return f"{1 + rate:,.0f} times the money, a year"
        return f"{100 * rate:.1f} % a year"
    signs = [flow > 0 for flow in flows if flow != 0]
    if not signs or all(signs):
        return "none: nothing is invested"
    if not any(signs):
        return "none: it never brings anything"
    return "none: the flows change sign more than once"


def slo_point(value: float | None, points: float | None, saves: bool) -> str:
    """The price of one more point of attainment, in words."""
    if points is None:
        return "not measured"
    if abs(points) < 1e-9:
        return "both serve equally well"
    if value is None:
        return "nothing: the one that serves better is not dearer"
    return "yearly cost of one more point" if not saves else "yearly savings a point given up"


def method(hours: float, block_h: float | None, draws: int) -> tuple[Term, ...]:
    """How the figures were made."""
    how = (
        "too few hours to resample; only the assumptions are drawn"
        if block_h is None
        else f"{'days' if block_h > 1 else 'hours'} of the window are drawn with replacement, the "
        "same ones for all runs, so that differences are paired"
    )
    return (
        Term(term="Replay", text=(
            "Every request of the trace was simulated under each policy, with the same arrivals "
            "and the same work; cost is the integral of provisioned workers times their price."
        )),
        Term(term="A year from a window", text=(
            f"Totals of the {hours:,.1f} h window times hours in service times season, over the "
            "hours of the window. Later years grow by demand and price; penalties and the price "
            "of carbon grow by demand only; service credits and effort do not grow."
        )),
        Term(term="Switching", text=(
            "Today: effort and other cost to switch, in owned mode also the difference in "
            "machines. Each year: cost of the baseline less cost of the candidate."
        )),
        Term(term="Present value", text=(
            "NPV = sum of flow / (1 + discount rate) ^ year. TCO = capital + the same sum of "
            "yearly cost. IRR is the rate at which NPV is 0. Payback is not discounted and takes "
            "flows as even over each year. ROI = (all inflows - investment) / investment."
        )),
        Term(term="Energy and carbon", text=(
            "Energy = (provisioned hours x idle power + busy hours x (full - idle power)) x PUE. "
            "Carbon = energy x grid intensity (scope 2, location-based) + carbon of making the "
            "machines spread over their lifetime (scope 3). Scope 1 is none. "
            "Both rest on the assumptions, not on a meter."
        )),
        Term(term="Energy is paid once", text=(
            "Rented prices include the energy, so it is reported and not charged; owned machines "
            "are paid as capital and their energy is charged."
        )),
        Term(term="Intervals", text=(
            f"The middle 90 % of {draws:,} draws. Window: {how}. Assumptions: triangular between "
            "low, value and high. Both: drawn together."
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
