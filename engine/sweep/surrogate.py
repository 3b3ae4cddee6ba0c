"""A Gaussian process over the unit cube: what a figure may be where nothing was replayed yet.

Matérn 5/2 kernel with a length per axis around a plane, noise; hyperparameters by the largest
marginal likelihood (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006,
equations 2.30 and 4.17), with a weak prior that keeps lengths sensible for few points.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from engine.units import FloatArray

_LENGTH, _LENGTH_SD = np.log(0.5), 0.8
_NOISE, _NOISE_SD = np.log(1e-2), 2.0
_RIDGE = 0.05
_BOUNDS = ((np.log(0.05), np.log(5.0)), (np.log(1e-4), np.log(0.5)))


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A fitted process."""

    places: FloatArray
    """(N, D) in the unit cube."""
    lengths: FloatArray
    """(D,)."""
    factor: FloatArray
    """(N, N) lower Cholesky factor of the kernel."""
    solved: FloatArray
    """(N,) kernel⁻¹ · (scaled values)."""
    plane: FloatArray
    """(D + 1,) the trend: a constant and a slope per axis."""
    scale: float

    def predict(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free figure at places (M, D)."""
        cross = _kernel(places, self.places, self.lengths)
        half = solve_triangular(self.factor, cross.T, lower=True)
        variance = np.maximum(1.0 - (half**2).sum(axis=0), 1e-10)
        trend = _with_one(places) @ self.plane
        return trend + self.scale * (cross @ self.solved), self.scale * np.sqrt(variance)


def fit(places: FloatArray, values: FloatArray) -> Surrogate:
    """Fits a process to values (N,) at places (N, D)."""
    plane = _plane(places, values)
    rest = values - _with_one(places) @ plane
    scale = max(float(rest.std()), 0.1 * float(values.std())) or 1.0
    scaled = rest / scale
    width = places.shape[1]
    bounds = [_BOUNDS[0]] * width + [_BOUNDS[1]]
    starts = [np.r_[np.full(width, length), _NOISE] for length in (_LENGTH, np.log(0.2))]
    found = min(
        (minimize(_loss, start, (places, scaled), "L-BFGS-B", bounds=bounds) for start in starts),
        key=lambda result: float(result.fun),
    )
    lengths, noise = np.exp(found.x[:-1]), float(np.exp(found.x[-1]))
    lower, _ = cho_factor(_noisy(places, lengths, noise), lower=True)
    lower = np.tril(lower)
    return Surrogate(places, lengths, lower, cho_solve((lower, True), scaled), plane, scale)


def _plane(places: FloatArray, values: FloatArray) -> FloatArray:
    """Least squares with slopes held back a little, so that few points do not tilt it."""
    centred = places - places.mean(axis=0)
    slopes = np.linalg.solve(
        centred.T @ centred + _RIDGE * np.eye(places.shape[1]),
        centred.T @ (values - values.mean()),
    )
    plane: FloatArray = np.r_[values.mean() - places.mean(axis=0) @ slopes, slopes]
    return plane


def _with_one(places: FloatArray) -> FloatArray:
    made: FloatArray = np.c_[np.ones(len(places)), places]
    return made


def _loss(logs: FloatArray, places: FloatArray, scaled: FloatArray) -> float:
    """Minus the log marginal likelihood and the log prior, constants left out."""
    kernel = _noisy(places, np.exp(logs[:-1]), float(np.exp(logs[-1])))
    lower, _ = cho_factor(kernel, lower=True)
    fitted = 0.5 * scaled @ cho_solve((lower, True), scaled) + np.log(np.diag(lower)).sum()
    prior = 0.5 * (((logs[:-1] - _LENGTH) / _LENGTH_SD) ** 2).sum()
    return float(fitted + prior + 0.5 * ((logs[-1] - _NOISE) / _NOISE_SD) ** 2)


def _noisy(places: FloatArray, lengths: FloatArray, noise: float) -> FloatArray:
    made: FloatArray = _kernel(places, places, lengths) + noise**2 * np.eye(len(places))
    return made + 1e-9 * np.eye(len(places))


def _kernel(left: FloatArray, right: FloatArray, lengths: FloatArray) -> FloatArray:
    """(1 + √5 r + 5/3 r²) exp(−√5 r), r the distance in lengths."""
    gaps = (left[:, None, :] - right[None, :, :]) / lengths
    far = np.sqrt(5.0 * (gaps**2).sum(axis=2))
    made: FloatArray = (1.0 + far + far**2 / 3.0) * np.exp(-far)
    return made
