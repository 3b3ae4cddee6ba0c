"""How far to believe explanations: every record of a run is checked by making it again.

Three shares must be 1: records that re-execute to the same decision, named constraints that
change it when lifted, sentences whose every number is in their record.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.explain import rerun
from engine.explain.decision import Decision
from engine.explain.found import missing_numbers
from engine.explain.gather import Told, chosen, decisions
from engine.explain.lifting import Binding, BindingProbe
from engine.explain.regard import AttentionFigures, Regard
from engine.explain.sentences import sentence
from engine.replay import Replay
from engine.store.run_queries import Span

__all__ = ["Faithfulness", "check"]

CHUNK = 5000
EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Figures of one run; shares are None where there is nothing to take a share of."""

    run_id: str
    policy: str
    trace: str
    records: int
    re_executed_frac: float | None
    """Records that re-execute to the same decision, after the same observation."""
    named: int
    """Records whose binding constraint is named."""
    lifted_frac: float | None
    """Of those, such that lifting it changes the size that the replay applied."""
    reason_alone_frac: float | None
    """Of those, such that the recorded reason alone does; the others are bound by several
    constraints at once, and all of them are named."""
    not_bound: int
    """Records with a constraint for a reason that changes nothing when all are lifted: the demand
    asks for the same size, so none is named."""
    sentences_frac: float | None
    """Sentences whose every number is found in their record."""
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
        return {**asdict(self), "holds": self.holds}


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
        lacking = missing_numbers(sentence(decision), decision)
        if lacking:
            wrong.said.append(f"{number}: {', '.join(lacking)}")
    records = number + 1
    named = [binding for binding in probe.found if binding.named]
    missed = {(binding.tick, binding.pool) for binding in probe.wrong}
    lifted = [
        binding
        for binding in named
        if binding.without != binding.applied and (binding.tick, binding.pool) not in missed
    ]
    return Faithfulness(
        run_id=told.run.run_id, policy=told.run.policy, trace=told.run.trace_name,
        records=records,
        re_executed_frac=_share(records - len(wrong.executed), records),
        named=len(named),
        lifted_frac=_share(len(lifted), len(named)),
        reason_alone_frac=_share(sum(binding.alone for binding in named), len(named)),
        not_bound=sum(_unnamed(binding) for binding in probe.found),
        sentences_frac=_share(records - len(wrong.said), records),
        divided_by_siting=again.types is not None,
        attention=regard.figures(),
        examples=wrong.examples(),
    )  # fmt: skip


@dataclass(slots=True)
class _Wrong:
    """Records that failed."""

    executed: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def examples(self) -> tuple[str, ...]:
        """The first few in words."""
        executed = [f"decision {number} re-executes to another" for number in self.executed]
        said = [f"numbers not in the record of decision {text}" for text in self.said]
        return (*executed[:EXAMPLES], *said[:EXAMPLES])


def _unnamed(binding: Binding) -> bool:
    return binding.constrained and not binding.named


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
