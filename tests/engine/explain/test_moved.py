"""What moved a learned policy is told with both networks that are shipped."""

import numpy as np
import pytest

from engine.explain.regard import agreement
from tests.engine.explain.conftest import TRANSFORMER

GROUPS = {"load", "resources", "history", "forecast", "time", "carbon", "priorities"}


@pytest.fixture(params=["smartscale", TRANSFORMER])
def told(request, explained):
    """The policy and what it says of a decision in the crowd."""
    planner, ids = explained
    one = planner.decision(ids[request.param], at_s=480.0, pool="own")
    return request.param, planner.asked(ids[request.param]).check(one).explanation


def test_every_group_has_an_attribution_and_each_neighbour_its_values(told):
    _, found = told
    assert set(found.groups) >= GROUPS
    assert found.attribution.shape == (2, len(found.groups))
    assert np.abs(found.attribution).max() > 0.0
    assert found.neighbours == (-2, -1, 0, 1, 2)
    assert found.values.shape == (2, 5, 5)
    assert np.isfinite(found.values[:, 2]).all()


def test_attention_is_told_by_layer_and_head_where_there_is_any(told):
    policy, found = told
    if policy == "smartscale":
        assert (found.attention, found.heads) == (None, None)
        return
    assert found.heads.shape == (2, 2, 4, len(found.groups))
    assert found.heads.sum(-1) == pytest.approx(1.0)
    assert found.attention.sum(-1) == pytest.approx(1.0)
    assert -1.0 <= agreement(found.attention[:1], np.abs(found.attribution[:1])) <= 1.0


def test_rows_without_ranks_agree_with_nothing():
    flat, steep = np.array([[0.5, 0.5]]), np.array([[1.0, 2.0]])
    assert agreement(flat, steep) is None
    both = agreement(np.concatenate([flat, steep]), np.concatenate([steep, steep]))
    assert both == pytest.approx(1.0)
