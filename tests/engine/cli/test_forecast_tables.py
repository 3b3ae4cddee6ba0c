"""Whatever demand is odd, its evaluation can be stored, shown and written."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from engine.cli.document import as_json
from engine.cli.forecast_tables import cells_table, left_out, markdown, models_table, summary
from engine.forecast.evaluation import Evaluation, evaluate
from engine.forecast.leaderboard import ablations, cells, verdict
from tests.engine.forecast.series import made

NOISE = np.random.default_rng(0).gamma(3.0, 2.0, 400)
AT = np.arange(400)
ODD = {
    "zeros": np.zeros(400),
    "constant": np.full(400, 5.0),
    "gaps": np.where(AT % 3 == 0, np.nan, NOISE),
    "nothing in the test part": np.where(AT > 330, np.nan, NOISE),
    "spike": np.where(AT == 370, 1e4, NOISE),
    "sets in late": (AT > 390) * 1.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("values", ODD.values(), ids=ODD.keys())
def test_an_evaluation_of_odd_demand_survives_storing_and_writing(values):
    found = evaluate(
        made(values, 60.0), models=("persistence", "ets", "bilstm"), seeds=(0,), origins=20
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Evaluation) == found
    compared = cells(found)
    judged, parts = verdict(compared), ablations([found])
    document = json.loads(as_json({"evaluation": found, "cells": compared, "verdict": judged}))
    assert document["evaluation"]["unit"] == "requests/s"
    said = summary(judged, parts) if judged else "nothing"
    text = markdown([found], compared, said, "the command")
    assert "nan" not in text.replace("|", " ").lower().split()
    assert cells_table(compared).row_count == len(compared)
    assert models_table([found]).row_count == len({row.model for row in found.rows})


def test_a_model_that_no_seed_could_fit_is_named_once():
    found = evaluate(
        made(NOISE, 60.0), models=("persistence", "bilstm-features"), seeds=(0, 1), origins=20
    )
    told = left_out(found)
    assert "bilstm-features" in told
    assert "bilstm-features, seed 1" not in told
    assert "seed 1" not in markdown([found], [], "", "the command")
    some = replace(found, left_out={"arima, seed 1": "no"})
    assert left_out(some) == {"arima, seed 1": "no"}


def test_the_summary_tells_coverage_that_is_wrong_from_coverage_that_cannot_be_told():
    (cell,) = cells(
        evaluate(made(NOISE, 60.0), models=("persistence",), horizons_s=(60.0,), seeds=(0,))
    )
    unsure = replace(cell, trace="short", coverage=0.86, coverage_margin=0.07)
    sure = replace(cell, trace="long", coverage=0.70, coverage_margin=0.02)
    fine = replace(cell, trace="fine", coverage=0.80, coverage_margin=0.02)
    said = summary(verdict([unsure, sure, fine]), [])
    assert "short 86.0% ± 7.0%, long 70.0% ± 2.0%, fine 80.0% ± 2.0%." in said
    assert "Outside 77% to 83%: short, long." in said
    assert "The test parts of short hold too few" in said
    assert "Not by chance alone: long." in said
    assert "Outside" not in summary(verdict([fine]), [])
    together = summary(verdict([unsure, sure, fine], {"two": ["short", "long"]}), [])
    assert (
        "covers 78.0% to 80.0% of what came, by family, and 70.0% to 86.0%, by trace." in together
    )
    assert (
        "two 78.0% ± 3.6% (long 70.0% ± 2.0%, short 86.0% ± 7.0%), fine 80.0% ± 2.0%. "
    ) in together
    assert "by itself, in a family that is inside: short, long. The test parts of s" in together
    assert "Not by chance alone: long." in together


def test_the_markdown_tells_which_traces_were_judged_at_several_ends():
    one = evaluate(made(NOISE, 60.0), models=("persistence",), horizons_s=(60.0,), seeds=(0,))
    several = replace(one, name="short", ends=(246, 289, 340, 400))
    alone = replace(one, name="long", ends=(400,))
    assert ": short at 4 ends, all outcomes together. Diff" in markdown(
        [several, alone], [], "", ""
    )
    assert "ends" not in markdown([alone], [], "", "").partition("Every model")[0]


def test_without_known_demand_in_the_test_part_nothing_is_scored():
    values = np.where(AT[:130] > 105, np.nan, NOISE[:130])  # too short for an earlier end
    found = evaluate(made(values, 60.0), models=("persistence",), seeds=(0,), origins=20)
    assert found.rows == ()
    assert verdict(cells(found)) is None
