"""The registry of 23 features: what is absent is marked, scaling is learnt from training only."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.forecast.features import FROM_DEMAND, NAMES, REGISTRY, Features, Scaler
from tests.engine.forecast.series import made


def test_the_registry_has_23_features_with_units_and_meanings():
    assert len(REGISTRY) == len(set(NAMES)) == 23
    assert all(feature.unit and feature.meaning.endswith(".") for feature in REGISTRY)
    assert set(FROM_DEMAND) < set(NAMES)


def features(size=300, seed=0):
    rng = np.random.default_rng(seed)
    return Features(values={"cpu_mean": rng.random(size), "queue_length": rng.gamma(1, 50, size)})


def test_only_what_the_trace_has_is_present():
    known = features()
    window, present = known.windows(np.array([100, 300]), Scaler.fitted(known))
    assert [NAMES[i] for i in np.flatnonzero(present[0])] == ["cpu_mean", "queue_length"]
    absent = [i for i in range(23) if not present[0, i]]
    assert not window[:, :, absent].any()
    assert window[1, -1, 0] == known.values["cpu_mean"][299]


def test_scaling_is_learnt_from_the_training_part_only():
    known = features()
    changed = Features(values={n: c.copy() for n, c in known.values.items()})
    changed.values["queue_length"][200:] = 1e9
    one, other = (Scaler.fitted(f.before(200)) for f in (known, changed))
    assert one == other
    scaled = one.scaled("queue_length", known.values["queue_length"][:200])
    assert scaled.mean() == pytest.approx(0, abs=0.05)
    assert scaled.std() == pytest.approx(1, abs=0.05)


def test_gaps_are_filled_within_the_window_and_a_window_of_gaps_is_absent():
    known = features()
    known.values["cpu_mean"][50:62] = np.nan
    known.values["cpu_mean"][95] = np.nan
    scaler = Scaler.fitted(known)
    window, present = known.windows(np.array([62, 100]), scaler)
    assert not present[0, 0]
    assert present[1, 0]
    beside = known.values["cpu_mean"][[94, 96]]
    assert window[1, 7, 0] == pytest.approx(beside.mean())


def test_nothing_after_the_cut_off_is_in_a_window():
    known = features()
    changed = Features(values={n: c.copy() for n, c in known.values.items()})
    for column in changed.values.values():
        column[150:] = 7e7
    scaler = Scaler.fitted(known.before(100))
    for one, other in zip(
        *(f.windows(np.array([150]), scaler) for f in (known, changed)), strict=True
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["cpu", "request_rate", "sin_hour"])
def test_a_feature_that_no_trace_brings_is_refused(name):
    with pytest.raises(UsageError, match=name):
        Features(values={name: np.ones(5)})


def test_a_history_carries_its_features():
    series = made(np.arange(300.0) + 1, features=features())
    scaler = Scaler.fitted(series.features)
    found = series.histories(np.array([100, 200]), 50, scaler)
    assert found.features.shape == (2, 12, 23)
    assert found.present[:, 0].all()
    assert series.histories(np.array([100]), 50).features is None
