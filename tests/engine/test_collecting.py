"""What was there before a replay is looked through by no full collection, and again afterwards."""

import gc

import pytest

from engine.collecting import old_left_alone


def test_what_was_there_is_left_alone_until_the_end_and_garbage_is_not():
    gc.collect()
    old = gc.get_freeze_count()
    with pytest.raises(ZeroDivisionError), old_left_alone():
        assert gc.get_freeze_count() > old + 1000
        ring: list[object] = []
        ring.append(ring)
        del ring
        assert gc.collect() >= 1
        _ = 1 / 0
    assert gc.get_freeze_count() == 0
