"""How fast freshly started machines of one type are: measured, they are not all the same."""

import numpy as np

from engine.units import FloatArray

_SHARES = (
    0.0, 0.001, 0.003, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95,
    0.99, 1.0,
)  # fmt: skip
_SPEEDS = {
    "fixed": (
        0.665, 0.790, 0.868, 0.923, 0.963, 0.975, 0.985, 0.989, 0.992, 0.998, 1.002, 1.007,
        1.012, 1.017, 1.025, 1.031, 1.042, 1.065,
    ),
    "burstable": (
        0.470, 0.522, 0.555, 0.575, 0.599, 0.612, 0.644, 0.910, 0.925, 1.105, 1.117, 1.125,
        1.132, 1.141, 1.156, 1.244, 1.281, 1.334,
    ),
}  # fmt: skip
"""Quantiles, at `_SHARES`, of the throughput of new machines over its mean: 11,869 machines
D8s_v5 and 11,819 B8ms, Azure eastus, 2023-06 to 2024-05, PostgreSQL read-only (Freischuetz et
al., "TUNA", EuroSys 2025; AzurePublicDataset, CC-BY-4.0)."""


def node_speeds(kind: str, number: int, rng: np.random.Generator) -> FloatArray:
    """(number,) speeds of new machines, 1 on average; `kind` none: all 1."""
    if kind == "none":
        return np.ones(number)
    speeds = np.interp(rng.random(number), _SHARES, _SPEEDS[kind])
    return np.asarray(speeds, np.float64)
