"""A drift is noticed soon, a spike or noise is not taken for one."""

import numpy as np

from engine.forecast.drift import WARM_UP, DriftDetector, drifts


def test_a_lasting_rise_of_the_loss_is_noticed_within_a_few_dozen_outcomes():
    rng = np.random.default_rng(0)
    losses = np.concatenate([rng.gamma(4, 1, 300), rng.gamma(4, 3, 200)])
    found = drifts(losses)
    assert found
    assert 300 <= found[0] < 340


def test_noise_alone_is_rarely_called_a_drift():
    rng = np.random.default_rng(1)
    false = sum(len(drifts(rng.gamma(4, 1, 500))) for _ in range(40))
    assert false <= 4


def test_a_single_spike_is_no_drift():
    losses = np.ones(200) + np.tile([0.0, 0.1], 100)
    losses[120] = 1e9
    assert drifts(losses) == []


def test_after_a_drift_the_usual_loss_is_learnt_anew():
    losses = np.concatenate([np.full(100, 1.0), np.full(400, 5.0)])
    assert len(drifts(losses)) == 1


def test_nothing_is_said_before_the_usual_loss_is_known():
    detector = DriftDetector()
    assert not any(detector.learn(loss) for loss in [1.0, 1e9] * (WARM_UP // 2))
    assert not detector.learn(float("nan"))
