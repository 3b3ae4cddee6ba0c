"""Optuna's Gaussian processes, asked about listed places only. Heavy to import."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.samplers import GPSampler

from engine.units import FloatArray


class ListedSampler(GPSampler):
    """Proposes the place of largest expected improvement among those given.

    Optuna itself searches with gradients and line by line, which takes several times as long as
    its fit.
    """

    def __init__(self, places: FloatArray, names: Sequence[str], seed: int) -> None:
        """Places to choose from.

        Args:
            places: (points, parameters), each 0 to 1.
            names: of the parameters; Optuna has them in alphabetical order.
            seed: of what is drawn.
        """
        super().__init__(seed=seed, n_startup_trials=1)
        self._places = places[:, np.argsort(names)]

    def _optimize_acqf(self, acqf: Any, best_params: Any) -> Any:  # noqa: ARG002 - Optuna's hook
        return self._places[int(np.argmax(acqf.eval_acqf_no_grad(self._places)))]
