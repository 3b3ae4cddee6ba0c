"""What stands between a metric's proposal and the new size: memory, pace, and min and max.

Pure functions; histories go in and come out as tuples. Ages are compared strictly, as in
Kubernetes: an event exactly as old as a policy's period no longer counts. Source:
`horizontal.go` of Kubernetes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from engine.policies.hpa_spec import Amount, Behavior, Rules, Select

SCALE_UP_FACTOR, SCALE_UP_FLOOR = 2, 4
"""Without `behavior` one reconcile at most doubles the size, or goes to 4."""


class Limit(StrEnum):
    """Kubernetes' reason of the ScalingLimited condition."""

    WITHIN = "DesiredWithinRange"
    TOO_FEW = "TooFewReplicas"
    TOO_MANY = "TooManyReplicas"
    UP = "ScaleUpLimit"
    DOWN = "ScaleDownLimit"


class Limited(NamedTuple):
    """A size after pace, min and max."""

    replicas: int
    limit: Limit
    pace: int | None
    """The size that the pace allows in this direction; None: no step, so no pace."""


class Recommendation(NamedTuple):
    """What the metrics asked for at some time, before stabilisation."""

    replicas: int
    t_s: float


@dataclass(frozen=True, slots=True)
class ScaleEvent:
    """A change of size."""

    change: int
    """Replicas added or removed, positive."""
    t_s: float
    outdated: bool = False
    """Older than every policy's period: its slot may be used again."""


Recommendations = tuple[Recommendation, ...]
Events = tuple[ScaleEvent, ...]


def stabilised_legacy(
    history: Recommendations, desired: int, now_s: float, window_s: float
) -> tuple[int, Recommendations]:
    """The highest recommendation of the last `window_s` seconds, and the history with this one.

    The new entry takes the last slot that is older than the window, or is appended.
    """
    oldest_s = now_s - window_s
    highest, slot = desired, None
    for index, (replicas, t_s) in enumerate(history):
        if t_s < oldest_s:
            slot = index
        elif replicas > highest:
            highest = replicas
    return highest, _with(history, slot, Recommendation(desired, now_s))


def stabilised(
    history: Recommendations,
    current: int,
    desired: int,
    now_s: float,
    up_window_s: float,
    down_window_s: float,
) -> tuple[int, Recommendations]:
    """`desired` held between what both windows allow, and the history with `desired` in it.

    up = min(desired, entries younger than the up-window), down = max(desired, entries younger
    than the down-window); the result is `current`, raised to `up` and then lowered to `down`.
    """
    up = down = desired
    slot = None
    for index, (replicas, t_s) in enumerate(history):
        age_s = now_s - t_s
        if age_s < up_window_s and replicas < up:
            up = replicas
        if age_s < down_window_s and replicas > down:
            down = replicas
        if age_s > up_window_s and age_s > down_window_s:
            slot = index
    result = min(max(current, up), down)
    return result, _with(history, slot, Recommendation(desired, now_s))


def _with(history: Recommendations, slot: int | None, entry: Recommendation) -> Recommendations:
    if slot is None:
        return (*history, entry)
    return (*history[:slot], entry, *history[slot + 1 :])


def limited_legacy(current: int, desired: int, lowest: int, highest: int) -> Limited:
    """`desired` within [lowest, highest] and at most max(2 · current, 4)."""
    pace = max(SCALE_UP_FACTOR * current, SCALE_UP_FLOOR)
    if desired < lowest:
        return Limited(lowest, Limit.TOO_FEW, pace)
    if desired > min(highest, pace):
        reason = Limit.UP if pace < highest else Limit.TOO_MANY
        return Limited(min(highest, pace), reason, pace)
    return Limited(desired, Limit.WITHIN, pace)


def change_within(events: Iterable[ScaleEvent], period_s: float, now_s: float) -> int:
    """Replicas changed by events younger than `period_s`."""
    return sum(event.change for event in events if now_s - event.t_s < period_s)


def up_limit(current: int, ups: Events, downs: Events, rules: Rules, now_s: float) -> int:
    """The highest size that the scale-up policies allow now, at least `current`.

    Each policy allows start + v pods or ⌈start · (1 + v/100)⌉, with start the size at the
    beginning of its period.
    """
    if rules.select is Select.DISABLED:
        return current
    choose = min if rules.select is Select.MIN else max
    allowed = []
    for policy in rules.policies:
        start = _start(current, ups, downs, policy.period_s, now_s)
        if policy.amount is Amount.PODS:
            allowed.append(start + policy.value)
        else:
            allowed.append(math.ceil(start * (1 + policy.value / 100)))
    return max(current, choose(allowed, default=current))


def down_limit(current: int, ups: Events, downs: Events, rules: Rules, now_s: float) -> int:
    """The lowest size that the scale-down policies allow now, at most `current`.

    Each policy allows start - v pods or start · (1 - v/100), cut towards zero. Select Max means
    the largest change and so the *lowest* of these.
    """
    if rules.select is Select.DISABLED:
        return current
    choose = max if rules.select is Select.MIN else min
    allowed = []
    for policy in rules.policies:
        start = _start(current, ups, downs, policy.period_s, now_s)
        if policy.amount is Amount.PODS:
            allowed.append(start - policy.value)
        else:
            allowed.append(int(start * (1 - policy.value / 100)))
    return min(current, choose(allowed, default=current))


def _start(current: int, ups: Events, downs: Events, period_s: float, now_s: float) -> int:
    added = change_within(ups, period_s, now_s)
    return current - added + change_within(downs, period_s, now_s)


def limited(
    current: int,
    desired: int,
    lowest: int,
    highest: int,
    behavior: Behavior,
    ups: Events,
    downs: Events,
    now_s: float,
) -> Limited:
    """`desired` within what the pace of `behavior` and [lowest, highest] allow."""
    pace = None
    if desired > current:
        pace = up_limit(current, ups, downs, behavior.up, now_s)
        if desired > min(pace, highest):
            reason = Limit.UP if pace < highest else Limit.TOO_MANY
            return Limited(min(pace, highest), reason, pace)
    elif desired < current:
        pace = down_limit(current, ups, downs, behavior.down, now_s)
        if desired < max(pace, lowest):
            reason = Limit.DOWN if pace > lowest else Limit.TOO_FEW
            return Limited(max(pace, lowest), reason, pace)
    return Limited(desired, Limit.WITHIN, pace)


def stored(events: Events, change: int, rules: Rules, now_s: float) -> Events:
    """`events` with a new one, which takes the last outdated slot or is appended.

    Events older than the longest policy period are marked outdated.
    """
    longest_s = max((policy.period_s for policy in rules.policies), default=0.0)
    marked = [
        replace(event, outdated=True) if now_s - event.t_s > longest_s else event
        for event in events
    ]
    entry = ScaleEvent(change, now_s)
    slots = [index for index, event in enumerate(marked) if event.outdated]
    if slots:
        marked[slots[-1]] = entry
    else:
        marked.append(entry)
    return tuple(marked)
