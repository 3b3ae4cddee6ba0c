"""Learning again: after a drift was noticed, from what was known by then."""

import numpy as np

from engine.forecast.evaluation import evaluate
from engine.forecast.evaluation_plan import plan
from engine.forecast.relearning import MOST, TRIAL, relearned
from tests.engine.forecast.drifting import BREAK, Mean, broken
from tests.engine.forecast.series import made

HORIZONS_S = (300.0, 900.0)


def asked(series):
    tasks = plan(series, HORIZONS_S, 400)
    model = Mean()
    model.fit(series.before(tasks.parts.train), HORIZONS_S)
    before = model.predict_quantiles(tasks.histories, HORIZONS_S, (0.1, 0.5, 0.9))
    return model, tasks, before


def test_after_a_break_it_learns_again_and_is_better_for_it():
    model, tasks, before = asked(broken())
    after, found = relearned(model, before, tasks)
    assert found
    assert BREAK < found[0].step < BREAK + 60
    assert found[0].after < 0.5 * found[0].before
    old = tasks.cuts < found[0].step
    assert np.array_equal(after[old], before[old])
    assert not np.array_equal(after[~old], before[~old])
    assert model.learned == [entry.step for entry in found]


def test_what_it_learned_takes_over_only_after_it_has_lost_less_for_a_while():
    model, tasks, before = asked(broken())
    after, found = relearned(model, before, tasks)
    later = np.flatnonzero(tasks.cuts >= found[0].step)
    changed = (after[later, 0] != before[later, 0]).any(-1)
    assert not changed[:TRIAL].any()
    assert changed[TRIAL + 3 :].all()
    assert 0.5 < found[0].taken_frac < 1


def test_a_drift_that_is_over_does_not_spoil_the_forecasts_that_follow():
    series = broken()
    series.values[BREAK + 15 :] -= 40
    model, tasks, before = asked(made(series.values, start_s=0.0))
    _, found = relearned(model, before, tasks)
    assert found
    assert found[0].after <= found[0].before
    assert found[0].taken_frac == 0


def test_what_comes_later_does_not_decide_what_is_used_now():
    series = broken()
    model, tasks, before = asked(series)
    after, found = relearned(model, before, tasks)
    border = found[0].step + 2 * TRIAL
    values = series.values.copy()
    values[border:] = 20.0
    other, changed, same = asked(made(values, start_s=0.0))
    again, _ = relearned(other, same, changed)
    early = tasks.cuts <= border
    assert np.array_equal(again[early], after[early])
    assert (after[early] != before[early]).any()


def test_nothing_after_the_cut_off_decides_or_is_learned():
    series = broken()
    model, tasks, before = asked(series)
    _, found = relearned(model, before, tasks)
    values = series.values.copy()
    values[found[0].step :] = 1e6
    other, changed, same = asked(made(values, start_s=0.0))
    _, again = relearned(other, same, changed)
    assert again[0].step == found[0].step
    assert other.learned[0] == model.learned[0]


def test_without_a_drift_it_never_learns_again():
    model, tasks, before = asked(broken(jump=0.0))
    after, found = relearned(model, before, tasks)
    assert found == ()
    assert np.array_equal(after, before)


def test_it_learns_again_so_often_at_most():
    rng = np.random.default_rng(1)
    level = np.repeat([0.0, 50.0, 100.0, 200.0], [60, 130, 130, 130])
    values = np.concatenate([np.zeros(1050), level]) + 60 + rng.standard_normal(1500)
    model, tasks, before = asked(made(values, start_s=0.0))
    _, found = relearned(model, before, tasks)
    assert len(found) == MOST


def test_an_evaluation_tells_when_the_fitted_network_learned_again():
    found = evaluate(
        broken(), models=("persistence", "bilstm-fitted"), horizons_s=HORIZONS_S, seeds=(0,)
    )
    assert found.relearned
    assert all(entry.step > BREAK for entry in found.relearned)
