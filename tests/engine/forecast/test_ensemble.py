"""The ensemble as one model: what an evaluation mixes, weights from the later part only."""

import numpy as np
import pytest

from engine.forecast import evaluation, evaluation_models
from engine.forecast.base import UnfitError
from engine.forecast.ensemble import Ensemble
from engine.forecast.evaluation import MIXED, evaluate
from engine.forecast.evaluation_models import End, Found, ask
from engine.forecast.evaluation_plan import plan
from engine.forecast.fan import fan
from engine.forecast.registry import ENSEMBLE, find
from engine.forecast.scores import LEVELS
from tests.engine.forecast.series import daily, made

pytestmark = pytest.mark.slow

HORIZONS_S = (300.0, 900.0)


class Off:
    """The last value and so much more."""

    name = "off"

    def __init__(self, by, fits=True):
        self.by, self.fits, self.learned = by, fits, []

    def fit(self, train, horizons_s):
        if not self.fits:
            raise UnfitError("too short", train.name, "Use a longer trace")
        self.learned.append(len(train.values))

    def predict_quantiles(self, histories, horizons_s, levels):
        point = np.repeat(histories.demand[:, -1:], len(horizons_s), 1)[..., None]
        return np.maximum(point + self.by + np.asarray(levels) - 0.5, 0.0)


def level(size=340, at=50.0):
    return made(np.full(size, at))


def test_it_forecasts_as_the_row_of_an_evaluation_does(monkeypatch):
    series, names = daily().before(1000), ("lstm", "persistence")
    monkeypatch.setattr(evaluation_models, "ENSEMBLE", names)
    end = End(tasks=plan(series, HORIZONS_S, 400), found={})
    tasks, found = end.tasks, end.found
    for name in names:
        ask(found.setdefault(name, Found()), find(name).make(0), 0, tasks)
    end.mix((0,))
    alone = Ensemble({name: find(name).make(0) for name in names})
    alone.fit(series.before(tasks.parts.borders[0]), HORIZONS_S)
    said = alone.predict_quantiles(tasks.histories, HORIZONS_S, LEVELS)
    assert said == pytest.approx(found[MIXED].quantiles[0], rel=1e-6)


def test_members_learn_from_the_earlier_part_and_weights_from_the_later_one():
    members = {"good": Off(0.0), "bad": Off(40.0)}
    model = Ensemble(members)
    model.fit(level(), HORIZONS_S)
    assert [member.learned for member in members.values()] == [[280], [280]]
    assert model.weights == pytest.approx(np.array([[1.0, 1.0], [0.0, 0.0]]), abs=1e-6)


def test_weights_are_those_of_the_nearest_horizon():
    model = Ensemble({"over": Off(4.0), "under": Off(-4.0)})
    model.fit(level(), HORIZONS_S)
    asked = level().histories(np.array([300]), 20)
    found = model.predict_quantiles(asked, [600.0, 3600.0], (0.5,))
    assert found.ravel() == pytest.approx([50.0, 50.0])


def test_with_nothing_known_of_the_later_part_members_weigh_the_same():
    values = np.full(340, 50.0)
    values[270:] = np.nan
    model = Ensemble({"over": Off(1.0), "under": Off(3.0)})
    model.fit(made(values), HORIZONS_S)
    assert (model.weights == 0.5).all()


def test_it_learns_again_from_what_came_since():
    member = Off(0.0)
    model = Ensemble({"one": member})
    model.fit(level(), HORIZONS_S)
    model.update(level(680))
    assert member.learned == [280, 560]


@pytest.mark.parametrize(
    ("values", "why"),
    [(np.r_[np.full(300, np.nan), np.ones(40)], "holds no value"), (np.ones(340), "too short")],
)
def test_without_members_it_says_why(values, why):
    with pytest.raises(UnfitError, match=why):
        Ensemble({"one": Off(0.0, fits=False)}).fit(made(values), HORIZONS_S)


def test_an_evaluation_of_the_ensemble_brings_its_members(monkeypatch):
    for module in (evaluation, evaluation_models):
        monkeypatch.setattr(module, "ENSEMBLE", ("lstm", "ets"))
    found = evaluate(daily(days=2), models=(MIXED,), horizons_s=(300.0,), seeds=(0,), origins=20)
    assert {row.model for row in found.rows} == {MIXED, "lstm", "ets", "choice"}


def test_the_registry_has_it_and_a_fan_draws_it():
    assert find(MIXED).make(0)._members.keys() == set(ENSEMBLE)
    model = Ensemble({"lstm": find("lstm").make(0), "bilstm": find("bilstm").make(0)})
    found = fan(daily(days=2), 400 * 300.0, model)
    assert found.model == MIXED
    assert found.calibrated_on > 0
    assert (np.diff(found.quantiles, axis=1) >= 0).all()
