"""The forecast at one moment as a person looks at it: every step up to an hour, calibrated."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.forecast.base import HORIZONS_S, Model, Says
from engine.forecast.features import Scaler
from engine.forecast.gaps import knows_recent
from engine.forecast.histories import Histories
from engine.forecast.mixing import mixture
from engine.forecast.mixture import said_by, shares_of
from engine.forecast.network import Network
from engine.forecast.neural_encode import WINDOW
from engine.forecast.neural_inputs import lookback
from engine.forecast.scores import LEVELS
from engine.forecast.series import LEAST_STEPS, TRAIN, DemandSeries
from engine.forecast.watch import InForce, Key, Learned, Watch, network_of
from engine.units import SECONDS_PER_HOUR, FloatArray, IntArray

GROWTH = 1.1
"""A model is fitted anew when so many times the steps may be learned from."""
_NEVER_FITTED = 0
REACH_S = SECONDS_PER_HOUR
POINTS = 40
"""Horizons at most."""
CALIBRATED_ON = 300
"""Earlier forecasts at most that the calibration learns from."""
ATTENTIVE = ("bilstm", "lstm-attention", "tft")
"""Networks whose attention can be looked at."""
SHOWN_S, SHOWN_STEPS = 6 * SECONDS_PER_HOUR, (60, 300)
"""History beside the forecast: six hours, within so many steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """A forecast, what was known, and what came. Each value is the mean of a step, at its end."""

    name: str
    unit: str
    model: str
    step_s: float
    cut_s: float
    """Seconds since the trace's start; nothing after it was used."""
    horizons_s: FloatArray
    """(H,) seconds after the cut-off."""
    times_s: FloatArray
    """(H,) the same since the trace's start."""
    levels: tuple[float, ...]
    quantiles: FloatArray
    """(H, Q), never crossing, ≥ 0."""
    came: FloatArray
    """(H,); NaN where the trace does not say."""
    history_s: FloatArray
    history: FloatArray
    """(N,) the latest steps; NaN is a gap."""
    calibrated_on: int
    """Earlier forecasts that the interval was calibrated on; 0: as the model gave it."""
    fitted_until_s: float | None = None
    """Demand up to this time shaped the model; None: only demand before the cut-off, or none."""
    feature_attention: FloatArray | None = None
    """(12, 23) over steps and features, each row sums to 1; None: the model has none."""
    step_attention: FloatArray | None = None
    """(12,) over the latest steps, oldest first."""
    learned: tuple[Learned, ...] = ()
    """Where the network, kept from a fit, learned again after a drift before the cut-off."""

    @property
    def sees_later_demand(self) -> bool:
        """The model was fitted to demand after this cut-off: no fair test of it."""
        return self.fitted_until_s is not None and self.fitted_until_s > self.cut_s + 1e-6


