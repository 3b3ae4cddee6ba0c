"""A preset is broken only where the paired seeds say clearly that another one does better."""

import numpy as np
import pytest

from engine.bench import presets
from engine.scenario import WEIGHT_FIELDS


def card(cost, p99=(20.0, 21.0, 19.0)):
    return {"cost_usd": np.array(cost), "p99_s": np.array(p99)}


POLICIES = {name: name for name in ("latency first", "balanced", "cost first", "green")}


def test_a_clearly_cheaper_preset_breaks_cost_first_and_noise_does_not():
    cards = {name: card((10.0, 12.0, 14.0)) for name in POLICIES}
    cards["green"] = card((9.0, 11.0, 13.0))
    cards["balanced"] = card((6.0, 13.0, 15.0))  # cheaper once, dearer twice
    (broken,) = presets._presets_broken("bursty", POLICIES, cards)
    assert (broken["what"], broken["figure"]) == ("green beats cost first", "cost_usd")
    assert broken["worse_by"] == pytest.approx(1.0)


def test_a_step_to_more_weight_that_makes_it_worse_is_told():
    cards = {str(k): card((50.0 - k, 60.0 - k, 70.0 - k)) for k in range(5)}
    texts = list(cards)
    assert presets._ramp_broken("growth", "w_cost", texts, cards) == []
    cards["3"] = card((48.5, 58.4, 68.6))
    (broken,) = presets._ramp_broken("growth", "w_cost", texts, cards)
    assert broken["what"] == "w_cost from 0.45 to 0.65"


def test_a_ramp_leaves_the_other_weights_in_proportion():
    one, other = (presets._ramped("w_cost", share).normalised() for share in (0.2, 0.8))
    assert (one.w_cost, other.w_cost) == pytest.approx((0.2, 0.8))
    for name in set(WEIGHT_FIELDS) - {"w_cost"}:
        assert getattr(one, name) / one.w_latency == pytest.approx(
            getattr(other, name) / other.w_latency
        )
