"""The network that says what worker sizes gain: what it learns from, its answers, its files."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from engine.errors import CheckpointError
from engine.learn import checkpoint as files
from engine.learn import size_lessons as lessons
from engine.learn import sizer
from engine.learn.cells import BIN_S, HISTORY_S, episode
from engine.learn.rewards import SCORES
from engine.learn.size_lessons import EVERY, SIZES, size_lessons
from engine.learn.size_training import CARD, SizePlan, examined, fitted, train_sizer
from engine.learn.sizer import (
    DOUBT,
    Offer,
    beside,
    candidates,
    gains,
    load,
    preferred,
    shipped,
    told_to,
)
from engine.learn.tokens import WIDTH


def offer(order=(0, 1, 2), held=0, demand_slots=12.0):
    """One pool with three sizes, in an order."""
    at = list(order)
    return Offer(
        slots=np.array([[4.0, 8.0, 2.0]])[:, at], speed=np.array([[1.0, 1.1, 0.8]])[:, at],
        price=np.array([[1.0, 1.7, 0.5]])[:, at], held=np.array([at.index(held)]),
        demand=np.array([demand_slots]), wanted=np.array([3.6]),
        limits=np.array([[1.0, 40.0]]),
    )  # fmt: skip


def points(one, weights, rows):
    seen = beside(rows, told_to(weights), candidates(one))
    return (gains(shipped(), seen, one.held) * weights[:, None]).sum(2)[0]


@pytest.fixture(scope="module")
def lived():
    """Pools that no training saw, each size sustained."""
    return size_lessons(77, 1, 12)


def test_sizes_in_another_order_are_worth_the_same_in_that_order():
    rng = np.random.default_rng(3)
    rows, weights = rng.standard_normal((1, WIDTH)), np.full((1, 5), 0.2)
    plain = points(offer(), weights, rows)
    for order in ((2, 0, 1), (1, 2, 0), (0, 2, 1)):
        assert np.array_equal(points(offer(order), weights, rows), plain[list(order)])
    assert plain[0] == 0.0
    assert len(set(plain.tolist())) == 3


def test_workers_wanted_of_each_size_have_the_capacity_that_is_wanted_and_are_whole():
    one = offer()
    assert (one.workers() * one.power)[0] == pytest.approx([14.4] * 3)
    assert one.whole()[0].tolist() == [4.0, 2.0, 9.0]
    assert replace_limits(one, 3.0).whole()[0].tolist() == [3.0, 2.0, 3.0]


def replace_limits(one, most):
    return one._replace(limits=np.array([[1.0, most]]))


def test_priorities_alone_move_the_choice(lived):
    """On the same states, cost first takes cheaper capacity than latency first."""
    cheap, safe = (chosen(lived, name) for name in ("cost", "latency"))
    paid = np.exp(lived.candidates[:, 0, :, sizer.CANDIDATE.index(sizer.COST)].astype(float))
    at = np.arange(len(paid))
    assert (cheap != safe).mean() > 0.1
    assert paid[at, cheap].mean() < 0.9 * paid[at, safe].mean()


def chosen(made, name):
    weights = np.tile(np.where(np.array(SCORES) == name, 0.9, 0.025), (len(made.rows), 1))
    held = np.zeros(len(made.rows), np.int64)
    seen = beside(made.rows[:, 0], told_to(weights), made.candidates[:, 0])
    return (gains(shipped(), seen, held) * weights[:, None]).sum(2).argmax(1)


def test_every_size_meets_the_same_arrivals_and_the_shipped_choice_beats_random_and_cheapest(
    lived,
):
    assert lived.rows.shape[1:] == (SIZES, WIDTH)
    assert np.isfinite(lived.scores).all()
    marks = examined(shipped(), lived)
    assert marks.chosen > marks.anyhow + 0.6 * (marks.best - marks.anyhow)
    assert marks.chosen > marks.cheapest


def test_lessons_tell_nothing_of_the_demand_to_come(monkeypatch):
    """Another future from the tenth minute on: the same sizes, limits and numbers until then."""
    ticks, cells = 40, 3
    now_s = ticks * BIN_S

    def changed(*given):
        made = episode(*given)
        requests, counts = made.requests.requests.copy(), made.counts.copy()
        late = requests["arrival_s"] >= now_s
        requests["work_s"][late] *= 3.0
        requests["arrival_s"][late] += 0.5 * (now_s - requests["arrival_s"][late])
        counts[:, HISTORY_S + int(now_s) :] *= 5
        return replace(made, requests=made.requests._replace(requests=requests), counts=counts)

    one = size_lessons(3, 1, cells)
    monkeypatch.setattr(lessons, "episode", changed)
    other = size_lessons(3, 1, cells)
    until = ticks // EVERY * cells
    for name in ("rows", "candidates"):
        before, after = getattr(one, name), getattr(other, name)
        assert np.array_equal(before[:until], after[:until])
        assert not np.array_equal(before, after)  # what is changed does come to be seen
    assert not np.array_equal(one.scores[:until], other.scores[:until])


@pytest.mark.slow
def test_a_short_training_beats_sizes_drawn_at_random_on_unseen_pools(lived):
    """A third of the way to the best in hindsight; a network that learned nothing stays near 0."""
    marks = examined(fitted(SizePlan(episodes=2, cells=24, steps=300, seed=5)), lived)
    assert marks.chosen > marks.anyhow + (marks.best - marks.anyhow) / 3.0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_network_and_it_can_be_loaded(tmp_path):
    plan = SizePlan(episodes=1, cells=4, steps=3, exam=1)
    for name in ("one", "other"):
        train_sizer(tmp_path / name, plan)
    (one, about), (other, same) = (load(tmp_path / name) for name in ("one", "other"))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert about == same
    files_of = [(tmp_path / name / files.WEIGHTS).read_bytes() for name in ("one", "other")]
    assert files_of[0] == files_of[1]
    assert about["plan"]["cells"] == 4
    assert "smartscale train sizer" in (tmp_path / "one" / CARD).read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"about": None}, "it holds no 'about'"),
        ({"about": "{"}, "header is damaged"),
        ({"about": "[1]"}, "do not fit"),
        ({"table": "[]"}, "another version"),
        ({"forecaster": "0123"}, "beside another forecaster"),
        ({"dial": "0123"}, "beside another dial"),
        ({"dial": None}, "beside another dial"),
    ],
)
def test_a_sizer_whose_header_is_wrong_is_refused_with_what_where_and_a_fix(
    tmp_path, change, told
):
    with safe_open(sizer.SHIPPED / files.WEIGHTS, "np") as file:
        header = file.metadata() | change
    kept = {name: value for name, value in header.items() if value is not None}
    save_file(load_file(sizer.SHIPPED / files.WEIGHTS), tmp_path / files.WEIGHTS, kept)
    with pytest.raises(CheckpointError, match=told) as refused:
        load(tmp_path)
    assert refused.value.where == f"checkpoint {tmp_path.name}"
    assert "smartscale train sizer" in refused.value.fix


def test_weights_that_do_not_fit_or_cannot_be_read_are_refused(tmp_path):
    sizer.save(shipped()._replace(w2=np.zeros((3, 3), np.float32)), tmp_path, {})
    with pytest.raises(CheckpointError, match="do not fit"):
        load(tmp_path)
    (tmp_path / files.WEIGHTS).write_bytes(b"no")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path)


def test_of_sizes_that_are_hardly_worse_the_cheapest_is_preferred_and_they_do_not_take_turns():
    money, held, doubt = np.array([[0.0, 0.4, -0.5]]), np.array([0]), np.array([DOUBT])
    for points, best in (
        ([0.0, -0.02, 0.06], 2), ([0.0, 0.0, 0.04], 0), ([0.0, -0.02, 0.0], 1),
        ([0.0, -0.04, 0.0], 0), ([0.0, 0.2, 0.3], 2), ([0.0, 0.28, 0.3], 1),
        ([0.0, -np.inf, 0.06], 2),
    ):  # fmt: skip
        assert preferred(np.array([points]), money, held, doubt).tolist() == [best]
    behind = np.array([[0.04, 0.0, -1.0]])
    assert preferred(behind, money, np.array([1]), doubt).tolist() == [1]
    assert preferred(behind, money, np.array([0]), doubt).tolist() == [0]
    assert preferred(behind, money, np.array([1]), 0.0 * doubt).tolist() == [0]
