"""The registry of 23 features a step of a trace may have, and their scaling.

A feature that a trace lacks is marked absent, never invented. Names follow the reconstruction of
the source paper's Table 7 (12 steps of 23 features), which the copies do not print.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.errors import UsageError
from engine.forecast.neural_encode import WINDOW
from engine.forecast.neural_inputs import DEMAND, FEATURE_COUNT
from engine.units import BoolArray, FloatArray, IntArray


class Scaling(StrEnum):
    """How a feature's values are brought to a common size."""

    SHARE = "share"
    """Already between 0 and 1: kept."""
    LOG = "log"
    """Amounts of any size: logarithm of 1 + value, then standardised."""
    STANDARD = "standard"
    """Less the mean, over the deviation."""
    CYCLE = "cycle"
    """Part of a day or week: kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One entry of the registry."""

    name: str
    unit: str
    scaling: Scaling
    meaning: str


def _f(name: str, unit: str, scaling: Scaling, meaning: str) -> Feature:
    return Feature(name=name, unit=unit, scaling=scaling, meaning=meaning)


REGISTRY: tuple[Feature, ...] = (
    _f("cpu_mean", "share", Scaling.SHARE, "Mean use of processors."),
    _f("cpu_max", "share", Scaling.SHARE, "Highest use of a processor."),
    _f("cpu_provisioned", "cores", Scaling.LOG, "Processors provisioned."),
    _f("mem_used", "GiB", Scaling.LOG, "Memory in use."),
    _f("mem_provisioned", "GiB", Scaling.LOG, "Memory provisioned."),
    _f("disk_read", "MiB/s", Scaling.LOG, "Read from disks."),
    _f("disk_write", "MiB/s", Scaling.LOG, "Written to disks."),
    _f("disk_io_time", "share", Scaling.SHARE, "Share of time in which disks were busy."),
    _f("net_rx", "MiB/s", Scaling.LOG, "Received from the network."),
    _f("net_tx", "MiB/s", Scaling.LOG, "Sent to the network."),
    _f("gpu_util", "share", Scaling.SHARE, "Mean use of GPUs."),
    _f("request_rate", "requests/s", Scaling.LOG, "The demand that is forecast."),
    _f("queue_length", "requests", Scaling.LOG, "Waiting requests."),
    _f("inflight_tasks", "requests", Scaling.LOG, "Requests in service."),
    _f("p95_latency", "s", Scaling.LOG, "95th percentile of request latency."),
    _f("sla_violation_flag", "0 or 1", Scaling.SHARE, "Whether the SLO was broken."),
    _f("active_units", "workers", Scaling.LOG, "Ready workers."),
    _f("pending_units", "workers", Scaling.LOG, "Starting workers."),
    _f("grid_carbon_intensity", "g CO2e per kWh", Scaling.STANDARD, "Of the grid."),
    _f("green_energy_budget", "share", Scaling.SHARE, "Green energy left in the period."),
    _f("sin_hour", "-1 to 1", Scaling.CYCLE, "Sine of the time of day."),
    _f("cos_hour", "-1 to 1", Scaling.CYCLE, "Cosine of the time of day."),
    _f("day_of_week", "days", Scaling.CYCLE, "Time of the week, from Monday."),
)
NAMES = tuple(feature.name for feature in REGISTRY)
FROM_DEMAND = ("request_rate", "sin_hour", "cos_hour", "day_of_week")
"""Made from demand and the clock themselves."""
assert len(REGISTRY) == FEATURE_COUNT and NAMES.index("request_rate") == DEMAND


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a trace knows by step besides demand and the clock."""

    values: Mapping[str, FloatArray]
    """(T,) by name of the registry; NaN is a gap."""

    def __post_init__(self) -> None:
        for name in self.values:
            if name not in NAMES or name in FROM_DEMAND:
                raise UsageError(
                    f"{name!r} is no feature that a trace can bring", "features",
                    f"Use names of the registry: {', '.join(NAMES)}",
                )  # fmt: skip

    def before(self, cut: int) -> "Features":
        """What was known at a cut-off."""
        return Features(values={name: column[:cut] for name, column in self.values.items()})

    def windows(self, cuts: IntArray, scaler: "Scaler") -> tuple[FloatArray, BoolArray]:
        """(B, WINDOW, 23) scaled features of the last steps, and (B, 23) which are there.

        Gaps are filled along a straight line within the window; a feature without a value in
        the window is absent there.
        """
        made = np.zeros((len(cuts), WINDOW, FEATURE_COUNT))
        present = np.zeros((len(cuts), FEATURE_COUNT), np.bool_)
        at = np.maximum(cuts[:, None] + np.arange(-WINDOW, 0), 0)
        for name, column in self.values.items():
            place = NAMES.index(name)
            window = scaler.scaled(name, column[at])
            there = np.isfinite(window).any(1)
            made[there, :, place] = _straight(window[there])
            present[:, place] = there
        return made, present


def _straight(rows: FloatArray) -> FloatArray:
    made = rows.copy()
    steps = np.arange(rows.shape[1])
    for number in np.flatnonzero(np.isnan(rows).any(1)):
        known = np.isfinite(rows[number])
        made[number] = np.interp(steps, steps[known], rows[number, known])
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """Means and deviations of the training part."""

    mean: Mapping[str, float]
    deviation: Mapping[str, float]

    @classmethod
    def fitted(cls, train: Features) -> "Scaler":
        """From the training part only."""
        mean, deviation = {}, {}
        for name, column in train.values.items():
            known = _sized(name, column[np.isfinite(column)])
            mean[name] = float(known.mean()) if len(known) else 0.0
            deviation[name] = max(float(known.std()), 1e-9) if len(known) else 1.0
        return cls(mean=mean, deviation=deviation)

    def scaled(self, name: str, values: FloatArray) -> FloatArray:
        """Values as the networks read them."""
        sized = _sized(name, values)
        if REGISTRY[NAMES.index(name)].scaling in (Scaling.SHARE, Scaling.CYCLE):
            return sized
        standard: FloatArray = (sized - self.mean[name]) / self.deviation[name]
        return np.clip(standard, -8.0, 8.0)


def _sized(name: str, values: FloatArray) -> FloatArray:
    if REGISTRY[NAMES.index(name)].scaling is Scaling.LOG:
        logs: FloatArray = np.log1p(np.maximum(values, 0.0))
        return logs
    return values
