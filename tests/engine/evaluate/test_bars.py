"""Bars: read off the fronts, by training seed, with intervals over days, and as a table."""

import math

import numpy as np
import pytest

from engine.evaluate.bars import NO_RIVAL, NOT_REACHED, SAME_RULE, suite_bars, trace_bars
from engine.evaluate.families import FAMILIES, SEEDS
from engine.evaluate.judge import Judgement
from engine.evaluate.noise import drawn_days, interval
from engine.evaluate.report import report
from engine.learn.checkpoint import SHIPPED, folder_of

STOCK = ["hpa:target=0.5"]


def judged(policy, case, cost, missed, p99_s=8.0):
    return Judgement(
        case=case, kind=case.split()[0], policy=policy, arrived=100, cost=cost, usd=cost,
        missed_frac=missed, slo_missed_frac=missed / 2, p99_s=p99_s, service_s=2.0,
    )  # fmt: skip


def front(*pairs, p99=4.0):
    return np.array([(cost, missed, p99) for cost, missed in pairs])


def read(bars, points, name, at, own="smartscale"):
    (bar,) = [bar for bar in bars if bar.name == name and bar.at == at]
    return bar.read(points, own)


def test_savings_are_read_at_equal_misses():
    points = {
        "hpa": front((4.0, 0.02), p99=10.0),
        "hpa-any": front((4.0, 0.02), (3.0, 0.05)),
        "hpa-in-flight": front((3.0, 0.04)),
        "predictive": front((2.0, 0.01), (1.6, 0.04)),
        "oracle": front((1.0, 0.001), (0.8, 0.5)),
        "oracle-plain": front((1.0, 0.001), (0.8, 0.5)),
        "smartscale": front((1.8, 0.01), (1.6, 0.02)),
    }
    bars = suite_bars(points, STOCK)
    stock = read(bars, points, "cheaper than stock HPA at its misses", "target 0.5")
    assert (stock.value, stock.own_ends) == (pytest.approx(0.6), False)
    rule = "cheaper than the predictive rule at equal misses"
    assert read(bars, points, rule, "1.0% missed").value == pytest.approx(0.1)
    any_hpa = "cheaper than the best HPA of any kind at equal misses"
    assert read(bars, points, any_hpa, "1.0% missed").value == NO_RIVAL
    past_its_end = read(bars, points, any_hpa, "4.0% missed")
    assert past_its_end.own_ends
    assert not past_its_end.rival_ends
    p99 = read(bars, points, "lower request p99 than stock HPA at its cost", "target 0.5")
    assert (p99.value, p99.own_ends) == (pytest.approx(0.6), True)
    gap = "share of the gap from stock HPA to the unsearched oracle that is closed"
    bound = math.exp(np.interp(math.log(0.02), np.log([0.001, 0.5]), np.log([1.0, 0.8])))
    found = read(bars, points, gap, "target 0.5")
    assert found.value == pytest.approx((4.0 - 1.6) / (4.0 - bound))


def test_a_front_that_does_not_come_there_is_told_from_a_rival_that_does_not():
    points = {"hpa": front((4.0, 0.02)), "predictive": front((2.0, 0.01))}
    careless = points | {"smartscale": front((1.0, 0.03))}
    careful = points | {"smartscale": front((3.0, 0.001)), "predictive": front((2.0, 0.5))}
    rule = "cheaper than the predictive rule at equal misses"
    assert read(trace_bars(careless), careless, rule, "0.5% missed").value == NOT_REACHED
    assert read(trace_bars(careful), careful, rule, "0.5% missed").value == NO_RIVAL


def test_ends_of_the_rivals_and_the_oracles_front_are_told():
    points = {
        "hpa": front((4.0, 0.02)),
        "predictive": front((2.0, 0.005)),
        "oracle": front((1.0, 0.001)),
        "oracle-plain": front((1.0, 0.001)),
        "smartscale": front((3.0, 0.001), (1.8, 0.02)),
    }
    bars = suite_bars(points, STOCK)
    rule = read(bars, points, "cheaper than the predictive rule at equal misses", "1.0% missed")
    assert (rule.own_ends, rule.rival_ends) == (False, True)
    gap = "share of the gap from stock HPA to the unsearched oracle that is closed"
    assert read(bars, points, gap, "target 0.5").rival_ends


