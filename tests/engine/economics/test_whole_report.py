"""Whole reports of small runs: what must be said first, how sure it is, and what it rests on."""

import json
import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from engine.economics.assumptions import CostMode
from engine.economics.build import build
from engine.economics.gather import gather
from engine.planner import Planner
from engine.scenario import AgentType, Pool, Slo
from engine.store import runs
from engine.trace.schema import request_table
from tests.engine.replays import demand, keep, scenario, sessions

pytestmark = pytest.mark.slow

SEEDS = (1, 3, 4)
TICK_COST = "SELECT sum(cost_usd), sum(worker_s) / 3600 FROM ticks WHERE run_no = ?"


@pytest.fixture(scope="module")
def planner(tmp_path_factory):
    with Planner(tmp_path_factory.mktemp("whole") / "store.duckdb") as opened:
        keep(opened, demand())
        keep(opened, sessions(number=40), "talks")
        keep(opened, week(), "week")
        yield opened


def week():
    """Seven days, each with its own demand."""
    rng = np.random.default_rng(3)
    days = [
        86400 * (day + rng.random(60 * (1 + day % 3) + 30)) for day in range(7)
    ]  # fmt: skip
    arrival_s = np.sort([*np.concatenate(days), 7 * 86400 - 1e-3])
    return request_table(arrival_s, service_s=rng.exponential(900.0, len(arrival_s)))


def calm(**changes):
    """Cheap to simulate for a week, and every request served."""
    kind = AgentType(name="small", slots=2, price_usd_per_hour=3.0)
    pools = (Pool(name="one", agent_type="small", workers_min=1, workers_max=8),)
    return scenario(
        agent_types=(kind,), pools=pools, slo=Slo(latency_s=36_000.0),
        **{"keep_requests": False, **changes},
    )  # fmt: skip


@pytest.fixture(scope="module")
def seeds(planner):
    """The same two policies under three seeds."""
    return [
        planner.replay("demand", ("static", "hpa"), scenario=scenario(seed=seed)) for seed in SEEDS
    ]


def report(planner, ids, **changes):
    return planner.report(ids, ids[0], planner.assumptions(ids).changed(changes))


def test_scenarios_that_differ_are_told_first_and_each_run_has_its_own_promise(planner, seeds):
    (other,) = planner.replay(
        "demand", ("hpa",), scenario=scenario(slo=Slo(latency_s=5.0, attainment_frac=0.05))
    )
    made = report(planner, [seeds[0][0], other], fee_usd_per_month=1000, credit_deep_below=0)
    assert made.warnings[0].startswith(
        "The runs' scenarios differ in slo.latency_s (9 / 5); slo.attainment_frac (0.99 / 0.05)."
    )
    assert [run.totals["promise_frac"] for run in made.runs] == [0.99, 0.05]
    owed = [
        next(line.per_year for line in run.components if line.key == "credits_usd")
        for run in made.runs
    ]
    assert owed == pytest.approx([1200, 0])
    assert not any("candidate does not keep" in text for text in made.warnings)
    assert len(set(made.identity.scenario_hashes)) == 2
    assert made.identity.scenario_hashes[0] == made.identity.scenario_hash
    limits = {chart.key: chart.limit for chart in made.charts}
    assert limits["latency"] is None


def test_a_report_names_the_seed_runs_that_its_interval_rests_on(planner, seeds):
    made = report(planner, seeds[0])
    assert set(made.identity.seed_run_ids) == {run for pair in seeds[1:] for run in pair}
    assert "scenarios differ" not in " ".join(made.warnings)
    wide = made.switch.savings_per_month_seeds
    assert wide.note == "mean of 3 seeds"
    each = [report(planner, pair).switch for pair in seeds]
    for values, found in (
        ([switch.savings_per_month for switch in each], wide),
        ([switch.npv for switch in each], made.switch.npv_interval_seeds),
    ):
        spread = 2.919986 * np.std(values, ddof=1) / np.sqrt(3)  # t of 2 degrees at 95 %
        assert found.low == pytest.approx(np.mean(values) - spread, rel=1e-6)
        assert found.high == pytest.approx(np.mean(values) + spread, rel=1e-6)


