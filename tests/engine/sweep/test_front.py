import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.sweep.front import covered_frac, hypervolume, knee, on_front

CLOUDS = arrays(
    float, st.tuples(st.integers(1, 12), st.integers(2, 4)), elements=st.integers(0, 6).map(float)
)


@given(CLOUDS)
def test_a_point_is_on_the_front_unless_another_one_beats_it(values):
    front = on_front(values)
    for number, row in enumerate(values):
        beaten = [
            (other <= row).all() and (other < row).any() for other in np.delete(values, number, 0)
        ]
        assert front[number] != any(beaten)


def test_points_that_were_not_measured_are_never_on_the_front():
    assert on_front(np.array([[1.0, np.nan], [2.0, 2.0]])).tolist() == [False, True]


def test_the_knee_lies_farthest_below_the_chord():
    values = np.array([[0.0, 10.0], [1.0, 3.0], [2.0, 1.0], [6.0, 0.5], [10.0, 0.0]])
    assert knee(values) == 2
    assert knee(values * [100.0, 0.01] + [7.0, 7.0]) == 2  # units do not matter


@pytest.mark.parametrize(
    "values", [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 2.0], [1.0, 1.0], [2.0, 0.0]]]
)
def test_a_front_that_bends_nowhere_has_no_knee(values):
    assert knee(np.array(values)) is None


def test_the_hypervolume_of_boxes_known_by_hand():
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([4.0, 4.0])) == 7.0
    assert hypervolume(np.array([[0.0, 0.0, 0.0]]), np.array([2.0, 3.0, 4.0])) == 24.0
    assert hypervolume(np.array([[5.0, 5.0]]), np.array([4.0, 4.0])) == 0.0


@given(CLOUDS)
def test_the_hypervolume_agrees_with_counting_unit_cubes(values):
    reference = np.full(values.shape[1], 5.0)
    cells = np.stack(
        np.meshgrid(*[np.arange(5)] * values.shape[1], indexing="ij"), -1
    ).reshape(-1, values.shape[1])  # fmt: skip
    dominated = (values[None] <= cells[:, None]).all(axis=2).any(axis=1)
    assert hypervolume(values, reference) == pytest.approx(dominated.sum())


def test_a_better_point_covers_more():
    some = np.array([[0.0, 1.0], [1.0, 0.0], [0.6, 0.6]])
    assert covered_frac(some) < covered_frac(np.r_[some, [[0.2, 0.2]]])
    assert covered_frac(some[:1]) is None


def test_a_figure_that_does_not_vary_is_left_out():
    some = np.array([[0.0, 1.0], [1.0, 0.0], [0.6, 0.6], [0.2, 0.5]])
    flat = np.c_[some, np.full(4, 3.0)]
    assert covered_frac(flat) == covered_frac(some)
    assert covered_frac(flat[:, 1:]) is None


@pytest.mark.slow  # a clock says little while others work
def test_the_volume_of_400_points_in_four_figures_is_there_at_once():
    values = np.random.default_rng(0).exponential(size=(400, 4))
    values /= values.sum(axis=1, keepdims=True)
    assert on_front(values).all()
    began = time.process_time()
    assert 0.0 < covered_frac(values) < 1.0
    assert time.process_time() - began < 5.0  # it took minutes when every slice was cut anew
