"""Why the other policies asked for a size."""

import math

from engine.explain.decision import Decision
from engine.explain.found import SCALE
from engine.explain.words import lasting, number, per_s, percent, workers

__all__ = [
    "champion",
    "demand",
    "oracle",
    "other",
    "power_saver",
    "static",
    "threshold",
    "vertical",
]

ALIKE = 0.005
"""Shares below this round to nothing."""
OVER = 0.05
"""Of a worker: less than this above a whole number rounds to it."""
_WEIGHED = {
    "w_latency": "latency", "w_utilisation": "utilisation", "w_cost": "cost",
    "w_reliability": "reliability", "w_carbon": "carbon",
}  # fmt: skip

_ROUTED = {
    "price": "its price", "grid": "its grid", "delay": "how far its callers are",
    "room": "the room it has", "floor": "the workers it keeps anyway",
}  # fmt: skip


def static(decision: Decision) -> str:
    """Fixed capacity."""
    said = decision.rationale
    if "peak_busy_slots" in said:
        text = (
            "this policy keeps one size, enough for the busiest minute of the replayed trace: "
            f"{workers(said['wanted'])} with {number(said['slots'])} slots each hold its "
            f"{number(said['peak_busy_slots'])} busy slots at no more than "
            f"{percent(said['target'])} in use"
        )
    else:
        text = f"this policy keeps one size, {workers(said['wanted'])}"
    return text + _limited(said["wanted"], said["proposed"])


def threshold(decision: Decision) -> str:
    """A band of use, held for a while, with cool-downs."""
    said = decision.rationale
    if said["utilisation"] is None:
        return "no ready worker could be measured yet, so the rule leaves the size as it is"
    used, high, low = (percent(said[key]) for key in ("utilisation", "upper", "lower"))
    above = said["utilisation"] > said["upper"]
    seen = f"slots are {used} in use, " + (f"above {high}" if above else f"below {low}")
    lasted, needed = lasting(said["breached_s"]), lasting(said["breach_s"])
    if said["lower"] <= said["utilisation"] <= said["upper"]:
        return f"slots are {used} in use, within the band of {low} to {high}"
    if said["breached_s"] < said["breach_s"]:
        return f"{seen}, but only for {lasted}, and a step is taken after {needed}"
    if said["cooldown_left_s"] > 0:
        rest, left = lasting(said["cooldown_s"]), lasting(said["cooldown_left_s"])
        return f"{seen} for {lasted}, but the rule rests {rest} after a step, and {left} are left"
    text = f"{seen} for {lasted}, so the rule takes one step, to {workers(said['wanted'])}"
    return text + _limited(said["wanted"], said["proposed"], said["max"], said["min"])


def demand(decision: Decision) -> str:
    """Capacity for demand that was measured or is forecast."""
    said = decision.rationale
    if said.get("wanted") is None:
        return "nothing is known of the demand yet"
    held, wanted = said["held"], said["wanted"]
    text = f"{_expected(decision)}{_compared(decision)}; {_how(decision)}, that takes "
    text += _needed(wanted)
    if held == said["proposed"] == math.ceil(wanted) != wanted:
        text += f", so {number(held)}"
    if held > wanted + 1:
        hold = lasting(said["hold_s"])
        text += f", but the highest proposal of the last {hold}, {workers(held)}, stands"
    text += _limited(held, said["proposed"], said.get("max"), said.get("min"))
    return text + _weighed(decision) + _sized(decision) + _routed(decision)


def champion(decision: Decision) -> str:
    """Who decided, why that one, and its own reason."""
    said = decision.rationale
    return f"{said['decided_by']} decides ({said['why']}): {demand(decision)}"


def _how(decision: Decision) -> str:
    """What workers are reckoned from, beside the rate."""
    said = decision.rationale
    parts = [f"at {number(said['service_s'])} s a request"]
    if "planned_busy_frac" in decision.derived:
        busy = percent(decision.derived["planned_busy_frac"])
        parts.append(f"with {busy} of the slots to be in use")
    if said.get("queued") and said.get("drain_s", 1.0):
        within = said.get("drain_s")
        served = f" to be served within {lasting(within)}" if within else ""
        parts.append(f"with {number(said['queued'])} waiting{served}")
    return ", ".join(parts)


def _needed(wanted: float) -> str:
    """Workers before rounding up; what is just over a whole number does not read as that."""
    whole = math.floor(wanted)
    if 1e-9 < wanted - whole < OVER:
        return f"just over {workers(whole)}"
    return workers(wanted)


def _expected(decision: Decision) -> str:
    said = decision.rationale
    if "expected_per_s" not in said:
        return f"{per_s(said['rate_per_s'])} arrived"
    if "quantile" not in said:
        return (
            f"demand of {per_s(said['expected_per_s'])} is likely soon, after "
            f"{per_s(said['rate_per_s'])} now"
        )
    return (
        f"demand in the next {lasting(said['horizon_s'])} is forecast to stay below "
        f"{per_s(said['expected_per_s'])} with {percent(said['quantile'])} certainty"
    )


