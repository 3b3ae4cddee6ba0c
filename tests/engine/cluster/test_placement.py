"""Placement never overfills, opens a node only when it must, and stays near the optimum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cluster.placement import ASLEEP, HELD, NEW, fitting, fragmentation, free_frac, place
from engine.scenario import Placement

NODE = np.array([8.0, 32.0, 4.0])


def pack(rule, items, nodes, capacity=NODE):
    """Places workers of several kinds one after the other onto empty nodes; node of each."""
    free = np.tile(capacity, (nodes, 1))
    tier = np.full(nodes, NEW)
    kinds: dict[tuple, np.ndarray] = {}
    chosen = []
    for item in items:
        mine = kinds.setdefault(tuple(item), np.zeros(nodes, np.int64))
        got = place(
            rule, free=free, capacity=capacity, need=np.array(item), mine=mine, tier=tier, number=1
        )
        assert len(got) == 1
        node = int(got[0])
        open_before = [n for n in range(nodes) if tier[n] == HELD]
        if tier[node] == NEW:  # only where no open node has room
            assert not any(fitting(free[n : n + 1], np.array(item))[0] for n in open_before)
        free[node] -= item
        assert (free[node] >= -1e-9).all()
        tier[node] = HELD
        mine[node] += 1
        chosen.append(node)
    return chosen


def optimum(items, capacity=NODE):
    """Fewest nodes that hold all items, by trying every assignment."""
    best = [len(items)]

    def put(at, loads):
        if len(loads) >= best[0]:
            return
        if at == len(items):
            best[0] = len(loads)
            return
        for number in range(len(loads)):
            if (loads[number] + items[at] <= capacity + 1e-9).all():
                put(at + 1, [*loads[:number], loads[number] + items[at], *loads[number + 1 :]])
        put(at + 1, [*loads, np.array(items[at])])

    put(0, [])
    return best[0]


workers = st.tuples(
    st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0]),
    st.sampled_from([2.0, 4.0, 10.0, 17.0]),
    st.sampled_from([0.0, 0.0, 1.0, 2.0]),
)


@given(st.sampled_from(Placement), st.lists(workers, min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_three_resources_stay_within_the_proven_bound_of_the_optimum(rule, items):
    """Every rule that opens a node only when it must needs at most (d + 1) times the optimum
    with d resources (Kou and Markowsky 1977)."""
    used = len(set(pack(rule, items, len(items))))
    best = optimum(items)
    assert best <= used <= 4 * best


@given(
    st.sampled_from([Placement.FIRST, Placement.PACK]),
    st.lists(st.integers(1, 20), min_size=1, max_size=9),
)
@settings(max_examples=80, deadline=None)
def test_the_largest_first_stay_within_eleven_ninths_of_the_optimum(rule, sizes):
    """First and best fit decreasing: 11/9 optimum + 6/9 (Dosa 2007, Johnson 1974)."""
    capacity = np.array([20.0])
    items = [(float(size),) for size in sorted(sizes, reverse=True)]
    used = len(set(pack(rule, items, len(items), capacity)))
    assert used <= 11 / 9 * optimum(items, capacity) + 6 / 9 + 1e-9


@given(st.sampled_from(Placement), workers, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_equal_workers_take_as_few_nodes_as_possible(rule, need, number):
    each = int(fitting(NODE[None], np.array(need))[0])
    chosen = place(
        rule,
        free=np.tile(NODE, (40, 1)),
        capacity=NODE,
        need=np.array(need),
        mine=np.zeros(40, np.int64),
        tier=np.full(40, NEW),
        number=number,
    )
    assert len(chosen) == number
    assert len(set(chosen.tolist())) == math.ceil(number / each)


def put(rule, used, mine, number=1, tier=HELD):
    free = NODE - np.outer(used, NODE)
    return place(
        rule,
        free=free,
        capacity=NODE,
        need=np.array([1.0, 4.0, 0.0]),
        mine=np.array(mine),
        tier=np.full(len(used), tier),
        number=number,
    ).tolist()


def test_each_rule_prefers_its_node():
    used, mine = [0.5, 0.75, 0.25, 1.0], [0, 2, 1, 0]
    assert put(Placement.FIRST, used, mine) == [0]
    assert put(Placement.PACK, used, mine) == [1]
    assert put(Placement.SPREAD, used, mine) == [0]  # none of its workers there
    assert put(Placement.SPREAD, [0.5, 0.25], [1, 1]) == [1]  # as many, but more room


def test_spreading_takes_turns_and_packing_fills_up():
    assert put(Placement.SPREAD, [0.0, 0.0, 0.0], [0, 0, 0], 5) == [0, 1, 2, 0, 1]
    assert put(Placement.PACK, [0.0, 0.5], [0, 0], 6) == [1, 1, 1, 1, 0, 0]


def test_what_fits_nowhere_is_left_out():
    assert put(Placement.PACK, [0.75, 1.0], [0, 0], 5) == [0, 0]


def test_sleeping_nodes_are_woken_before_new_ones_are_ordered():
    tier = np.array([NEW, ASLEEP, HELD])
    free = np.vstack([NODE, NODE, NODE / 8])
    chosen = place(
        Placement.SPREAD,
        free=free,
        capacity=NODE,
        need=NODE / 8,
        mine=np.zeros(3, np.int64),
        tier=tier,
        number=11,
    )
    assert chosen.tolist() == [2, *[1] * 8, *[0] * 2]


def test_rounding_does_not_keep_a_worker_out():
    assert fitting(np.array([[0.3]]) - 0.1 - 0.1, np.array([0.1]))[0] == 1


def test_the_scarcest_resource_says_how_full_a_node_is():
    left = free_frac(np.array([[4.0, 4.0, 0.0], [8.0, 16.0, 3.0]]), np.array([8.0, 32.0, 0.0]))
    assert left == pytest.approx([0.125, 0.5])


def test_what_is_free_is_fragmented_when_it_is_scattered():
    assert fragmentation(np.array([[4.0, 8.0], [0.0, 0.0]])) == 0.0
    assert fragmentation(np.array([[4.0, 8.0], [4.0, 0.0]])) == 0.5
    assert fragmentation(np.ones((10, 1))) == pytest.approx(0.9)
    assert np.isnan(fragmentation(np.zeros((3, 2))))
