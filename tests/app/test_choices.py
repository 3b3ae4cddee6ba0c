"""Runs and traces are named so that people can tell them apart, and grouped fairly."""

from datetime import datetime

import pandas as pd

from app import choices, words


def runs(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """A list of runs from (id, policy, scenario hash, status), newest first."""
    ids, policies, hashes, statuses = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "run_id": ids,
            "policy": policies,
            "scenario_hash": hashes,
            "status": statuses,
            "trace_id": "t1",
            "trace_name": "chat",
            "scenario_name": "llm-agents",
            "epoch_s": float("nan"),
            "from_s": 0.0,
            "to_s": 7200.0,
            "slo_attainment_frac": 0.99,
            "p95_s": float("nan"),
            "cost_usd": 10.0,
            "created_at": datetime(2026, 11, 21),
            "note": None,
        }
    )


SAVED = runs(
    ("r5", "hpa", "h1", "done"),
    ("r4", "static", "h1", "done"),
    ("r3", "static", "h2", "done"),
    ("r2", "threshold", "h1", "cancelled"),
    ("r1", "hpa", "h1", "done"),
)


def test_only_runs_of_the_same_demand_and_scenario_are_offered_together():
    groups = choices.recent_comparisons(SAVED)
    assert [group.run_ids for group in groups] == [("r4", "r5")]
    assert groups[0].baseline == "r4"
    assert groups[0].label == "static and hpa on chat (2 h)"


def test_unfinished_runs_cannot_be_chosen():
    assert set(choices.run_options(SAVED)) == {"r5", "r4", "r3", "r1"}


def test_a_label_is_as_long_as_it_takes_to_tell_runs_apart():
    assert choices.run_labels({"a": ("static", "s", "t"), "b": ("hpa", "s", "t")}) == {
        "a": "static",
        "b": "hpa",
    }
    assert choices.run_labels({"a": ("hpa", "s1", "t"), "b": ("hpa", "s2", "t")}) == {
        "a": "hpa · s1",
        "b": "hpa · s2",
    }
    same = choices.run_labels({"abcdefgh": ("hpa", "s", "t"), "12345678": ("hpa", "s", "t")})
    assert same == {"abcdefgh": "hpa · abcdef", "12345678": "hpa · 123456"}
    assert choices.run_labels({}) == {}


def test_what_was_not_measured_is_blank_in_the_list():
    shown = choices.listing(SAVED, words.STATUSES)
    assert set(shown["p95"]) == {""}
    assert set(shown["cost"]) == {"$10.00"}
    assert set(shown["window"]) == {"2 h from the start"}
    assert list(shown["status"]) == ["Done", "Done", "Done", "Cancelled", "Done"]


def test_rows_that_are_gone_are_not_selected():
    assert list(choices.rows_at(SAVED, [0, 4, 9])["run_id"]) == ["r5", "r1"]


def test_the_beginning_of_an_id_is_enough_if_it_is_unique():
    labels = {"abc1": "x", "abd2": "y"}
    assert choices.starting_with(labels, "abc") == "abc1"
    assert choices.starting_with(labels, "ab") is None
    assert choices.starting_with(labels, "") is None
