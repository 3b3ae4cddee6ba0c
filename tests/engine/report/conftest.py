"""Reports that the tests of exports share: a plain one, and one with everything at its worst."""

from dataclasses import replace

import pytest

from engine.planner import Planner
from tests.engine.replays import demand, keep, scenario

POLICIES = ("static", "hpa", "threshold:breach_s=15")


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """A report of three small runs with every component of cost in it."""
    with Planner(tmp_path_factory.mktemp("report") / "store.duckdb") as planner:
        keep(planner, demand())
        ids = planner.replay("demand", POLICIES, scenario=scenario())
        given = planner.assumptions(ids).changed(
            {
                "reserved_frac": 0.3,
                "spot_frac": 0.1,
                "transfer_gib_per_1000": 2,
                "penalty_usd_per_1000_missed": 25,
                "fee_usd_per_month": 900,
                "carbon_usd_per_t": 80,
            }
        )
        return planner.report(ids, ids[0], given)


LONG = "hpa:" + ":".join(f"a_rather_long_parameter_{n}=0.123456789" for n in range(6))


@pytest.fixture(scope="session")
def extreme(plain):
    """Six runs, names without end, amounts from a millionth to a trillion, gaps."""
    runs = [
        replace(
            plain.runs[n % 3],
            policy=f"{LONG}{n}",
            run_id=f"{n:012d}",
            role=("baseline", "candidate")[n] if n < 2 else "other",
            per_year=-1e12 if n == 2 else 1e-6 if n == 3 else 123456789.123,
            slo_attainment_frac=None if n == 4 else 0.5,
            p95_s=None if n == 4 else 1e6,
            per_session=4.2,
        )
        for n in range(6)
    ]
    others = tuple(
        replace(plain.switch, policy=run.policy, savings_per_month=-1e12) for run in runs[2:]
    )
    return replace(
        plain,
        identity=replace(
            plain.identity,
            trace_name="=cmd|' /C calc'!A0 " + "trace" * 20,
            scenario_name="@" + "s" * 100,
            run_ids=tuple(run.run_id for run in runs),
        ),
        verdict=plain.verdict + " " + "x" * 200,
        warnings=plain.warnings * 3,
        runs=tuple(runs),
        switch=replace(plain.switch, policy=LONG),
        others=others,
    )
