"""Whether what a learned policy attends to is what moves it: attention beside attribution.

Attribution is by exact occlusion: a group of what the policy sees is hidden, and the change of
the wanted size is measured. Attention is believed as far as it agrees with that.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy

from engine.policies.base import Explains, Explanation, Observation
from engine.replay import Replay
from engine.units import FloatArray

__all__ = ["AttentionFigures", "Regard", "agreement", "expected"]

EVERY = 4
"""After a decision that the policy explained, it is asked again at the so-manieth after it."""
SEED = 7


def expected(found: Explanation, row: int, priorities: Mapping[str, float]) -> FloatArray | None:
    """(neighbours,) what the critics expect of a pool's sizes, points weighted by the priorities.

    Args:
        found: of a decision.
        row: the pool's.
        priorities: by name, such as `w_latency`.

    Returns:
        NaN where nothing comes to that size; None: the policy has no critics.
    """
    if found.values is None:
        return None
    weights = np.array([priorities[f"w_{name}"] for name in found.scores])
    made: FloatArray = found.values[row] @ weights
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionFigures:
    """Of one run; None where the policy has no attention."""

    decisions: int
    groups: tuple[str, ...]
    attribution: tuple[float, ...]
    """Mean change of the wanted size, in workers, if the group is hidden; one a group."""
    attention: tuple[float, ...] | None
    """Mean share of attention, one a group."""
    rank_correlation: float | None
    """Spearman's, of attention with attribution within a decision, mean over decisions."""
    top_change_workers: float | None
    """Mean change if the most attended group is hidden."""
    random_change_workers: float | None
    """Mean change if a group drawn evenly is hidden."""


@dataclass(slots=True)
class Regard:
    """Told by a replay of each evaluation; asks the policy what moved it."""

    _found: list[Explanation] = field(default_factory=list)
    _turn: int = 0

    def __call__(
        self, replay: Replay, _tick: int, observation: Observation, *_: FloatArray
    ) -> None:
        """See `engine.replay.Probe`."""
        if not isinstance(replay.policy, Explains):
            return
        self._turn += 1
        if self._turn < EVERY:
            return
        found = copy.deepcopy(replay.policy).explain(copy.deepcopy(observation))
        if found is not None:
            self._found.append(found)
            self._turn = 0

    def figures(self) -> AttentionFigures | None:
        """Over all decisions; None: there was nothing to ask."""
        if not self._found:
            return None
        moved = np.concatenate([np.abs(found.attribution) for found in self._found])
        seen = [found.attention for found in self._found if found.attention is not None]
        paid = np.concatenate(seen) if len(seen) == len(self._found) else None
        top = None if paid is None else moved[np.arange(len(moved)), paid.argmax(1)].mean()
        drawn = np.random.default_rng(SEED).integers(0, moved.shape[1], len(moved))
        drawn_change = moved[np.arange(len(moved)), drawn].mean()
        return AttentionFigures(
            decisions=len(moved),
            groups=self._found[0].groups,
            attribution=tuple(moved.mean(0).tolist()),
            attention=None if paid is None else tuple(paid.mean(0).tolist()),
            rank_correlation=None if paid is None else agreement(paid, moved),
            top_change_workers=None if top is None else float(top),
            random_change_workers=None if paid is None else float(drawn_change),
        )


def agreement(paid: FloatArray, moved: FloatArray) -> float | None:
    """Spearman's rank correlation of attention with how far hiding a group moves the size.

    Args:
        paid: (N, G) shares of attention.
        moved: (N, G) changes, without their sign.

    Returns:
        The mean over the rows; those without any spread have no ranks and are left out. None:
        all are.
    """
    spread = (np.ptp(paid, axis=1) > 0) & (np.ptp(moved, axis=1) > 0)
    if not spread.any():
        return None
    spearman = scipy.stats.spearmanr
    ranks = [spearman(a, b).statistic for a, b in zip(paid[spread], moved[spread], strict=True)]
    return float(np.mean(ranks))
