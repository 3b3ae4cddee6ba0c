"""What is built in was measured: noise of machines and days of grids, against the public data."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from engine.cluster.noise import node_speeds
from engine.scenario.grids import GREEN_DAYS, GRID_DAYS

TRACES = Path(__file__).parents[4] / "shared" / "traces"
NOISE = {"fixed": "D8s_v5", "burstable": "B8ms"}
GRIDS = {
    "california": ("CISO", -8), "texas": ("ERCO", -6), "new-york": ("NYIS", -5),
    "virginia": ("PJM", -5),
}  # fmt: skip

absent = pytest.mark.skipif(not TRACES.is_dir(), reason="the measured series are not here")


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@absent
@pytest.mark.parametrize("kind", NOISE)
def test_speeds_of_fresh_machines_are_spread_as_the_measured_ones(kind):
    """Kolmogorov-Smirnov distance below 3 %, mean within 1 %, deviation within 3 %."""
    name = f"postgres_readonly_tps__short__eastus__{NOISE[kind]}.csv.gz"
    measured = np.array([float(row["value"]) for row in rows(TRACES / "vm_noise_azure" / name)])
    measured = np.sort(measured / measured.mean())
    drawn = np.sort(node_speeds(kind, 50_000, np.random.default_rng(1)))
    at = np.concatenate((measured, drawn))
    apart = np.abs(
        np.searchsorted(measured, at, side="right") / len(measured)
        - np.searchsorted(drawn, at, side="right") / len(drawn)
    )
    assert apart.max() < 0.03
    assert drawn.mean() == pytest.approx(1.0, abs=0.01)
    assert drawn.std() == pytest.approx(measured.std(), rel=0.03)


def hours(zone, offset_h, column):
    """(24,) mean by hour of local standard time, and the mean of all."""
    table = rows(TRACES / "carbon_us_2022" / f"{zone}_NG_avgCI_2022.csv.gz")
    values = np.array([float(row[column] or "nan") for row in table])
    generated = np.array(
        [sum(float(row[key] or 0) for key in row if key.isupper()) for row in table]
    )
    values[generated < 0.1 * np.median(generated)] = np.nan  # hours that were not reported
    hour = (np.arange(len(values)) + offset_h) % 24
    means = np.array([np.nanmean(values[hour == h]) for h in range(24)])
    return means / means.mean()


@absent
@pytest.mark.parametrize("name", GRIDS)
def test_typical_days_of_grids_are_the_means_of_the_measured_year(name):
    assert hours(*GRIDS[name], "avg_CI") == pytest.approx(np.array(GRID_DAYS[name]), abs=0.011)


@absent
@pytest.mark.parametrize(
    ("name", "zone", "column"), [("solar", "CISO", "SUN"), ("wind", "ERCO", "WND")]
)
def test_typical_days_of_renewable_energy_are_the_means_of_the_measured_year(name, zone, column):
    offset_h = dict(GRIDS.values())[zone]
    found = hours(zone, offset_h, column)
    assert found == pytest.approx(np.array(GREEN_DAYS[name]), abs=0.02)