def test_a_seed_run_that_stands_in_the_report_itself_is_still_a_baseline(planner, seeds):
    alone = report(planner, seeds[0])
    beside = planner.report([*seeds[0], seeds[1][0]], seeds[0][0], planner.assumptions(seeds[0]))
    assert beside.switch.npv_interval_seeds == alone.switch.npv_interval_seeds
    assert set(beside.identity.seed_run_ids) == {seeds[1][1], *seeds[2]}


def test_too_few_seeds_leave_the_identity_without_any(planner):
    ids = planner.replay("demand", ("static", "hpa:target=0.6"), scenario=scenario(seed=99))
    made = report(planner, ids)
    assert made.identity.seed_run_ids == ()
    assert made.switch.npv_interval_seeds is None


def test_the_cost_chart_is_in_the_reports_currency(planner, seeds):
    plain, yen = (
        next(chart for chart in report(planner, seeds[0], **changes).charts if chart.key == "cost")
        for changes in ({}, {"currency": "JPY", "currency_per_usd": 150})
    )
    assert (plain.unit, yen.unit) == ("USD per hour", "JPY per hour")
    assert np.array(yen.series[0].values) == pytest.approx(150 * np.array(plain.series[0].values))


def test_closed_loops_are_told(planner, seeds):
    ids = planner.replay("talks", ("static", "hpa"), scenario=scenario())
    made = report(planner, ids)
    assert made.identity.closed_loop
    assert any("closed loop" in text for text in made.warnings)
    assert "arrivals differ between runs" in made.method[0].text
    open_loop = report(planner, seeds[0])
    assert not open_loop.identity.closed_loop
    assert not any("closed loop" in text for text in open_loop.warnings)


def test_a_short_window_is_told_in_its_own_unit_and_gives_no_chance(planner, seeds):
    made = report(planner, seeds[0])
    assert made.warnings[0].startswith("The window is 15 min: less than one daily cycle.")
    assert made.switch.probability_pays is None
    assert made.switch.npv_interval is not None
    assert len(made.charges) == 2


def test_commitments_and_owned_fleets_are_told_with_what_is_missing(planner, seeds):
    reserved = report(planner, seeds[0], reserved_frac=0.4).warnings
    assert any("A commitment is paid used or not" in text for text in reserved)
    owned = report(planner, seeds[0], mode="owned", years=6).warnings[-1]
    assert "demand is 61.1 % higher in year 6, and no machine is added" in owned
    assert "machines live 4 years, and none is replaced within the 6" in owned
    steady = report(planner, seeds[0], mode="owned", growth=0, years=3).warnings[-1]
    assert steady.endswith("never resold.")


def test_charges_of_rented_runs_are_the_ticks_cost_less_discounts(planner, seeds):
    made = report(
        planner, seeds[0], reserved_frac=0.5, reserved_discount=0.4, spot_frac=0.25,
        spot_discount=0.8, currency="EUR", currency_per_usd=0.9,
    )  # fmt: skip
    for charge in made.charges:
        cost, hours = ticks(planner, charge.run_id)
        assert charge.basis == "rented"
        assert charge.list_cost == pytest.approx(0.9 * cost)
        assert charge.effective_cost == pytest.approx(0.9 * cost * (1 - 0.2 - 0.2))
        assert charge.worker_hours == pytest.approx(hours)


def test_charges_of_owned_runs_are_depreciation_and_energy(planner, seeds):
    made = report(
        planner, seeds[0], mode="owned", worker_capex_usd=70_080, lifetime_years=2,
        watts_idle=100, watts_full=100, pue=1.5, energy_usd_per_kwh=0.2,
    )  # fmt: skip
    for charge, run in zip(made.charges, made.runs, strict=True):
        _, hours = ticks(planner, charge.run_id)
        machines = run.totals["peak_workers"] * 70_080 / (2 * 8760) * 0.25
        energy = hours * 0.1 * 1.5 * 0.2
        assert charge.basis == "owned"
        assert charge.list_cost == charge.effective_cost == pytest.approx(machines + energy)


