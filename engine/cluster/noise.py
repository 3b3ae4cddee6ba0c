"""How fast freshly started machines of one type are: measured, they are not all the same."""

import numpy as np

from engine.units import FloatArray

_SHARES = (
    0.0, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.21, 0.215, 0.22, 0.23,
    0.25, 0.3, 0.32, 0.33, 0.34, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85,
    0.9, 0.92, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0,
)  # fmt: skip
_SPEEDS = {
    "fixed": (
        0.665, 0.758, 0.79, 0.843, 0.899, 0.923, 0.943, 0.963, 0.975, 0.981, 0.985, 0.986,
        0.987, 0.987, 0.988, 0.989, 0.992, 0.994, 0.994, 0.995, 0.995, 0.998, 1.0, 1.002, 1.005,
        1.007, 1.009, 1.012, 1.015, 1.017, 1.021, 1.025, 1.027, 1.031, 1.037, 1.042, 1.046,
        1.055, 1.065,
    ),
    "burstable": (
        0.47, 0.495, 0.522, 0.547, 0.565, 0.575, 0.585, 0.599, 0.612, 0.624, 0.644, 0.654, 0.72,
        0.888, 0.901, 0.91, 0.925, 0.935, 0.953, 1.08, 1.09, 1.105, 1.112, 1.117, 1.121, 1.125,
        1.128, 1.132, 1.136, 1.141, 1.146, 1.156, 1.163, 1.244, 1.27, 1.281, 1.29, 1.302, 1.334,
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
