"""What a reader of a report must know before any figure."""

from collections.abc import Iterator, Sequence

from engine.economics.assumptions import Assumptions, CostMode
from engine.economics.model import RunFigures
from engine.economics.wording import duration

DAY_H, WEEK_H, YEAR_H = 24.0, 168.0, 8760.0
DIFFERENCES_MAX = 6


def cautions(
    runs: Sequence[RunFigures], given: Assumptions, differing: Sequence[str], closed_loop: bool
) -> tuple[str, ...]:
    """Sentences, what weighs most first.

    Args:
        runs: the baseline first, the candidate second.
        given: assumptions.
        differing: what the runs' scenarios differ in, as text.
        closed_loop: whether sessions wait for answers.
    """
    told = (
        _differing(differing),
        _window(runs[0].totals["hours"]),
        *_promises(runs),
        _closed_loop(closed_loop),
        *_bought(given),
    )
    return tuple(text for text in told if text)


def _differing(differing: Sequence[str]) -> str:
    if not differing:
        return ""
    shown = "; ".join(differing[:DIFFERENCES_MAX])
    more = len(differing) - DIFFERENCES_MAX
    rest = f"; and {more} more" if more > 0 else ""
    return (
        f"The runs' scenarios differ in {shown}{rest}. What is shown is the effect of that and of "
        "the policy together; each run is judged by its own promise."
    )


def _window(hours: float) -> str:
    if hours < DAY_H:
        return (
            f"The window is {duration(hours)}: less than one daily cycle. A year made of it is an "
            "illustration, not a forecast."
        )
    if hours < WEEK_H:
        return (
            f"The window is {duration(hours)}: it holds no whole week, so weekends and "
            "seasons are not in it. Read yearly figures as an order of magnitude."
        )
    if hours < YEAR_H * 0.95:
        return (
            f"The window is {duration(hours)}; the seasons of a year are not in it and "
            "enter through the assumption on the season only."
        )
    return ""


def _promises(runs: Sequence[RunFigures]) -> Iterator[str]:
    kept = [_keeps(run) for run in runs]
    if kept[1] is False:
        yield (
            f"The candidate does not keep the promise that {_promise(runs[1])} of requests meet "
            "the SLO; savings that come from serving worse are not savings."
        )
    if kept[0] is False and kept[1]:
        yield "The baseline does not keep its promise; the candidate does."
    worse = [run.policy for run, keeps in zip(runs[2:], kept[2:], strict=True) if keeps is False]
    if worse:
        yield f"Of the other runs, these do not keep their promise: {', '.join(worse)}."


def _keeps(run: RunFigures) -> bool | None:
    attained = run.slo_attainment_frac
    return None if attained is None else attained >= run.totals["promise_frac"]


def _promise(run: RunFigures) -> str:
    return f"{100 * run.totals['promise_frac']:g} %"


def _closed_loop(closed_loop: bool) -> str:
    if not closed_loop:
        return ""
    return (
        "Sessions wait for answers (closed loop): a run that answers later is asked later and "
        "less, so the runs do not meet exactly the same demand. Look at the cost per 1,000 "
        "requests within the SLO as well."
    )


def _bought(given: Assumptions) -> Iterator[str]:
    if given["reserved_frac"] > 0 or given.find("reserved_frac").high > 0:
        yield (
            "Reserved compute is charged as a share of what each run used. A commitment is paid "
            "used or not, so a policy that scales down saves less of it than shown here."
        )
    if given["spot_frac"] > 0:
        yield "Spot machines can be taken away; the replay did not have that happen."
    if given.mode is CostMode.OWNED:
        yield _owned(given)


def _owned(given: Assumptions) -> str:
    years, lifetime = round(given["years"]), given["lifetime_years"]
    missing = []
    more = (1 + given["growth"]) ** (years - 1) - 1
    if more > 0:
        missing.append(
            f"demand is {100 * more:.3g} % higher in year {years}, and no machine is added for it"
        )
    if years > lifetime:
        missing.append(
            f"machines live {lifetime:g} years, and none is replaced within the {years}"
        )
    told = "Owned machines are bought once, for each run's own peak in the window; never resold."
    if not missing:
        return told
    return f"{told} But {', and '.join(missing)}: later capital is missing from all runs."