def _compared(decision: Decision) -> str:
    """How demand stands to what the present size serves, where the policy aims at a use."""
    found, said = decision.derived, decision.rationale
    if "serves_per_s" not in found:
        return ""
    expected = said.get("expected_per_s", said.get("rate_per_s"))
    serves = "serves" if decision.current == 1 else "serve"
    way = "more" if expected > found["serves_per_s"] else "less"
    if found["excess_frac"] < ALIKE:
        return (
            f", just about what {workers(decision.current)} {serves} at "
            f"{percent(said['target'])} in use"
        )
    return (
        f", which is {percent(found['excess_frac'])} {way} than the "
        f"{number(found['serves_per_s'])} that {workers(decision.current)} {serves} "
        f"at {percent(said['target'])} in use"
    )


def _weighed(decision: Decision) -> str:
    """What mattered to a learned policy."""
    said = decision.rationale
    if "caution" not in said:
        return ""
    known = {name: said[key] for key, name in _WEIGHED.items() if key in said}
    name, most = max(known.items(), key=lambda entry: entry[1])
    mattered = f"of the priorities it was given {name} weighs most, with {percent(most)}"
    follows = "that use follows from" if "planned_busy_frac" in decision.derived else "with"
    caution = f"the learned policy's caution of {number(said['caution'])}, {SCALE}"
    return f"; {follows} {caution}; {mattered}"


def _sized(decision: Decision) -> str:
    """Why a learned policy wants another size of worker, and what a change holds back."""
    said = decision.rationale
    size = said.get("size")
    text = ""
    if size != said.get("size_before"):
        points, cost = said["points_by_size"], said["change_costs"][size]
        text = f"; by these priorities the size {size} is worth {number(points[size])} points a "
        if points[size] > said["least_gain"] + cost:
            text += (
                f"tick more than the one before, and the change has to be worth {number(cost)} "
                f"for what it costs and {number(said['least_gain'])} besides"
            )
        else:
            text += (
                f"tick beside the one before; its money alone is worth "
                f"{number(said['scores_by_size'][size]['cost'])} points of the cost score, of "
                f"which the change takes {number(said['change_money'][size])}"
            )
        if points[size] < said.get("best_points", points[size]):
            text += (
                f"; of the sizes no more than {number(said['doubt_of_others'])} points behind the "
                f"best whose change pays, which may be chance, it costs least"
            )
    if said.get("changing"):
        text += (
            f"; until all workers have the new size none is taken away, so "
            f"{number(said['proposed'])} stay"
        )
    return text


def _routed(decision: Decision) -> str:
    """What moved a learned policy's routing weight most."""
    said = decision.rationale
    weight = said.get("route_weight", 1.0)
    parts = {name: said.get(f"route_{name}", 0.0) for name in _ROUTED}
    name = max(parts, key=lambda part: parts[part] if weight > 1.0 else -parts[part])
    if weight == 1.0 or parts[name] == 0.0:
        return ""
    return (
        f"; beside the other pools of its type it asks for a routing weight of {number(weight)}, "
        f"most of all for {_ROUTED[name]}"
    )


def oracle(decision: Decision) -> str:
    """A plan with the future known."""
    planned = decision.rationale.get("planned")
    if planned is None:
        return "a plan made with the future known"
    text = "the oracle's plan, made with the future of the replay known, has"
    return f"{text} {workers(float(planned))} at this time"


def vertical(decision: Decision) -> str:
    """The cheapest size of worker."""
    said = decision.rationale
    size = said.get("size")
    if size is None:
        return "nothing is known of the demand yet"
    took = said["workers_by_size"][size]
    cost = number(said["usd_per_hour_by_size"][size])
    return (
        f"{number(said['demand_slots'])} slots in demand take {workers(took)} of the size {size}, "
        f"for {cost} USD/h"
    )


def power_saver(decision: Decision) -> str:
    """Demand, and nodes to sleep."""
    slots = decision.rationale.get("demand_slots")
    if slots is None:
        return "nothing is known of the demand yet"
    return (
        f"{number(slots)} slots were in demand at most, which takes {workers(decision.proposed)}"
    )


def other(decision: Decision) -> str:
    """A policy that is not ours, or one that gave no numbers."""
    if decision.proposed == -1:
        return "the policy made no proposal"
    reason = decision.reason.replace("_", " ")
    return f"the policy asked for {workers(decision.proposed)} (the reason it gave: {reason})"


def _limited(
    wanted: float, proposed: float, most: float | None = None, least: float | None = None
) -> str:
    if proposed < wanted and most is not None and proposed == most:
        return f", but {number(most)} is the most the pool may have"
    if proposed > math.ceil(wanted) and least is not None and proposed == least:
        return f", but {number(least)} is the least the pool may have"
    if proposed != wanted and most is None and least is None:
        return f", but the pool's limits make that {number(proposed)}"
    return ""
