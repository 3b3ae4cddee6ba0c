"""Fronts, what lies on them, and the report made of judgements."""

from dataclasses import replace

import pytest

from engine.errors import UsageError
from engine.evaluate.cases import KINDS, SEEDS, heldout
from engine.evaluate.families import DEFAULT, FAMILIES, settings_of
from engine.evaluate.frontier import cost_at, front, p99_at
from engine.evaluate.judge import Judgement
from engine.evaluate.report import report
from engine.evaluate.suite import evaluate
from engine.planner import Planner
from engine.scenario import Scenario
from tests.engine.replays import demand, keep, scenario

POINTS = [(1.0, 0.16), (2.0, 0.04), (4.0, 0.01), (3.0, 0.05)]


def test_a_front_holds_what_no_other_point_beats_in_both():
    assert front(POINTS) == [(1.0, 0.16), (2.0, 0.04), (4.0, 0.01)]


def test_between_two_points_cost_and_misses_are_logarithmic():
    found = cost_at(POINTS, 0.08)
    assert found.value == pytest.approx(2.0**0.5)
    assert not found.ends
    assert cost_at(POINTS, 0.02).value == pytest.approx(8.0**0.5)


def test_a_front_that_never_misses_so_little_has_no_cost_and_one_that_ends_says_so():
    assert cost_at(POINTS, 0.005) is None
    cheapest = cost_at(POINTS, 0.5)
    assert (cheapest.value, cheapest.ends) == (1.0, True)


def test_p99_at_equal_cost_is_the_best_that_the_money_buys():
    points = [(1.0, 20.0), (4.0, 5.0), (3.0, 30.0)]
    assert p99_at(points, 2.0).value == pytest.approx(12.5)
    assert p99_at(points, 0.9) is None
    assert (p99_at(points, 9.0).value, p99_at(points, 9.0).ends) == (5.0, True)


def judged(policy, case, cost, missed, p99_s=8.0):
    return Judgement(
        case=case, kind=case.split()[0], policy=policy, arrived=100, cost=cost, usd=cost,
        missed_frac=missed, slo_missed_frac=missed / 2, p99_s=p99_s, service_s=2.0,
    )  # fmt: skip


def test_the_report_pools_days_and_compares_at_the_misses_of_stock_hpa():
    hpa = [
        judged("hpa:target=0.5", "calm 1", 2.0, 0.0),
        judged("hpa:target=0.5", "wild 1", 4.0, 0.08),
    ]
    rule = [
        judged("predictive:target=0.8", "calm 1", 1.5, 0.0),
        judged("predictive:target=0.8", "wild 1", 3.0, 0.08),
    ]
    made = report({"hpa": hpa, "predictive": rule})
    (row,) = made["groups"]["pooled"]["cost_at_equal_misses"]
    assert (row["hpa_cost"], row["misses"]) == (3.0, 0.04)
    assert row["families"]["predictive"]["cost"] == pytest.approx(2.25)
    assert row["families"]["predictive"]["saving_frac"] == pytest.approx(0.25)
    assert set(made["groups"]) == {"pooled", "calm", "wild"}
    assert made["days"] == ["calm 1", "wild 1"]
    assert made["requests"] == 200
    slo = made["groups"]["pooled"]["cost_at_equal_slo_misses"][0]
    assert slo["misses"] == 0.02


def test_the_share_of_the_gap_to_the_bound_that_is_closed():
    days = {
        "hpa": [judged("hpa:target=0.5", "d 1", 3.0, 0.01)],
        "predictive": [judged("predictive", "d 1", 2.0, 0.01)],
        "oracle-plain": [judged("oracle", "d 1", 1.4, 0.01)],
        "oracle-searched": [judged("oracle:rounds=9", "d 1", 1.0, 0.01)],
    }
    (row,) = report(days)["groups"]["pooled"]["cost_at_equal_misses"]
    assert row["families"]["predictive"]["gap_closed_frac"] == pytest.approx(0.5)
    assert row["families"]["oracle"]["cost"] == pytest.approx(1.0)


def test_the_held_out_suite_is_four_kinds_of_three_seeds_each_its_own_cluster():
    cases = heldout()
    assert len(cases) == len(KINDS) * len(SEEDS) == 12
    assert len({case.identity for case in cases}) == 12
    again = heldout()
    assert [case.identity for case in cases] == [case.identity for case in again]
    assert len({case.scenario.agent_types[0].service_cv for case in cases}) >= 1


def test_every_setting_of_every_family_can_be_read_once():
    for name in DEFAULT:
        assert len(set(settings_of(name))) == len(FAMILIES[name])
    assert settings_of("hpa:target=0.65") == ("hpa:target=0.65",)


def test_an_allocator_of_ones_own_is_judged_by_its_whole_front():
    named = settings_of("smartscale:checkpoint=allocator-transformer")
    assert named == settings_of("smartscale-transformer")
    assert len(named) == len(FAMILIES["smartscale"])
    typed = "smartscale:checkpoint=allocator-transformer:cost=0.2"
    assert settings_of(typed) == (typed,)


@pytest.mark.slow
def test_judgements_are_kept_and_not_made_again(tmp_path, monkeypatch):
    chosen = replace(scenario(), keep_requests=False)
    with Planner(tmp_path / "s.duckdb") as planner:
        keep(planner, demand())
        given = {"traces": ("demand",), "policies": ("reactive:target=0.6",), "workers": 1}
        one = planner.evaluate(scenario=chosen, **given)

        def fail(*_):
            raise AssertionError("it is in the store already")

        monkeypatch.setattr("engine.evaluate.judge.run_out", fail)
        assert planner.evaluate(scenario=chosen, **given) == one
        with pytest.raises(AssertionError):
            planner.evaluate(scenario=chosen, fresh=True, **given)


def test_no_days_or_an_unknown_suite_are_refused(tmp_path):
    with Planner(tmp_path / "s.duckdb") as planner:
        with pytest.raises(UsageError, match="no days"):
            evaluate(planner._store, scenario=Scenario())
        with pytest.raises(UsageError, match="no suite"):
            evaluate(planner._store, suite="mine", scenario=Scenario())
