"""Orders: when their first worker was ready, also where workers were cancelled."""

import copy
from collections import Counter

from engine.orders import Orders


def told(orders, window_s=100.0):
    return [(o.t_s, o.pool, o.number, o.first_ready_s) for o in orders.results(window_s)]


def test_what_is_cancelled_is_taken_from_the_newest_order_of_its_pool_that_has_it():
    orders = Orders()
    orders.placed(0.0, 0, Counter({60.0: 2}))
    orders.placed(5.0, 1, Counter({60.0: 1}))
    orders.placed(10.0, 0, Counter({60.0: 1, 80.0: 1}))
    orders.cancelled(0, Counter({60.0: 1}))
    assert told(orders) == [(0.0, 0, 2, 60.0), (5.0, 1, 1, 60.0), (10.0, 0, 2, 80.0)]
    orders.cancelled(0, Counter({60.0: 2}))
    assert told(orders) == [(0.0, 0, 2, None), (5.0, 1, 1, 60.0), (10.0, 0, 2, 80.0)]


def test_what_nobody_ordered_cancels_nothing_and_what_comes_after_the_window_is_too_late():
    orders = Orders()
    orders.placed(0.0, 0, Counter({60.0: 1}))
    orders.cancelled(0, Counter({61.0: 1}))
    orders.cancelled(7, Counter({60.0: 1}))
    assert told(orders) == [(0.0, 0, 1, 60.0)]
    assert told(orders, window_s=60.0) == [(0.0, 0, 1, None)]


def test_a_copy_goes_its_own_way():
    orders = Orders()
    orders.placed(0.0, 0, Counter({60.0: 1}))
    copied = copy.deepcopy(orders)
    copied.cancelled(0, Counter({60.0: 1}))
    copied.placed(9.0, 0, Counter({70.0: 3}))
    assert told(orders) == [(0.0, 0, 1, 60.0)]
    assert told(copied) == [(0.0, 0, 1, None), (9.0, 0, 3, 70.0)]