def test_the_best_hpa_is_as_cheap_as_the_best_of_its_kinds_not_as_their_points_together():
    stock, in_flight = front((1.0, 0.1), (2.0, 0.001)), front((1.9, 0.01))
    points = {
        "hpa": stock,
        "hpa-in-flight": in_flight,
        "hpa-any": np.vstack([stock, in_flight]),
        "smartscale": front((1.5, 0.001)),
    }
    name = "cheaper than the best HPA of any kind at equal misses"
    found = read(trace_bars(points), points, name, "1.0% missed")
    assert found.value == pytest.approx(1.0 - 1.5 / 2.0**0.5)


def test_the_champion_is_held_to_its_worst_place_beside_the_rule():
    rule = front((4.0, 0.001), (2.0, 0.01), (1.0, 0.1))
    dear_at_the_end = front((4.0, 0.001), (2.0, 0.01), (1.05, 0.1))
    points = {SAME_RULE: rule, "champion": dear_at_the_end}
    (bar,) = suite_bars(points, STOCK)
    assert bar.read(points, "champion").value == pytest.approx(-0.05)
    same = {SAME_RULE: rule, "champion": rule}
    assert bar.read(same, "champion").value == pytest.approx(0.0)


def test_a_champion_that_misses_less_than_the_rule_ever_does_has_no_rival_there():
    points = {SAME_RULE: front((1.0, 0.5)), "champion": front((1.0, 0.01))}
    (bar,) = suite_bars(points, STOCK)
    assert bar.read(points, "champion").value == NO_RIVAL


def test_the_champion_is_compared_with_the_rule_at_its_own_settings():
    hpa = [judged("hpa:target=0.5", "wild 0", 9.0, 0.01)]
    rule = [
        judged(f"predictive:target={t}", "wild 0", c, m)
        for t, c, m in (("0.9", 1.0, 0.1), ("0.8", 1.4, 0.02), ("0.7", 4.0, 0.001))
    ]
    champion = [
        judged(e.policy.replace("predictive", "champion"), "wild 0", e.cost, e.missed_frac)
        for e in (rule[0], rule[2])
    ]
    (row,) = report({"hpa": hpa, "predictive": rule, "champion": champion})["bars"]
    assert row["mean"]["frac"] == pytest.approx(0.0)
    assert not report({"hpa": hpa, "predictive": rule[:2], "champion": champion})["bars"]


def families(own, **more):
    return {
        "hpa": [judged("hpa:target=0.5", f"wild {d}", 4.0, 0.01) for d in range(3)],
        **{
            name: [judged(name, f"wild {d}", cost, 0.01) for d, cost in enumerate(costs)]
            for name, costs in own.items()
        },
        **more,
    }


def stock_row(document, key="bars"):
    (row,) = [row for row in document[key] if row["name"].startswith("cheaper than stock")]
    return row


def test_a_bar_is_kept_only_where_every_training_seed_keeps_it():
    own = {"smartscale": [2.0] * 3, "smartscale-1": [2.6] * 3}
    row = stock_row(report(families(own)))
    assert row["shipped"]["frac"] == pytest.approx(0.5)
    assert row["mean"]["frac"] == pytest.approx(0.425)
    assert row["worst"]["frac"] == pytest.approx(0.35)
    assert (row["kept"], row["within_noise"]) == ("on average", False)
    assert stock_row(report(families({"smartscale": [2.0] * 3})))["kept"] == "yes"
    assert stock_row(report(families({"smartscale": [3.0] * 3})))["kept"] == "no"


def test_a_bar_that_other_days_might_decide_otherwise_is_within_noise():
    row = stock_row(report(families({"smartscale": [0.8, 2.4, 3.2]})))
    low, high = row["interval_frac"]
    assert low < row["mean"]["frac"] < high
    assert row["within_noise"]
    steady = stock_row(report(families({"smartscale": [2.0, 2.01, 2.02]})))
    assert not steady["within_noise"]


