"""Series that the tests of forecasts share."""

import math

import numpy as np

from engine.forecast.series import DemandSeries


def made(values, step_s=300.0, start_s=math.nan, features=None):
    return DemandSeries(
        name="made", unit="requests/s", step_s=step_s, start_s=start_s,
        values=np.asarray(values, np.float64), features=features,
    )  # fmt: skip


def daily(days=4, step_s=300.0, seed=0, level=20.0):
    """A day's wave with counts around it."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(days * 86400 / step_s)) * step_s
    wave = level * (1 + 0.6 * np.sin(2 * np.pi * at / 86400))
    return made(rng.poisson(wave * step_s / 10) * 10 / step_s, step_s, start_s=0.0)
