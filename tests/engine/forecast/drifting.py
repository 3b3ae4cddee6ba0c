"""Demand that changes for good, and a model that learns nothing unless it is told to."""

import numpy as np

from tests.engine.forecast.series import made

BREAK = 1350


class Mean:
    """Says the mean of the last steps of what it learned from, for ever."""

    name = "mean"

    def __init__(self):
        self.learned = []

    def fit(self, train, horizons_s):
        self.level = np.nanmean(train.values[-3:])

    def update(self, known):
        self.learned.append(len(known.values))
        self.level = np.nanmean(known.values[-3:])

    def predict_quantiles(self, histories, horizons_s, levels):
        shape = (len(histories.demand), len(horizons_s), 1)
        return np.full(shape, self.level) + np.array([-1.0, 0.0, 1.0])


def broken(size=1500, jump=40.0):
    rng = np.random.default_rng(0)
    values = 20 + rng.standard_normal(size)
    values[BREAK:] += jump
    return made(values, start_s=0.0)
