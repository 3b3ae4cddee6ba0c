"""A network kept from a fit and watched since: after a drift it learns again, on trial."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.forecast.base import HORIZONS_S, Says
from engine.forecast.gaps import knows_recent
from engine.forecast.histories import Histories, steps_ahead
from engine.forecast.mixture import nearest
from engine.forecast.network import Network
from engine.forecast.neural_encode import WINDOW
from engine.forecast.neural_inputs import lookback
from engine.forecast.relearning import attempts
from engine.forecast.scores import LEVELS
from engine.forecast.series import TRAIN, VALID, DemandSeries
from engine.units import BoolArray, FloatArray, IntArray

ORIGINS = 400
"""Cut-offs of a test part of usual length, at most, as in an evaluation."""
Path = tuple[int, ...]
"""Steps that were known each time that a network learned again."""
Key = tuple[tuple[int, bytes], ...]
"""What is in force: of each network its first step, and where it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A drift before the cut-off, and what the network that learned from it is worth there."""

    noticed_s: float
    """Seconds since the trace's start at which the losses told of a drift."""
    until_s: float
    """Demand up to then was learned; at or after `noticed_s`, before the cut-off."""
    horizons_s: tuple[float, ...]
    """Usual horizons at which it counts; none while it has not surely lost less."""
    of_s: tuple[float, ...]
    """The usual horizons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One network, from when it is asked, and at which of the usual horizons."""

    network: Network
    start: int
    counts: BoolArray


class InForce:
    """What counts at a cut-off: the kept network, and those that took over, from their start on.

    What such a network says of times that it learned from is never used.
    """

    def __init__(self, kept: Network, later: Sequence[_Part], horizons_s: FloatArray) -> None:
        self.name, self._kept, self._horizons = kept.name, kept, horizons_s.tolist()
        self._later = [part for part in later if part.counts.any()]

    @property
    def key(self) -> Key:
        """Two with the same key say the same."""
        return tuple((part.start, part.counts.tobytes()) for part in self._later)

    @property
    def network(self) -> Network:
        """The one that counts at the shortest horizon."""
        first = [part.network for part in self._later if part.counts[0]]
        return first[-1] if first else self._kept

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q)."""
        made = self._kept.predict_quantiles(histories, horizons_s, levels)
        place = [nearest(self._horizons, at) for at in horizons_s]
        cuts = np.zeros(len(made)) if histories.cut is None else histories.cut
        for part in self._later:
            takes = (cuts >= part.start)[:, None] & part.counts[place]
            if takes.any():
                again = part.network.predict_quantiles(histories, horizons_s, levels)
                made = np.where(takes[..., None], again, made)
        return made


class Watch:
    """A kept network whose losses are watched from the end of what it was fitted to.

    The rule is that of an evaluation (see `relearning`): Page's test notices a drift, a copy
    learns from all that is known by then, and it counts at a horizon while it has surely lost
    less than the one before it. Cut-offs lie on a grid that depends on nothing later, so each
    copy is made once, however often it is asked.
    """

    def __init__(self, kept: Network) -> None:
        """Nothing is loaded yet.

        Args:
            kept: from a fit; its checkpoint says up to when demand shaped it.
        """
        self.name, self.network = kept.name, kept
        self._later: dict[Path, Network] = {}

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Loads the network. Raises CheckpointError."""
        self.network.fit(train, horizons_s)

    def update(self, known: DemandSeries) -> None:
        """Learns from all of it."""
        self.network.update(known)

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q) as it was kept."""
        return self.network.predict_quantiles(histories, horizons_s, levels)

    def at(self, known: DemandSeries) -> tuple[InForce, tuple[Learned, ...]]:
        """What counts with so much known, and the drifts until then; nothing else is read."""
        asked = _asked(known, self.network.fitted_until_s)
        if asked is None:
            return InForce(self.network, (), np.ones(1)), ()
        learner = _Learner(self.network, self._later)
        made = learner.predict_quantiles(asked.histories, asked.horizons_s, LEVELS)
        parts, found = list[_Part](), list[Learned]()
        usual = np.array(asked.horizons_s)
        for one in attempts(learner, made, asked):
            start, counts = int(asked.cuts[one.start]), one.takes[-1]
            parts.append(_Part(network=learner.now, start=start, counts=counts))
            found.append(Learned(
                noticed_s=one.noticed * known.step_s, until_s=start * known.step_s,
                horizons_s=tuple(usual[counts].tolist()), of_s=asked.horizons_s,
            ))  # fmt: skip
        return InForce(self.network, parts, usual), tuple(found)


class _Learner:
    """The network as it learns again and again; what was learned before is taken from memory."""

    name = "learner"

    def __init__(self, kept: Network, memory: dict[Path, Network]) -> None:
        self.now, self._memory, self._path = kept, memory, Path()

    def fit(self, train: DemandSeries, horizons_s: Sequence[float]) -> None:
        """Loads it anew."""
        self.now.fit(train, horizons_s)

    def update(self, known: DemandSeries) -> None:
        """A copy learns; the network itself stays as it is."""
        self._path += (len(known.values),)
        if self._path not in self._memory:
            again = copy.copy(self.now)
            again.update(known)
            self._memory[self._path] = again
        self.now = self._memory[self._path]

    def predict_quantiles(
        self, histories: Histories, horizons_s: Sequence[float], levels: Sequence[float]
    ) -> FloatArray:
        """(B, H, Q)."""
        return self.now.predict_quantiles(histories, horizons_s, levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """As `relearning.Asked`."""

    series: DemandSeries
    horizons_s: tuple[float, ...]
    ahead: IntArray
    cuts: IntArray
    histories: Histories
    came: FloatArray


def _asked(known: DemandSeries, fitted_until_s: float) -> _Asked | None:
    """Cut-offs since the fit; None where there is none yet."""
    step_s, size = known.step_s, len(known.values)
    fitted = round(fitted_until_s / step_s)
    stride = max(1, round(fitted * (1 - TRAIN - VALID) / (TRAIN + VALID) / ORIGINS))
    grid = np.arange(fitted + WINDOW, size + 1, stride)
    cuts = np.array([cut for cut in grid if knows_recent(known.values[:cut])], np.int64)
    if not len(cuts):
        return None
    ahead = np.unique(steps_ahead([h for h in HORIZONS_S if h >= step_s] or [step_s], step_s))
    return _Asked(
        series=known, horizons_s=tuple((ahead * step_s).tolist()), ahead=ahead, cuts=cuts,
        histories=known.histories(cuts, lookback(step_s, int(ahead.max()))),
        came=known.came(cuts, ahead),
    )  # fmt: skip


def network_of(model: Says) -> Network | None:
    """The network that a model is, or holds; None: it is none."""
    if isinstance(model, Watch | InForce):
        return model.network
    return model if isinstance(model, Network) else None
