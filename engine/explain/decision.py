"""One decision as it is explained: what was stored of it, joined with run, scenario and ticks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from engine.explain.reward import Reward
from engine.policies.base import Reason
from engine.scenario import Guard, Pool, Scenario

__all__ = ["STAGES", "Decision", "Kind", "Line", "active_in", "kind_of", "ledger", "limits_of"]

SIZE = "size"
STAGES = (
    "quantise", SIZE, "carbon", "slo", "limits", "rate", "cooldown", "budget", "placement", "hold",
)  # fmt: skip
"""Of the guard, in their order."""
SITING = "siting"


class Kind(StrEnum):
    """What became of a decision, for marks and filters."""

    OUT = "scaled out"
    IN = "scaled in"
    KEPT = "kept"
    CLAMPED = "clamped"
    MASKED = "masked by carbon"
    OVERRIDDEN = "overridden"
    SILENT = "not due"


CLAMPS = (
    Reason.MIN_WORKERS, Reason.MAX_WORKERS, Reason.RATE_LIMIT, Reason.COOLDOWN, Reason.STABILIZED,
    Reason.BUDGET, Reason.NO_ROOM, Reason.BREACH_TOO_SHORT,
)  # fmt: skip
"""Reasons for which less was done than was asked for."""
OVERRIDES = (Reason.HELD, Reason.SLO_FLOOR)
"""Reasons for which a person or the guard asked for something else."""


def kind_of(reason: str, current: int, applied: int) -> Kind:
    """What became of a decision."""
    if reason == Reason.NOT_DUE:
        return Kind.SILENT
    if reason in OVERRIDES:
        return Kind.OVERRIDDEN
    if reason == Reason.CARBON:
        return Kind.MASKED
    if reason in CLAMPS:
        return Kind.CLAMPED
    if applied == current:
        return Kind.KEPT
    return Kind.OUT if applied > current else Kind.IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One stage of the guard, also where it changed nothing."""

    stage: str
    active: bool
    """Whether the scenario asks for it at all."""
    before: float
    after: float
    reason: str | None = None
    """None: it changed nothing."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """What it went by."""
    part: str = ""
    """`size`, `router`, `weights` or a node group's name where it acts on that part of the action,
    and not on the number of workers alone."""
    wanted: str = ""
    """Of a size or a router."""
    kept: str = ""
    """What stays instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The record of one evaluation for one pool, also for "no change"."""

    run_id: str
    number: int
    """In its run, from 0 in order of time and pool."""
    t_s: float
    """Since the trace's start."""
    epoch_s: float | None
    """Unix time of the trace's start."""
    policy: str
    """As typed."""
    pool: str
    kind: Kind
    current: int
    """Workers asked for before."""
    proposed: float
    """By the policy; -1: it had no opinion."""
    applied: int
    reason: str
    """What bound it."""
    size: str | None
    """In which workers are ordered from then on, where one was proposed."""
    rationale: Mapping[str, Any]
    """The policy's own numbers."""
    guard: tuple[Line, ...]
    limits: Mapping[str, float]
    """What the scenario says of the pool."""
    saw: Mapping[str, float]
    """What was observed of the pool over the tick before."""
    usual: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """5 %, 50 % and 95 % quantile of the same over the run."""
    priorities: Mapping[str, float] = field(default_factory=dict)
    """In force: the scenario's, and the policy's own where it has some."""
    digest: int | None = None
    """CRC-32 of all that the policy saw."""
    routing: Mapping[str, Any] = field(default_factory=dict)
    """`router` and `weights` from then on, where they were proposed."""
    hold_why: str = ""
    """What a person said who ordered a size."""
    derived: Mapping[str, float] = field(default_factory=dict)
    """Figures that follow from the others; see `engine.explain.derived`."""
    reward: Reward | None = None
    """What it earned until the next decision; None: not looked up, or nothing came after it."""

    @property
    def family(self) -> str:
        """The policy's name without its parameters."""
        return self.policy.partition(":")[0]

    @property
    def plan(self) -> Sequence[Mapping[str, float]] | None:
        """Steps that the predictive rule foresees, in order; None: it was not asked to plan.

        Also None for the steps of older versions, which had no `in_s`.
        """
        steps = self.rationale.get("plan") if self.family == "predictive" else None
        return None if steps is None or any("in_s" not in step for step in steps) else steps

    def document(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    def numbers(self) -> Iterator[float]:
        """Every number of the record."""
        return _numbers(self.document())


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if math.isfinite(value):
            yield float(value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)


def ledger(
    active: Mapping[str, bool], proposed: float, current: int, changes: list[Mapping[str, Any]]
) -> tuple[Line, ...]:
    """All stages in their order; those that changed nothing pass on what they got.

    Args:
        active: from `active_in`.
        proposed: by the policy; -1: the present size.
        current: workers asked for before.
        changes: the stages that changed something, as stored.
    """
    value, lines = float(current if proposed == -1 else proposed), []
    acted = {change["stage"] for change in changes}
    for stage in (*STAGES, SITING):
        if stage not in acted and (stage == SITING or (stage == SIZE and not active[SIZE])):
            continue
        mine = [change for change in changes if change["stage"] == stage] if changes else []
        for change in mine:
            lines.append(
                Line(
                    stage=stage, active=True, before=float(change["before"]),
                    after=float(change["after"]), reason=str(change["reason"]),
                    numbers=dict(change.get("numbers") or {}),
                    **{name: change.get(name, "") for name in ("part", "wanted", "kept")},
                )
            )  # fmt: skip
            value = float(change["after"])
        if not mine:
            lines.append(Line(stage=stage, active=active[stage], before=value, after=value))
    return tuple(lines)


def active_in(scenario: Scenario) -> dict[str, bool]:
    """Whether each stage of the guard has anything to say."""
    guard = scenario.guard or Guard()
    return {
        "quantise": True,
        SIZE: any(kind.sizes for kind in scenario.agent_types),
        "carbon": scenario.priorities.carbon_threshold is not None,
        "slo": guard.slo_quantile is not None,
        "limits": True,
        "rate": guard.out_workers is not None or guard.in_workers is not None,
        "cooldown": guard.cooldown_out_s > 0 or guard.cooldown_in_s > 0,
        "budget": guard.budget_usd_per_hour is not None,
        "placement": bool(scenario.node_groups),
        "hold": bool(guard.holds),
        SITING: scenario.siting is not None,
    }


def limits_of(scenario: Scenario, pool: Pool) -> dict[str, float]:
    """What a sentence may say of a pool."""
    kind = scenario.agent_type_of(pool)
    found = {
        "workers_min": float(pool.workers_min), "workers_max": float(pool.workers_max),
        "slots": float(kind.slots), "startup_mean_s": float(kind.startup.mean_s),
        "slo_latency_s": float(scenario.slo.latency_s), "tick_s": float(scenario.tick_s),
    }  # fmt: skip
    threshold = scenario.priorities.carbon_threshold_g_per_kwh
    return found if threshold is None else found | {"carbon_threshold_g_per_kwh": threshold}
