"""How far to believe explanations: every record of a run is checked by making it again.

Three shares must be 1: records that re-execute to the same decision, named constraints that
change it when lifted, sentences whose every number is in their record.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.explain import rerun
from engine.explain.counterfactuals import kind_of_pool
from engine.explain.decision import Decision
from engine.explain.found import missing_numbers
from engine.explain.gather import Told, chosen, decisions
from engine.explain.lifting import Binding, BindingProbe
from engine.explain.regard import AttentionFigures, Regard
from engine.explain.sentences import sentence
from engine.replay import Replay
from engine.store.run_queries import Span

__all__ = ["OF", "Faithfulness", "Lifted", "check", "lifted"]

CHUNK = 5000
EXAMPLES = 5
OF: Mapping[str, str] = {
    "re_executed_frac": "of all records: those that come out the same when made again, with the "
    "same guard ledger, after the same observation",
    "reason_alone_frac": "of the records with a constraint for a reason: those in which lifting "
    "that one constraint, and nothing else, changes the size",
    "lifted_frac": "of the records in which a set of constraints is named: those that were "
    "recorded so, and in which lifting the set changes the size that the replay applied. A set "
    "is named only where lifting it changed the size, so this is 100 % but for records or "
    "re-executions that are wrong",
    "sentences_frac": "of all records: those whose sentence has no number that is not in them",
}
"""What each share is a share of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """What lifting constraints came to."""

    constrained: int
    """Records with a constraint for a reason."""
    alone: int
    """Of those, such that lifting that one constraint changes the size."""
    named: int
    """Of those, such that lifting it, or a least set of constraints, does."""
    true: int
    """Of those that are named, such that record and replay have the size and reason."""


def lifted(found: Sequence[Binding], missed: set[tuple[int, int]]) -> Lifted:
    """Counts what was found.

    Args:
        found: of each evaluation and pool.
        missed: tick and pool where the record, or what the replay applied, is another.
    """
    named = [each for each in found if each.named]
    return Lifted(
        constrained=sum(each.constrained for each in found),
        alone=sum(each.alone for each in found),
        named=len(named),
        true=sum(each.differs and (each.tick, each.pool) not in missed for each in named),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Figures of one run; shares are None where there is nothing to take a share of."""

    run_id: str
    policy: str
    trace: str
    records: int
    re_executed_frac: float | None
    """See `OF` for what shares are of."""
    constrained: int
    """Records with a constraint for a reason."""
    reason_alone_frac: float | None
    """The others are bound by several constraints at once, or by none."""
    named: int
    """Records for which a constraint, or a set of them, is named."""
    lifted_frac: float | None
    not_bound: int
    """Records with a constraint for a reason that changes nothing when all are lifted: the demand
    asks for the same size, so none is named."""
    sentences_frac: float | None
    divided_by_siting: bool
    """Then constraints bind agent types, and are counted once for all pools of one."""
    attention: AttentionFigures | None
    """None: the policy cannot say what in the observation moved it."""
    examples: tuple[str, ...] = ()
    """Of records that failed a check, the first few."""

    @property
    def holds(self) -> bool:
        """Whether all three shares are 1, as far as they are defined."""
        shares = (self.re_executed_frac, self.lifted_frac, self.sentences_frac)
        return all(share in (None, 1.0) for share in shares)

    def document(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {**asdict(self), "holds": self.holds, "shares": dict(OF)}


def check(
    told: Told,
    *,
    cancel: Callable[[], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Faithfulness:
    """Plays a run again and checks all of its records.

    Raises:
        StoreError: the run cannot be played again.
        ReplayCancelled: `cancel` returned true.
    """
    probe, regard = BindingProbe(), Regard()

    def look(replay: Replay, tick: int, *seen: Any) -> None:
        probe(replay, tick, *seen)
        regard(replay, tick, *seen)

    made = rerun.branches(told.store, told.run, probe=look, cancel=cancel, progress=progress)
    made.play_to(made.ticks)
    probe.close(made.first)
    again, wrong = made.first, _Wrong()
    number = -1
    for number, decision in enumerate(_all(told)):
        if not rerun.same(decision, rerun.logged(again, number)):
            wrong.executed.append(number)
            wrong.places.add(_place(told, again, decision))
        lacking = missing_numbers(sentence(decision), decision)
        if lacking:
            wrong.said.append(f"{number}: {', '.join(lacking)}")
    records = number + 1
    counted = lifted(probe.found, wrong.places | {(each.tick, each.pool) for each in probe.wrong})
    return Faithfulness(
        run_id=told.run.run_id, policy=told.run.policy, trace=told.run.trace_name,
        records=records,
        re_executed_frac=_share(records - len(wrong.executed), records),
        constrained=counted.constrained,
        reason_alone_frac=_share(counted.alone, counted.constrained),
        named=counted.named,
        lifted_frac=_share(counted.true, counted.named),
        not_bound=counted.constrained - counted.named,
        sentences_frac=_share(records - len(wrong.said), records),
        divided_by_siting=again.types is not None,
        attention=regard.figures(),
        examples=wrong.examples(),
    )  # fmt: skip


@dataclass(slots=True)
class _Wrong:
    """Records that failed."""

    executed: list[int] = field(default_factory=list)
    places: set[tuple[int, int]] = field(default_factory=set)
    """Tick and pool, or agent type, of the same."""
    said: list[str] = field(default_factory=list)

    def examples(self) -> tuple[str, ...]:
        """The first few in words."""
        executed = [f"decision {number} re-executes to another" for number in self.executed]
        said = [f"numbers not in the record of decision {text}" for text in self.said]
        return (*executed[:EXAMPLES], *said[:EXAMPLES])


def _place(told: Told, replay: Replay, decision: Decision) -> tuple[int, int]:
    pool = [each.name for each in told.scenario.pools].index(decision.pool)
    return rerun.tick_of(told.run, decision.t_s), kind_of_pool(replay, pool)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _all(told: Told) -> Iterator[Decision]:
    """Every decision of the run, in order."""
    after = -1
    while True:
        found = decisions(told, chosen(Span(), after=after), CHUNK)
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1].number
