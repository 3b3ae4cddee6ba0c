"""Studies examine every variant on the same pools, keep what is finished and say it in a table."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import ReplayCancelled, UsageError
from engine.learn import ablation as studies
from engine.learn import checkpoint, crowding, lessons, training, transfer
from engine.learn import exam as exams
from engine.learn.ablation import ARMS, WHOLE, ablation
from engine.learn.exam import exam_of, saving, weights_of
from engine.learn.forms import DELTA, DIAL, FORMS, HEADROOM, Sight, wanted
from engine.learn.training import Plan, train
from models.sac_options import Options

TINY = Plan(
    episodes=1, cells=2, updates=1, buffer=500, value_updates=0, lesson_steps=2, critics_first=2,
    options=Options(width=16, batch=16, token_width=8, heads=2),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(training, "TICKS", 30)
    monkeypatch.setattr(lessons, "TICKS", 60)
    monkeypatch.setattr(exams, "TICKS", 12)
    monkeypatch.setattr(exams, "COSTS", (0.1, 0.5))
    monkeypatch.setattr(exams, "PLACES", (-0.5, 0.5))


@pytest.mark.slow
def test_every_variant_trains_and_takes_the_exam():
    exam = exam_of(2)
    for arm, change in ARMS.items():
        plan = change(TINY)
        learner = train(plan)
        found = exams.marks(exam, learner, plan.form)
        assert all(np.isfinite(mark.scores).all() for mark in found), arm


def test_hidden_groups_of_numbers_do_not_reach_the_networks():
    learner = train(ARMS["forecast not among what is seen"](TINY))
    rows = np.random.default_rng(1).standard_normal((3, len(learner.shift)))
    forecast = list(training.GROUPS["forecast"])
    standard = learner.standard(rows)
    assert (standard[:, forecast] == 0.0).all()
    assert (standard != 0.0).sum(1).min() == rows.shape[1] - len(forecast)


@pytest.mark.slow
def test_an_ablation_goes_on_where_it_was_and_refuses_another_plan(tmp_path, monkeypatch):
    given = {"seeds": (0,), "pools": 2, "arms": (WHOLE, "DQN")}
    first = ablation(tmp_path, TINY, **given)
    assert first["markdown"].count("\n") == 3
    monkeypatch.setattr(studies, "train", lambda *_, **__: pytest.fail("it was kept"))
    assert ablation(tmp_path, TINY, **given) == first
    with pytest.raises(UsageError, match="other settings"):
        ablation(tmp_path, replace(TINY, episodes=2), **given)
    with pytest.raises(UsageError, match="other settings"):
        ablation(tmp_path, replace(TINY, options=replace(TINY.options, batch=8)), **given)


@pytest.mark.slow
def test_a_transfer_has_ones_where_a_policy_is_examined_on_its_own_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "NAMES", ("daily waves", "crowds"))
    made = transfer.transfer(tmp_path, replace(TINY, updates=4), seeds=(0,), tuned=1, pools=4)
    (zero_shot,), (fine_tuned,) = made["zero_shot"], made["fine_tuned"]
    assert np.diag(zero_shot) == pytest.approx(1.0)
    assert np.array(fine_tuned).shape == (2, 2)
    assert fine_tuned[0][1] != zero_shot[0][1]
    # Of two kinds, all but one are the other: the same training, examined there.
    assert made["general"][0] == pytest.approx([zero_shot[1][0], zero_shot[0][1]])


def test_clusters_of_each_size_are_examined_once_and_the_answer_depends_on_the_size(
    tmp_path, monkeypatch
):
    first = crowding.crowding(tmp_path, pools=4, sizes=(1, 4))
    assert [row["size"] for row in first["rows"]] == [1, 4]
    assert first["rows"][0]["marks"] != first["rows"][1]["marks"]
    assert first["markdown"].count("\n") == 3
    monkeypatch.setattr(crowding, "marks", lambda *_: pytest.fail("it was kept"))
    assert crowding.crowding(tmp_path, pools=4, sizes=(1, 4)) == first
    with pytest.raises(ReplayCancelled, match="clusters of 1 pools"):
        crowding.crowding(tmp_path, pools=4, sizes=(1,), cancel=lambda: True)
    namesake = tmp_path / "new" / checkpoint.SHIPPED.name
    checkpoint.save(train(TINY), namesake, {})
    with pytest.raises(UsageError, match="other settings"):
        crowding.crowding(tmp_path, pools=4, start=namesake, sizes=(1, 4))


def test_a_table_of_transfer_holds_each_seed_against_its_own_training(monkeypatch):
    monkeypatch.setattr(transfer, "NAMES", ("daily waves", "crowds"))
    before = np.array([[[1.0, 0.5], [0.6, 1.5]], [[3.0, 1.0], [1.0, 2.0]]])
    after = before + np.array([[0.0, 0.25], [0.1, 0.0]])
    made = transfer.Matrix(
        before=before, after=after, general=np.array([[[0.8, 1.0]], [[0.9, 1.7]]]),
        lowest=np.array([0.0, 0.5]), constant=np.array([0.9, 1.25]),
    )  # fmt: skip
    assert transfer._table(made).splitlines()[2:] == [
        "| daily waves | 1 | 0.00 / 0.33, then 0.25 / 0.50 |",
        "| crowds | 0.60 / 0.33, then 0.70 / 0.37 | 1 |",
        "| all the others | 0.80 / 0.30 | 0.50 / 0.80 |",
        "| the best constants there | 0.90 / 0.30 | 0.75 / 0.50 |",
        "| mean score: random; its own training | 0.000; 1.000 / 3.000 | 0.500; 1.500 / 2.000 |",
    ]


def test_savings_are_read_off_the_rivals_front_at_equal_misses():
    constants = [(1.0, 0.1), (4.0, 0.001)]
    assert saving(constants, [(1.5, 0.01)]) == pytest.approx(0.25)  # constants: 2.0
    assert saving(constants, [(0.5, 0.2)]) is None
    assert weights_of(0.2) == pytest.approx([0.48, 0.0, 0.2, 0.32, 0.0])


def test_an_ablations_table_holds_every_variant_against_the_design_of_the_same_seed():
    def row(arm, seed, times, saved):
        found = [{"cost": times * c, "missed_frac": m} for c, m in ((1.0, 0.1), (4.0, 0.001))]
        return {
            "arm": arm, "seed": seed, "saving_frac": saved, "worth": 0.5, "cpu_s": 9.0,
            "marks": found,
        }  # fmt: skip

    rows = [
        row(WHOLE, 0, 1.0, 0.1), row("DQN", 0, 1.1, None),
        row(WHOLE, 1, 2.0, 0.14), row("DQN", 1, 1.9, -0.01),
    ]  # fmt: skip
    assert studies._table(rows, (WHOLE, "DQN")).splitlines()[2:] == [
        f"| {WHOLE} | +10.0 % / +14.0 %: +12.0 ± 2.0 |  | 0.500 | 9 |",
        "| DQN | - / -1.0 % | -10.0 % / +5.0 %: -2.5 ± 7.5 | 0.500 | 9 |",
    ]
    alone = studies._table(rows[1::2], ("DQN",)).splitlines()[-1]
    assert alone == "| DQN | - / -1.0 % | - / - | 0.500 | 9 |"


def test_an_action_means_capacity_ahead_over_present_demand_or_a_change_of_workers():
    sight = Sight(
        np.array([20.0]), np.array([2.0]), np.array([[0.0, 0.1, 0.2, 0.3]]), np.array([4.0]),
        np.array([0.0]), np.array([10]),
    )  # fmt: skip
    ends = {form: [wanted(form, np.array([at]), sight)[0] for at in (-1.0, 1.0)] for form in FORMS}
    demand = 20.0 * 2.0 / 4.0
    assert ends[DIAL] == pytest.approx([demand / 1.1, demand * np.exp(0.3) / 0.4])
    assert ends[HEADROOM] == pytest.approx([demand * np.exp(-0.1), demand * np.exp(1.6)])
    assert ends[DELTA] == [5.0, 15.0]