def ticks(planner, run_id):
    with planner._store.transaction() as cursor:
        (run_no,) = cursor.execute("SELECT run_no FROM runs WHERE run_id = ?", [run_id]).fetchone()
        return cursor.execute(TICK_COST, [run_no]).fetchone()


@pytest.fixture(scope="module")
def weekly(planner):
    return planner.replay("week", ("static", "hpa:target=0.7"), scenario=calm())


def test_a_week_is_resampled_by_its_seven_days(planner, weekly):
    made = report(planner, weekly)
    assert len(made.charges) == 14
    lengths = [(charge.to_s - charge.from_s) / 3600 for charge in made.charges]
    assert lengths == pytest.approx([24.0] * 14)
    switch = made.switch
    saved = [
        (one.list_cost - other.list_cost)
        for one, other in zip(made.charges[:7], made.charges[7:], strict=True)
    ]
    rng = np.random.default_rng(0)
    drawn = rng.choice(saved, (20_000, 7)).sum(axis=1) * 8760 / 168 / 12 - 6 * 800 / 12
    low, high = np.quantile(drawn, [0.05, 0.95])
    width = high - low
    assert switch.savings_per_month_window.low == pytest.approx(low, abs=0.05 * width)
    assert switch.savings_per_month_window.high == pytest.approx(high, abs=0.05 * width)
    assert switch.npv_interval_window.low < switch.npv < switch.npv_interval_window.high
    assert 0 <= switch.probability_pays <= 1


def test_the_window_is_the_largest_uncertainty_where_everything_else_is_certain(planner, weekly):
    certain = {
        entry.key: {"low": entry.value, "high": entry.value}
        for entry in planner.assumptions(weekly).numbers
    }
    made = report(planner, weekly, **certain)
    assert made.switch.largest == "window"
    assert "the largest uncertainty is the choice of the window (days of" in made.verdict
    assert made.switch.tornado == ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hours_per_year": 2000},
        {"growth": 0.9},
        {"discount_rate": 0.3},
        {"seasonality": 3},
        {"care_days_per_year": 60, "migration_days": 200},
        {"mode": "owned", "worker_capex_usd": 1000, "years": 8},
        {"currency": "JPY", "currency_per_usd": 150},
    ],
    ids=str,
)
def test_an_estimate_lies_in_its_own_interval_after_an_edit(planner, weekly, changes):
    made = report(planner, weekly, **changes)
    switch = made.switch
    for value, found in (
        (switch.savings_per_month, switch.savings_per_month_both),
        (switch.npv, switch.npv_interval),
        (switch.tco_candidate, switch.tco_interval),
        (switch.tco_baseline, switch.tco_baseline_interval),
        (switch.avoided_kg_per_year, switch.avoided_kg_interval),
    ):
        assert found.low <= value <= found.high


def test_an_edited_certain_assumption_is_no_uncertainty(planner, weekly):
    made = report(planner, weekly, hours_per_year=2000)
    assert "hours_per_year" not in {bar.key for bar in made.switch.tornado}
    assert made.switch.largest != "hours_per_year"


def test_the_interval_of_total_cost_is_that_of_its_draws(planner, weekly):
    """With one uncertain assumption that total cost is proportional to, the ends are known."""
    certain = {
        entry.key: {"low": entry.value, "high": entry.value}
        for entry in planner.assumptions(weekly).numbers
    } | {"migration_days": 0, "care_days_per_year": 0}
    rows = [runs.find_run(planner._store, run_id) for run_id in weekly]
    given = planner.assumptions(weekly).changed(certain)
    inputs = gather(planner._store, rows, given)
    same = tuple(
        replace(run, blocks={key: np.full(7, part.sum() / 7) for key, part in run.blocks.items()})
        for run in inputs.runs
    )
    given = given.changed({"seasonality": {"value": 1.0, "low": 0.5, "high": 1.5}})
    switch = build(replace(inputs, runs=same), given).switch
    low = switch.tco_candidate * (0.5 + 0.1**0.5 / 2)  # 5 % of a triangle lie below
    assert switch.tco_interval.low == pytest.approx(low, rel=0.02)
    assert switch.tco_interval.high == pytest.approx(2 * switch.tco_candidate - low, rel=0.02)