def test_bars_are_made_for_both_ways_to_miss():
    own = [judged(f"smartscale:cost={c}", "wild 0", c, m) for c, m in ((2.0, 0.01), (1.0, 0.02))]
    document = report({"hpa": [judged("hpa:target=0.5", "wild 0", 4.0, 0.01)], "smartscale": own})
    assert stock_row(document)["mean"]["frac"] == pytest.approx(0.5)
    slo = [judged("hpa:target=0.5", "wild 0", 4.0, 0.02)]
    document = report(
        {"hpa": slo, "smartscale": [*own, judged("smartscale", "wild 0", 0.5, 0.04)]}
    )
    assert stock_row(document, "bars_slo_misses")["mean"]["frac"] == pytest.approx(0.75)


def test_windows_of_traces_have_bars_of_their_own():
    document = report(families({"smartscale": [3.0] * 3}), traces={"wild"})
    assert not document["bars"]
    names = {row["name"] for row in document["trace_bars"]}
    assert names == {"cheaper than tuned stock HPA at equal misses"}
    promised = [row["at"] for row in document["trace_bars"] if row["wanted_frac"] == 0.1]
    assert promised == ["0.2% missed", "0.3% missed", "0.5% missed"]
    (known,) = [row for row in document["trace_bars"] if row["at"] == "1.0% missed"]
    assert (known["kept"], known["mean"]["frac"]) == (None, pytest.approx(0.25))


def test_the_table_says_what_is_not_there_and_where_a_front_ends():
    calm = [judged("hpa:target=0.5", "calm 1", 4.0, 0.001)]
    wild = [judged("hpa:target=0.5", "wild 1", 4.0, 0.02)]
    own = [judged("smartscale", "calm 1", 2.0, 0.01), judged("smartscale", "wild 1", 1.0, 0.01)]
    document = report({"hpa": [*calm, *wild], "smartscale": own})
    head, _, first, *_ = document["markdown"].splitlines()
    assert head == "| bar | where | wanted | shipped | kept | calm | wild |"
    assert first == (
        "| cheaper than stock HPA at its misses | target 0.5 | 40 % | 62.5 % * | yes "
        "| not reached | 75.0 % * |"
    )
    assert not report({"hpa": wild})["bars"]


def test_days_are_drawn_within_their_kind():
    kinds = ["calm"] * 3 + ["wild"] * 3
    days = drawn_days(kinds, 100)
    assert days.shape == (100, 4)
    assert (days[:, :2] < 3).all()
    assert (days[:, 2:] >= 3).all()
    assert drawn_days(["calm", "calm", "wild"]) is None


def test_an_interval_is_as_wide_as_days_differ():
    rng = np.random.default_rng(5)
    figures = rng.normal(size=40)
    days = drawn_days(["one"] * 40)
    (found,) = interval(days, lambda some: [float(figures[some].mean())])
    usual = 1.96 * figures.std(ddof=1) / math.sqrt(40)
    assert (found[1] - found[0]) / 2 == pytest.approx(usual, rel=0.15)
    (never,) = interval(days, lambda _: [NOT_REACHED])
    assert never == (NOT_REACHED, NOT_REACHED)


def test_further_training_seeds_lie_beside_the_shipped_one_and_are_judged_alike():
    shipped = [text.split(":", 1)[1] for text in FAMILIES[SEEDS[0]]]
    for name in SEEDS[1:]:
        folder = name.replace("smartscale", "allocator")
        assert FAMILIES[name] == tuple(f"{SEEDS[0]}:{t}:checkpoint={folder}" for t in shipped)
        assert folder_of(folder) == SHIPPED.parent / folder


def test_a_checkpoint_is_named_or_a_folder(tmp_path):
    assert folder_of("allocator") == SHIPPED
    assert folder_of(str(tmp_path)) == tmp_path
    assert folder_of("../allocator") != SHIPPED
