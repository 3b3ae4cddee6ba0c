"""Reports of random scenarios, worked out again in plain Python from the stored rows."""

import random

import pytest

from engine.planner import Planner
from engine.scenario import AgentType, Pool, Slo, Startup
from tests.engine.replays import demand, keep, scenario

pytestmark = pytest.mark.slow

CASES = 50
POLICIES = ("static", "hpa")


def random_scenario(rng):
    kinds = tuple(
        AgentType(
            name=name,
            slots=rng.randint(1, 6),
            price_usd_per_hour=rng.choice([0.0, 0.19, 3.0, 22.1225]),
            startup=Startup(mean_s=20.0, spread_s=5.0),
            queue_limit=8,
            queue_timeout_s=30.0,
        )
        for name in ("a", "b")
    )
    pools = (
        Pool(name="one", agent_type="a", workers_min=1, workers_max=6, share=2.0),
        Pool(name="two", agent_type="b", workers_min=1, workers_max=6),
    )
    return scenario(
        agent_types=kinds,
        pools=pools,
        seed=rng.randint(1, 10**6),
        slo=Slo(latency_s=rng.choice([3.0, 8.0, 20.0]), attainment_frac=rng.choice([0.5, 0.99])),
    )


def random_assumptions(rng):
    reserved = rng.choice([0.0, rng.random() * 0.6])
    idle = rng.uniform(0, 200)
    return {
        "mode": rng.choice(["rented", "owned"]),
        "years": rng.randint(1, 6),
        "discount_rate": rng.choice([0.0, rng.uniform(0, 0.3)]),
        **rng.choice([{}, {"currency": "EUR", "currency_per_usd": 0.9}]),
        "seasonality": rng.uniform(0.5, 2),
        "hours_per_year": rng.choice([8760, 2000]),
        "growth": rng.uniform(-0.2, 0.5),
        "price_change": rng.uniform(-0.2, 0.2),
        "reserved_frac": reserved,
        "spot_frac": rng.choice([0.0, rng.random() * (1 - reserved)]),
        "transfer_gib_per_1000": rng.uniform(0, 5),
        "penalty_usd_per_violation": rng.choice([0.0, 5000.0]),
        "penalty_usd_per_1000_missed": rng.uniform(0, 50),
        "fee_usd_per_month": rng.choice([0.0, 1000.0]),
        "migration_days": rng.uniform(0, 40),
        "migration_usd": rng.uniform(0, 5000),
        "watts_idle": idle,
        "watts_full": idle + rng.uniform(0, 900),
        "pue": rng.uniform(1, 2),
        "grid_g_per_kwh": rng.uniform(0, 900),
        "embodied_kg": rng.uniform(0, 2000),
        "carbon_usd_per_t": rng.choice([0.0, 100.0]),
    }


