"""The documented tables say what the code does."""

import numpy as np
import pytest

from engine.learn import tokens
from engine.learn.checkpoint import INPUTS, shipped
from engine.learn.insight import act
from engine.learn.interface import interface
from engine.learn.rewards import SCORES, score
from engine.learn.routing import STEPS, steps_of

TABLES = interface()


def test_every_number_of_the_observation_is_a_row_in_order():
    rows = TABLES["observation"]
    assert [row["index"] for row in rows] == list(range(tokens.WIDTH))
    assert [row["name"] for row in rows] == [*tokens.TOKEN, *tokens.CLUSTER]
    assert sum(row["of"] == "cluster" for row in rows) == len(tokens.CLUSTER)
    assert all(row["unit"] and row["scale"] > 0.0 for row in rows)
    for group, columns in tokens.GROUPS.items():
        assert {rows[column]["group"] for column in columns} == {group}


def test_every_row_of_every_table_has_its_index_name_unit_and_scale():
    for rows in TABLES.values():
        assert [row["index"] for row in rows] == list(range(len(rows)))
        assert len({(row["name"], row.get("of")) for row in rows}) == len(rows)
        assert all(row["unit"] and row["scale"] for row in rows)


def test_actions_stay_within_the_scales_that_are_told_and_come_to_their_ends():
    dial, _, weight = TABLES["action"]
    inputs = np.random.default_rng(1).standard_normal((500, INPUTS)).astype(np.float32)
    answers, _ = act(shipped(), 3.0 * inputs)
    assert (round(answers.min(), 2), round(answers.max(), 2)) == (-1.0, 1.0)
    assert np.abs(answers).max() <= 1.0
    assert dial["scale"] == "-1 to 1"
    logarithms = steps_of(np.array([-99.0, 99.0])) / STEPS
    assert weight["scale"] == f"{logarithms[0]:g} to {logarithms[1]:g}"


def test_scores_stay_in_the_ranges_that_are_told_and_come_to_their_ends():
    rng, found = np.random.default_rng(4), []
    for _ in range(4000):
        arrived = float(rng.integers(0, 50))
        missed = rng.choice([0.0, 1.0, rng.random()]) * arrived
        failed = rng.choice([0.0, 1.0, rng.random()]) * missed
        billed = rng.choice([0.0, rng.uniform(0, 30)])
        out = np.empty(len(SCORES))
        score(
            arrived, 3.0 * missed, missed, failed, rng.choice([0.75, rng.random(), 1.0]) * billed,
            billed, 4.0, 8.0, rng.uniform(0, 3), rng.uniform(0, 3), out,
        )  # fmt: skip
        found.append(out)
    lowest, highest = np.min(found, 0), np.max(found, 0)
    for row in TABLES["reward"]:
        low, high = row["range"]
        assert highest[row["index"]] == pytest.approx(high)
        assert low is None or lowest[row["index"]] == pytest.approx(low)
