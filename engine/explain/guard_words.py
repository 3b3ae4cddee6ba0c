"""What the guard did with a proposal, a clause for each stage that changed it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from engine.explain.decision import Decision, Line
from engine.explain.words import lasting, number, percent, workers
from engine.policies.base import KEEP, Reason

__all__ = ["clauses"]


def clauses(decision: Decision) -> list[str]:
    """In the order of the stages; rounding up says nothing of interest."""
    acted = [line for line in decision.guard if line.reason is not None]
    told = [_CLAUSES[line.stage](line, decision) for line in acted if line.stage in _CLAUSES]
    if "carbon" in (line.stage for line in acted) and acted[-1].stage == "slo":
        told[-1] += "; the SLO floor outranks the carbon threshold"
    return told


def _steps(line: Line) -> str:
    return f"{number(line.before)} became {number(line.after)}"


def _size(line: Line, decision: Decision) -> str:
    """Why workers do not get the size that was proposed."""
    asked = f"{workers(line.before)} of the size {line.wanted}"
    stays = f"so the size stays {line.kept}" if line.kept else "so the size stays"
    if decision.proposed != KEEP:
        asked_now = workers(line.after)
        stays += f", and {asked_now} of it {'is' if line.after == 1 else 'are'} asked for instead"
    return f"{_SIZE_WHY[str(line.reason)](line, asked)}, {stays}"


def _size_pace(line: Line, asked: str) -> str:
    by = line.numbers
    way = "more" if by["change_workers"] > 0 else "fewer"
    return (
        f"{asked} would be the capacity of {workers(abs(by['change_workers']))} {way}, and the "
        f"guard's rate limit leaves {workers(by['left_workers'])} per {lasting(by['period_s'])}"
    )


def _size_cooldown(line: Line, asked: str) -> str:
    by = line.numbers
    return (
        f"the guard's cooldown of {lasting(by['cooldown_s'])} is not over, "
        f"{lasting(by['since_s'])} after the last step, for {asked}"
    )


def _size_budget(line: Line, asked: str) -> str:
    by = line.numbers
    return (
        f"{asked} would cost {number(by['cost_usd_per_hour'])} USD/h, where the cluster's budget "
        f"of {number(by['budget_usd_per_hour'])} USD/h leaves {number(by['left_usd_per_hour'])}"
    )


_SIZE_WHY: Mapping[str, Callable[[Line, str], str]] = MappingProxyType(
    {
        Reason.CARBON: lambda line, asked: (
            f"{asked} would emit more, and the carbon mask lets "
            f"{percent(line.numbers['mask_frac'])} of growth pass"
        ),
        Reason.RATE_LIMIT: _size_pace,
        Reason.COOLDOWN: _size_cooldown,
        Reason.BUDGET: _size_budget,
        Reason.NO_ROOM: lambda _, asked: f"the pool's nodes have no room for {asked}",
        Reason.HELD: lambda _, asked: f"somebody holds the pool by hand, which rules out {asked}",
    }
)


def _carbon(line: Line, _: Decision) -> str:
    by = line.numbers
    if "g_per_kwh" not in by:
        return f"the carbon mask: {_steps(line)}"
    text = f"the grid emits {number(by['g_per_kwh'])} g CO2e per kWh"
    threshold = f"the carbon threshold of {number(by['threshold_g_per_kwh'])}"
    if by["g_per_kwh"] >= by["threshold_g_per_kwh"]:
        where = "above" if by["g_per_kwh"] > by["threshold_g_per_kwh"] else "at"
        text += f", {where} {threshold}, so no worker may be added"
    else:
        text += f", within {number(by['soft_g_per_kwh'])} of {threshold}"
        text += "; in that range growth is cut, the more the closer it gets"
    return f"{text}: {_steps(line)}"


def _slo(line: Line, _: Decision) -> str:
    by = line.numbers
    text = f"the SLO floor asks for at least {workers(line.after)}"
    if "demand_slots" in by:
        text += (
            f", so that the demand forecast with {percent(by['quantile'])} certainty, up to "
            f"{number(by['demand_slots'])} busy slots, fits"
        )
    if "busy_frac" in by:
        text += f" at no more than {percent(by['busy_frac'])} in use"
    return f"{text}: {_steps(line)}"


def _limits(line: Line, decision: Decision) -> str:
    low = line.after > line.before
    bound = decision.limits["workers_min" if low else "workers_max"]
    bound = line.numbers.get("workers_min" if low else "workers_max", bound)
    return f"the pool may have {number(bound)} at {'least' if low else 'most'}: {_steps(line)}"


def _rate(line: Line, _: Decision) -> str:
    by, up = line.numbers, line.after < line.before
    most = by.get("out_workers" if up else "in_workers")
    if most is None:
        return f"the guard's rate limit: {_steps(line)}"
    way = "added" if up else "removed"
    given = f"at most {workers(most)} be {way} per {lasting(by['period_s'])}"
    text = f"the guard's rate limit lets {given}"
    return f"{text}: {_steps(line)}"


def _cooldown(line: Line, _: Decision) -> str:
    by = line.numbers
    if "since_s" not in by:
        return f"the guard's cooldown: {_steps(line)}"
    return (
        f"the guard's cooldown of {lasting(by['cooldown_s'])} is not over, "
        f"{lasting(by['since_s'])} after the last step, so it stays at {number(line.after)} "
        f"instead of {number(line.before)}"
    )


def _budget(line: Line, _: Decision) -> str:
    by = line.numbers
    if "budget_usd_per_hour" not in by:
        return f"the budget: {_steps(line)}"
    text = f"the cluster's budget of {number(by['budget_usd_per_hour'])} USD/h"
    if "price_usd_per_hour" in by:
        text += f", at {number(by['price_usd_per_hour'])} USD/h a worker,"
    return f"{text} leaves {workers(line.after)} for this pool: {_steps(line)}"


def _placement(line: Line, _: Decision) -> str:
    return f"the pool's nodes have room for {workers(line.after)} only: {_steps(line)}"


def _hold(line: Line, decision: Decision) -> str:
    left = line.numbers.get("left_s")
    still = "" if left is None else f" for another {lasting(left)}"
    if line.part:
        what = {"router": f"its router does not become {line.wanted}",
                "weights": "its routing weights stay"}.get(
            line.part, f"the nodes of {line.part} are left alone"
        )  # fmt: skip
        return f"somebody holds the pool by hand{still}, so {what}"
    why = f" (the reason given: {decision.hold_why})" if decision.hold_why else ""
    return f"somebody holds the pool at {workers(line.after)} by hand{still}{why}: {_steps(line)}"


def _siting(line: Line, _: Decision) -> str:
    return (
        "workers of the same agent type go where they are cheaper, cleaner or safer: "
        f"{_steps(line)}"
    )


_CLAUSES: Mapping[str, Callable[[Line, Decision], str]] = MappingProxyType(
    {
        "size": _size, "carbon": _carbon, "slo": _slo, "limits": _limits, "rate": _rate,
        "cooldown": _cooldown, "budget": _budget, "placement": _placement, "hold": _hold,
        "siting": _siting,
    }
)  # fmt: skip
