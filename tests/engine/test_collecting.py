"""What was there before a replay is looked through by no full collection, and again afterwards."""

import gc
import weakref

import pytest

from engine.collecting import old_left_alone
from engine.replay import play, set_up
from tests.engine.replays import demand, scenario, spec


@pytest.fixture
def thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_was_there_is_left_alone_until_the_end_and_garbage_is_not(thawed):
    with pytest.raises(ZeroDivisionError), old_left_alone():
        assert gc.get_freeze_count() > 1000
        ring: list[object] = []
        ring.append(ring)
        del ring
        assert gc.collect() >= 1
        _ = 1 / 0
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_has_set_aside_stays_so(thawed):
    gc.freeze()
    before = gc.get_freeze_count()
    with old_left_alone(), old_left_alone():
        assert gc.get_freeze_count() == before
    assert gc.get_freeze_count() == before


@pytest.mark.parametrize("policy", ["hpa", "predictive", "smartscale"])
def test_a_replay_leaves_nothing_for_a_full_collection(policy):
    """What was there when another began would wait for one that never looks at it."""
    gc.collect()
    gc.disable()
    try:
        runs = set_up([spec(policy, demand(), scenario())])
        play(runs)
        held = weakref.ref(runs[0].fleet.state.outcomes)
        del runs
        assert held() is None
    finally:
        gc.enable()
