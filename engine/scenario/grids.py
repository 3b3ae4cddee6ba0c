"""Typical days of grids and of renewable sources: what a region uses that names no series."""

from collections.abc import Mapping
from types import MappingProxyType

FLAT = (1.0,) * 24

GRID_DAYS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "flat": FLAT,
        "california": (
            1.19, 1.18, 1.18, 1.18, 1.18, 1.18, 1.12, 0.99, 0.82, 0.72, 0.70, 0.69,
            0.69, 0.69, 0.70, 0.74, 0.86, 1.02, 1.15, 1.19, 1.20, 1.21, 1.21, 1.20,
        ),
        "texas": (
            0.96, 0.94, 0.93, 0.93, 0.94, 0.96, 1.00, 1.02, 1.00, 0.97, 0.96, 0.97,
            0.99, 1.00, 1.00, 1.00, 1.00, 1.02, 1.07, 1.11, 1.11, 1.08, 1.04, 1.00,
        ),
        "new-york": (
            0.98, 0.96, 0.95, 0.95, 0.95, 0.97, 0.98, 0.99, 1.00, 1.00, 1.00, 1.00,
            1.00, 1.00, 1.00, 1.01, 1.02, 1.04, 1.05, 1.06, 1.05, 1.03, 1.01, 0.99,
        ),
        "virginia": (
            0.98, 0.97, 0.96, 0.96, 0.97, 0.98, 0.99, 1.00, 1.00, 1.01, 1.01, 1.01,
            1.00, 1.00, 1.00, 1.00, 1.01, 1.02, 1.02, 1.03, 1.03, 1.03, 1.02, 0.99,
        ),
    }
)  # fmt: skip
"""Carbon intensity by hour of local standard time over the day's mean. Means over 2022 of what
the balancing authorities CISO, ERCO, NYIS and PJM generated, from the public data of form
EIA-930; their yearly means were 256, 347, 273 and 363 g per kWh."""

GREEN_DAYS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "flat": FLAT,
        "solar": (
            0.00, 0.00, 0.00, 0.00, 0.00, 0.02, 0.29, 0.97, 1.85, 2.37, 2.54, 2.58,
            2.58, 2.56, 2.50, 2.34, 1.89, 1.07, 0.36, 0.06, 0.01, 0.00, 0.00, 0.00,
        ),
        "wind": (
            1.20, 1.19, 1.16, 1.13, 1.11, 1.08, 1.06, 1.02, 0.96, 0.92, 0.87, 0.83,
            0.81, 0.81, 0.82, 0.84, 0.88, 0.90, 0.93, 0.97, 1.03, 1.11, 1.17, 1.20,
        ),
    }
)  # fmt: skip
"""Power by hour of local standard time over the day's mean: solar of CISO and wind of ERCO in
2022, from the same data."""