def test_nothing_overflows_at_the_limits_of_the_assumptions(planner, seeds):
    rng = random.Random(5)
    rows = [runs.find_run(planner._store, run_id) for run_id in seeds[0]]
    base = planner.assumptions(seeds[0])
    inputs = gather(planner._store, rows, base)
    for case in range(60):
        changes = {
            entry.key: rng.choice([entry.value, entry.least, entry.most]) if case else entry.most
            for entry in base.numbers
        }
        changes["watts_full"] = max(changes["watts_full"], changes["watts_idle"])
        changes["spot_frac"] = 1 - changes["reserved_frac"]
        changes["currency"] = "USD" if changes["currency_per_usd"] == 1 else "EUR"
        changes["mode"] = rng.choice(list(CostMode)).value
        made = build(inputs, base.changed(changes))
        text = json.dumps(msgspec.to_builtins(made), allow_nan=False)
        assert "inf" not in made.verdict.split()
        assert "nan" not in text.lower().split()


def service(made, before, after, broken=(0.0, 0.0)):
    """The verdict of the same report with other service."""
    from engine.economics.wording import verdict  # noqa: PLC0415

    figures = [
        replace(run, slo_attainment_frac=share, totals={**run.totals, "violations": number})
        for run, share, number in zip(made.runs, (before, after), broken, strict=True)
    ]
    return verdict(*figures, made.switch, "USD")


@pytest.mark.parametrize(
    ("after", "broken", "text"),
    [
        (0.9955, (0, 0), "serves users equally well"),
        (0.9940, (0, 0), "lowers SLO attainment by 0.1 points"),
        (0.9941, (0, 0), "serves users equally well"),
        (0.9990, (0, 0), "raises SLO attainment by 0.4 points"),
        (0.9950, (84, 336), "with 2 SLO violations an hour instead of 0.5"),
        (0.9950, (84, 86), "serves users equally well"),
        (None, (0, 0), "its service was not measured"),
    ],
)
def test_service_is_judged_against_the_promise_and_by_violations(
    planner, weekly, after, broken, text
):
    assert text in service(report(planner, weekly), 0.995, after, broken)


@pytest.mark.parametrize(("points", "told"), [(-0.03, False), (-0.2, True), (0.03, False)])
def test_a_point_has_a_price_only_where_points_differ(planner, weekly, points, told):
    rows = [runs.find_run(planner._store, run_id) for run_id in weekly]
    given = planner.assumptions(weekly)
    inputs = gather(planner._store, rows, given)
    cards = (0.995, 0.995 + points / 100)
    made = build(
        replace(
            inputs,
            runs=tuple(
                replace(
                    run,
                    card={**run.card, "slo_attainment_frac": share},
                    usage=replace(run.usage, cost_usd=cost),
                )
                for run, share, cost in zip(inputs.runs, cards, (9000.0, 5000.0), strict=True)
            ),
        ),
        given,
    ).switch
    assert made.slo_points == pytest.approx(points)
    assert (made.cost_per_slo_point is not None) == told
    assert ("too few to put a price on" in made.slo_point_note) == (not told)


def test_less_than_half_a_cent_costs_the_same(planner, weekly):
    made = report(planner, weekly)
    for amount in (1.7e-10, -1.7e-10, 0.0, -0.004):
        switch = replace(made.switch, savings_per_month=amount, savings_per_month_both=None)
        made = replace(made, switch=switch)
        assert f"to {switch.policy} costs the same, " in service(made, 0.99, 0.99)


def test_the_verdict_names_the_net_present_value(planner, weekly):
    made = report(planner, weekly, mode="owned", years=1)
    assert " has a net present value of " in made.verdict
    assert " over 1 year, and " in made.verdict