def cut_of(series: DemandSeries, at_s: float) -> int:
    """Whole steps before a moment. Raises UsageError outside the series, or too close to it."""
    size, step_s = len(series.values), series.step_s
    cut = int(at_s // step_s + 1e-9) if np.isfinite(at_s) else -1
    if not LEAST_STEPS <= cut <= size + 1:
        raise UsageError(
            f"no forecast at {at_s:g} s: the demand has {size} steps of {step_s:g} s",
            series.name,
            f"Choose {LEAST_STEPS * step_s:g} to {size * step_s:g} s after the trace's start",
        )
    return min(cut, size)


def fitted_steps(cut: int) -> int:
    """First steps of a series that a model is fitted to for a cut-off.

    At most 70 % of what is known, and one of few numbers, each a tenth above the one before it:
    moments nearby share a fit.
    """
    most = max(LEAST_STEPS, round(TRAIN * cut))
    times = math.floor(math.log(most / LEAST_STEPS) / math.log(GROWTH) + 1e-9)
    return int(LEAST_STEPS * GROWTH**times)


def dense_horizons(step_s: float) -> FloatArray:
    """(H,) seconds ahead, from one step to an hour, the usual horizons among them.

    At least one, at most `POINTS`.
    """
    number = max(1, int(REACH_S // step_s))
    spaced = np.round(np.linspace(1, number, min(number, POINTS - len(HORIZONS_S))))
    usual = [round(h / step_s) for h in HORIZONS_S if step_s <= h <= REACH_S and h % step_s == 0]
    return np.asarray(np.unique([*spaced, *usual]) * step_s, np.float64)


Remembered = dict[tuple[int, int, Key], FloatArray]
"""(M, H, Q) by cut-off, length of history and what was in force: what a model said that is not
fitted again."""


class Fans:
    """Fans of one series and one model, quick to ask again at another moment.

    Moments nearby share a fit (see `fitted_steps`), and a model is asked once about each past
    cut-off; a trained network is never fitted.
    """

    def __init__(
        self,
        series: DemandSeries,
        make: Callable[[], Model],
        *,
        levels: Sequence[float] = LEVELS,
        calibrated: bool = True,
        fitted_until_s: float | None = None,
    ) -> None:
        """Nothing is fitted yet.

        Args:
            series: demand, what came after the moments included.
            make: a model that is not fitted.
            levels: quantiles, increasing.
            calibrated: whether to calibrate the outermost two.
            fitted_until_s: see `Fan`.
        """
        self._series, self._make, self._levels = series, make, levels
        self._calibrated, self._fitted_until_s = calibrated, fitted_until_s
        self._made: dict[int, tuple[Model, Remembered]] = {}
        self._lock = threading.Lock()

    def at(self, at_s: float) -> Fan:
        """The fan at a moment. Raises what `fan` raises."""
        with self._lock:
            steps = fitted_steps(cut_of(self._series, at_s))
            known = self._made.get(_NEVER_FITTED) or self._made.get(steps)
            model, remembered = known or (self._make(), {})
            network = network_of(model)
            with nullcontext() if network is None else one_thread():
                made = fan(
                    self._series, at_s, model, levels=self._levels, calibrated=self._calibrated,
                    fitted_until_s=self._fitted_until_s, loaded=known is not None,
                    remembered=remembered,
                )  # fmt: skip
            fixed = network is not None and network.fixed
            self._made[_NEVER_FITTED if fixed else steps] = model, remembered
            return made


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes in this thread alone: on a busy machine its helpers cost ten times more."""
    try:
        import torch
    except ModuleNotFoundError:  # loading the network says so
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fan(
    series: DemandSeries,
    at_s: float,
    model: Model,
    *,
    levels: Sequence[float] = LEVELS,
    calibrated: bool = True,
    fitted_until_s: float | None = None,
    loaded: bool = False,
    remembered: Remembered | None = None,
) -> Fan:
    """What the model says at a moment, from what was known then.

    It is fitted to about the first 70 % of the steps before the cut-off, as in an evaluation (see
    `fitted_steps`); the rest calibrates its interval.

    Args:
        series: demand, what came after the moment included.
        at_s: the moment, seconds since the series' start.
        model: not fitted yet.
        levels: quantiles, increasing.
        calibrated: whether to calibrate the outermost two.
        fitted_until_s: see `Fan`.
        loaded: the model needs no fit any more.
        remembered: of this series, horizons and levels; used and added to. None: ask again.

    Raises:
        UsageError: a moment with too few steps before it, or levels that a model cannot give.
        UnfitError: the steps before the moment are too few for this model.
        CheckpointError: the network cannot be loaded.
    """
    cut, horizons_s = cut_of(series, at_s), dense_horizons(series.step_s)
    ahead = np.round(horizons_s / series.step_s).astype(np.int64)
    known = series.before(cut)
    if not knows_recent(known.values):
        raise UsageError(
            f"the {WINDOW} steps before {at_s:g} s hold no value", series.name,
            "Choose a moment before the gap, or some steps after it",
        )  # fmt: skip
    fitted = fitted_steps(cut)
    if not loaded:
        model.fit(known.before(fitted), horizons_s.tolist())
    says, learned = model.at(known) if isinstance(model, Watch) else (model, ())
    asked = _Asked(known=known, fitted=fitted, ahead=ahead, horizons_s=horizons_s, levels=levels)
    latest = asked.histories(np.array([cut]))
    said, shares = asked.of(says, latest)[0], shares_of(says, horizons_s.tolist())
    quantiles, used = np.einsum("mh,mhq->hq", shares, said), 0
    if calibrated and len(levels) > 1:
        quantiles, used = _calibrated(
            says, asked, said, shares, {} if remembered is None else remembered
        )
    shown = min(cut, int(np.clip(round(SHOWN_S / series.step_s), *SHOWN_STEPS)))
    features, steps = _attention(network_of(says), latest)
    return Fan(
        name=series.name, unit=series.unit, model=model.name, step_s=series.step_s,
        cut_s=cut * series.step_s, horizons_s=horizons_s,
        times_s=cut * series.step_s + horizons_s, levels=tuple(levels), quantiles=quantiles,
        came=series.came(np.array([cut]), ahead)[0],
        history_s=np.arange(cut - shown + 1.0, cut + 1.0) * series.step_s,
        history=known.values[cut - shown :], calibrated_on=used, fitted_until_s=fitted_until_s,
        feature_attention=features, step_attention=steps, learned=learned,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    known: DemandSeries
    fitted: int
    ahead: IntArray
    horizons_s: FloatArray
    levels: Sequence[float]

    def histories(self, cuts: IntArray, length: int | None = None) -> Histories:
        features = self.known.before(self.fitted).features
        scaler = None if features is None else Scaler.fitted(features)
        length = length or lookback(self.known.step_s, int(self.ahead.max()))
        return self.known.histories(cuts, length, scaler)

    def before(self, model: Says, cuts: IntArray, remembered: Remembered) -> FloatArray:
        """(B, M, H, Q) at earlier cut-offs; the model is asked what is not remembered."""
        longest, have = lookback(self.known.step_s, int(self.ahead.max())), int(cuts.min())
        # A shorter history in coarse lengths, or each further cut-off would ask for another one.
        coarse = 1 << max(0, have.bit_length() - 3)
        length = longest if have >= longest else max(WINDOW, have - have % coarse)
        key = model.key if isinstance(model, InForce) else ()
        missing = np.array([cut for cut in cuts if (int(cut), length, key) not in remembered])
        if len(missing):
            made = self.of(model, self.histories(missing, length))
            for cut, one in zip(missing, made, strict=True):
                remembered[int(cut), length, key] = one
        return np.stack([remembered[int(cut), length, key] for cut in cuts])

    def of(self, model: Says, histories: Histories) -> FloatArray:
        """(B, M, H, Q) of each member."""
        said = said_by(model, histories, self.horizons_s.tolist(), self.levels)
        return said.transpose(1, 0, 2, 3)


def _calibrated(
    model: Says, asked: _Asked, latest: FloatArray, shares: FloatArray, remembered: Remembered
) -> tuple[FloatArray, int]:
    """(H, Q) with ends moved as earlier forecasts tell, and how many these were."""
    cut = len(asked.known.values)
    first = asked.fitted + WINDOW
    # Strides are powers of two, so that the grid stays where it is from cut-off to cut-off: the
    # fan does not jump, and what was said there before can be remembered.
    stride = 1 << max(0, math.ceil(math.log2(max(1, cut - first) / CALIBRATED_ON)))
    cuts = np.arange(-(-first // stride) * stride, cut, stride)
    came = asked.known.came(cuts, asked.ahead)
    used = int(np.isfinite(came[:, 0]).sum())
    if not used:
        return np.einsum("mh,mhq->hq", shares, latest), 0
    said = np.concatenate([asked.before(model, cuts, remembered), latest[None]])  # (B, M, H, Q)
    starts = np.append(cuts, cut)
    made = [
        mixture(
            said[:, :, h].transpose(1, 0, 2), shares[:, h], np.append(came[:, h], np.nan),
            starts, starts + steps, asked.levels,
        )[-1]
        for h, steps in enumerate(asked.ahead)
    ]  # fmt: skip
    return np.stack(made), used


def _attention(
    network: Network | None, latest: Histories
) -> tuple[FloatArray | None, FloatArray | None]:
    if network is None or network.forecaster.name not in ATTENTIVE:
        return None, None
    features, steps = network.attention(latest)
    return features[0], steps[0]