def worked_out(planner, run_id, a, switched):
    """Everything the report says of one run, from rows; nothing of the engine's economics."""
    with planner._store.transaction() as cursor:
        run_no, from_s, to_s = cursor.execute(
            "SELECT run_no, from_s, to_s FROM runs WHERE run_id = ?", [run_id]
        ).fetchone()
        ticks = cursor.execute(
            "SELECT pool, arrived, slo_met, worker_s, cost_usd, busy_slot_s FROM ticks "
            "WHERE run_no = ?", [run_no],
        ).fetchall()  # fmt: skip
        (finished,) = cursor.execute(
            "SELECT sum(requests) FROM latency WHERE run_no = ?", [run_no]
        ).fetchone()
    run = planner.run(run_id)
    slots = [
        next(k.slots for k in run.scenario.agent_types if k.name == pool.agent_type)
        for pool in run.scenario.pools
    ]
    hours = (to_s - from_s) / 3600
    year = a["hours_per_year"] * a["seasonality"] / hours
    arrived = sum(row[1] for row in ticks)
    met = sum(row[2] for row in ticks)
    worker_h = sum(row[3] for row in ticks) / 3600
    cost = sum(row[4] for row in ticks)
    busy_h = sum(row[5] / slots[row[0]] for row in ticks) / 3600
    owned = a["mode"] == "owned"
    kwh = (worker_h * a["watts_idle"] + busy_h * (a["watts_full"] - a["watts_idle"])) * a["pue"]
    kwh /= 1000
    grams = kwh * a["grid_g_per_kwh"]
    made_g = worker_h / (a["lifetime_years"] * 8760) * a["embodied_kg"] * 1000
    compute = 0.0 if owned else cost * year
    compute *= (
        1 - a["reserved_frac"] * a["reserved_discount"] - a["spot_frac"] * a["spot_discount"]
    )
    transfer = finished * year / 1000 * a["transfer_gib_per_1000"] * a["transfer_usd_per_gib"]
    energy = kwh * year * a["energy_usd_per_kwh"] if owned else 0.0
    violations = run.scorecard["violations_per_h"] * hours if met < arrived else 0.0
    penalties = violations * year * a["penalty_usd_per_violation"]
    penalties += (arrived - met) * year / 1000 * a["penalty_usd_per_1000_missed"]
    attained = met / arrived
    owed = 0.0
    if attained < a["credit_deep_below"]:
        owed = a["credit_deep_frac"]
    elif attained < run.scenario.slo.attainment_frac:
        owed = a["credit_frac"]
    returned = 12 * a["fee_usd_per_month"] * owed
    carbon = (grams + made_g) * year / 1e6 * a["carbon_usd_per_t"]
    care = a["care_days_per_year"] * a["day_rate_usd"] if switched else 0.0
    capex = run.scorecard["peak_workers"] * a["worker_capex_usd"] if owned else 0.0
    if switched:
        capex += a["migration_days"] * a["day_rate_usd"] + a["migration_usd"]
    yearly = []
    for k in range(a["years"]):
        more = (1 + a["growth"]) ** k
        priced = (compute + transfer + energy) * more * (1 + a["price_change"]) ** k
        yearly.append(priced + (penalties + carbon) * more + returned + care)
    rate = a["currency_per_usd"]
    return {
        "first": yearly[0] * rate,
        "capex": capex * rate,
        "yearly": [cost * rate for cost in yearly],
        "kg": (grams + made_g) / 1000 * year,
        "sci": (grams + made_g) / arrived,
        "per_1000_met": 1000 * yearly[0] * rate / (met * year) if met else None,
    }


def test_fifty_random_reports_agree_with_plain_arithmetic(tmp_path):
    rng = random.Random(11)
    with Planner(tmp_path / "store.duckdb") as planner:
        keep(planner, demand(number=300, duration_s=450.0))
        for _ in range(CASES):
            ids = planner.replay("demand", POLICIES, scenario=random_scenario(rng))
            changes = random_assumptions(rng)
            given = planner.assumptions(ids).changed(changes)
            report = planner.report(ids, ids[0], given)
            a = {**given.values, **changes}
            one, other = (
                worked_out(planner, run_id, a, switched=number > 0)
                for number, run_id in enumerate(ids)
            )
            agree(report, one, other, a)


def agree(report, one, other, a):
    def same(got, want):
        assert got == pytest.approx(want, rel=1e-9, abs=1e-9)

    for run, expected in zip(report.runs, (one, other), strict=True):
        same(run.per_year, expected["first"])
        same(sum(line.per_year for line in run.components), expected["first"])
        same(run.capex, expected["capex"])
        same(run.carbon_kg_per_year, expected["kg"])
        same(run.sci_g_per_request, expected["sci"])
        if expected["per_1000_met"] is None:
            assert run.per_1000_met is None
        else:
            same(run.per_1000_met, expected["per_1000_met"])
        discounted = [
            cost / (1 + a["discount_rate"]) ** (k + 1) for k, cost in enumerate(expected["yearly"])
        ]
        same(run.tco, expected["capex"] + sum(discounted))
    flows = [one["capex"] - other["capex"]]
    flows += [before - after for before, after in zip(one["yearly"], other["yearly"], strict=True)]
    same([year.flow for year in report.switch.years], flows)
    value = sum(flow / (1 + a["discount_rate"]) ** k for k, flow in enumerate(flows))
    assert report.switch.npv == pytest.approx(value, rel=1e-9, abs=1e-6)
    same(report.switch.savings_per_month, (one["first"] - other["first"]) / 12)
    same(report.switch.avoided_kg_per_year, one["kg"] - other["kg"])
