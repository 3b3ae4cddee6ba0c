"""Optuna's Gaussian processes, asked about listed places only. Heavy to import."""

from typing import Any

import numpy as np
from optuna.samplers import GPSampler

from engine.units import FloatArray


class ListedSampler(GPSampler):
    """Proposes the place of largest expected improvement among those given.

    Optuna itself searches everywhere, with gradients and line by line, which takes several times
    as long as its fit and proposes what is known to be no better.
    """

    def __init__(self, places: FloatArray, seed: int) -> None:
        """Places to choose from.

        Args:
            places: (points, parameters), each 0 to 1, in the order of the parameters' names.
            seed: of what is drawn.
        """
        super().__init__(seed=seed, n_startup_trials=1)
        self._places = places

    def _optimize_acqf(self, acqf: Any, best_params: Any) -> Any:  # noqa: ARG002 - Optuna's hook
        return self._places[int(np.argmax(acqf.eval_acqf_no_grad(self._places)))]
