"""The fast kernel and the slow, obvious reference agree on every request and every tick."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.play import assert_same, play_on_kernel, play_on_reference
from tests.reference.scripts import FEATURES, busy_script, scripts

pytestmark = pytest.mark.slow


def check(script):
    assert_same(play_on_kernel(script), play_on_reference(script))


@pytest.mark.parametrize("feature", [None, *sorted(FEATURES)])
@settings(max_examples=50)
@given(data=st.data())
def test_both_agree_on_each_feature_alone(feature, data):
    check(data.draw(scripts(frozenset({feature} - {None}))))


@settings(max_examples=200)
@given(data=st.data())
def test_both_agree_on_features_combined(data):
    check(data.draw(scripts(data.draw(st.frozensets(st.sampled_from(sorted(FEATURES)))))))


@settings(max_examples=60)  # each holds all that the 200 above draw from
@given(data=st.data())
def test_both_agree_on_all_features_at_once(data):
    check(data.draw(scripts(FEATURES - {"abandon", "horizon"})))


@pytest.mark.parametrize("seed", range(60))
def test_both_agree_on_crowded_pools_that_are_scaled_all_the_time(seed):
    check(busy_script(seed))
