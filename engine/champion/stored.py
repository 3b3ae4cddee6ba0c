"""The choice for a stored trace: its real requests before a moment, and what came after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.champion.candidates import challengers, rule_spec
from engine.champion.choice import EVERY_S, LEAD, Choice, Past, added, choose
from engine.champion.twin import Stretch
from engine.errors import UsageError
from engine.evaluate.cases import window_of
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.registry import PolicySpec
from engine.replay import set_up
from engine.runner import load_demand, request, trace_end_s
from engine.scenario import Scenario
from engine.store import traces
from engine.store.duck import Store

LOOKBACK_S = 86400.0
OnProgress = Callable[[float, str], None]
Cancel = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the champion is chosen."""

    quantile: float = 0.95
    """Of the rule."""
    target: float = 0.8
    """Of the rule."""
    lookback_s: float = LOOKBACK_S
    """How much of the past counts."""
    lead: float = LEAD
    """Share by which the learned policy has to be cheaper."""
    checkpoint: str | None = None
    """Folder of a trained allocator; None: the shipped one."""

    def __post_init__(self) -> None:
        """Raises UsageError where less of the past counts than a replay's champion looks at."""
        if self.lookback_s < EVERY_S:
            raise UsageError(
                f"{self.lookback_s:g} s of the past are too few", "champion",
                f"Look {EVERY_S:g} s back or more: the time between two choices",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What came after the choice, for one pool."""

    pool: str
    saving_frac: float
    """What the chosen one cost less than the rule."""
    missed_frac: float
    rule_missed_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """Who should decide for every pool from a moment on."""

    trace: str
    from_s: float
    at_s: float
    """The moment; nothing at or after it was looked at for the choice."""
    choices: tuple[Choice, ...]
    candidates: tuple[Past, ...]
    """The rule first."""
    until_s: float
    """End of what was replayed afterwards."""
    later: tuple[Later, ...]
    """Empty where the trace ends at the moment."""


def elect(
    store: Store,
    trace_key: str,
    *,
    scenario: Scenario,
    terms: Terms,
    at_s: float | None = None,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> Election:
    """Replays the past before a moment under every candidate, and chooses per pool.

    Args:
        store: the open store.
        trace_key: id, name, or the beginning of one.
        scenario: the cluster.
        terms: how to choose.
        at_s: the moment, seconds since the trace's start; None: the trace's end.
        progress: share done, and what is being done.
        cancel: asked between ticks.

    Raises:
        StoreError: no such trace.
        UsageError: a trace without demand, or a moment outside it.
        PolicyError: settings out of range.
        ReplayCancelled: `cancel` returned true.
    """
    trace = traces.find_trace(store, trace_key)
    end_s = trace_end_s(trace, scenario.tick_s)
    moment_s = end_s if at_s is None else float(at_s)
    if not 0.0 < moment_s <= end_s:
        raise UsageError(
            f"the moment {moment_s:g} s is outside the trace", f"trace {trace.name!r}",
            f"Choose one above 0 and up to {end_s:g} s",
        )  # fmt: skip
    specs = [rule_spec(terms.quantile, terms.target), *challengers(terms.checkpoint)]
    pools = [pool.name for pool in scenario.pools]
    from_s, until_s = (
        max(0.0, moment_s - terms.lookback_s),
        min(end_s, moment_s + terms.lookback_s),
    )
    span = 1.0 if until_s <= moment_s else 0.7

    def told(share: float, text: str) -> None:
        if progress is not None:
            progress(share, text)

    past = _replayed(
        store, trace_key, specs, scenario, (from_s, moment_s), cancel,
        lambda share, text: told(span * share, text),
    )  # fmt: skip
    choices = choose(pools, past[0], past[1:], terms.lead)
    later: tuple[Later, ...] = ()
    if until_s > moment_s:
        names = dict.fromkeys([str(specs[0]), *(choice.chosen for choice in choices)])
        wanted = [spec for spec in specs if str(spec) in names]
        after = _replayed(
            store, trace_key, wanted, scenario, (moment_s, until_s), cancel,
            lambda share, text: told(span + (1.0 - span) * share, text),
        )  # fmt: skip
        later = _later(choices, after)
    told(1.0, "Done")
    return Election(
        trace=trace.name, from_s=from_s, at_s=moment_s, choices=tuple(choices),
        candidates=tuple(past), until_s=until_s, later=later,
    )  # fmt: skip


def _replayed(
    store: Store,
    trace_key: str,
    specs: Sequence[PolicySpec],
    scenario: Scenario,
    window: tuple[float, float],
    cancel: Cancel | None,
    told: OnProgress,
) -> list[Past]:
    """What every candidate did in a window of the trace."""
    told(0.0, "Loading requests")
    wanted = request(store, trace_key, specs, scenario, *window)
    spec = window_of(load_demand(store, wanted), scenario, wanted.to_s - wanted.from_s)
    made = []
    for number, candidate in enumerate(specs):
        told(number / len(specs), f"Replaying {candidate.name}")
        (run,) = set_up([policy_spec(spec, candidate, cancel=cancel)])
        run_out(run, cancel)
        found = measures(run, spec.window_s)
        stretch: Stretch = (
            found.arrived.sum(0).astype(float), found.missed.sum(0).astype(float),
            found.slot_s.sum(0),
        )  # fmt: skip
        made.append(added(str(candidate), [stretch]))
    return made


def _later(choices: Sequence[Choice], after: Sequence[Past]) -> tuple[Later, ...]:
    by_name = {past.name: past for past in after}
    rule = after[0]
    made = []
    for p, choice in enumerate(choices):
        chosen = by_name[choice.chosen]
        number = max(float(rule.arrived[p]), 1.0)
        billed = float(rule.slot_s[p])
        made.append(
            Later(
                pool=choice.pool,
                saving_frac=1.0 - float(chosen.slot_s[p]) / billed if billed else 0.0,
                missed_frac=float(chosen.missed[p]) / number,
                rule_missed_frac=float(rule.missed[p]) / number,
            )
        )
    return tuple(made)
