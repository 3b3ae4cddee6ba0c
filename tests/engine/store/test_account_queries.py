"""Machines, energy and money of finished runs against sums over their stored rows."""

import csv
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine import runner
from engine.errors import ScenarioError, StoreError
from engine.footprint import COMPONENTS, account_figures
from engine.scenario import Pool, Region
from engine.store import run_queries
from engine.store.account_queries import account_sums, accounts_timeline, accounts_totals
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import delete_run, find_run
from engine.store.traces import delete_trace, import_path, store_requests
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand, scenario

pytestmark = pytest.mark.slow

CARBON = Path(__file__).parents[4] / "shared" / "traces" / "carbon_us_2022"
FROM_S, TO_S = 100.0, 790.0


def cluster(**changes):
    """One pool on nodes, one without, in two regions."""
    pools = (
        Pool(name="on", agent_type="small", workers_max=20, node_group="boxes"),
        Pool(name="own", agent_type="small", workers_max=20, workers_min=2),
    )
    agent = {"watts_idle": 10.0, "watts_full": 50.0, "transfer_gib_per_request": 0.01}
    region = Region(transfer_usd_per_gib=0.1)
    values = {"pools": pools, "agent": agent, "regions": (region,), "tick_s": 7.0, **changes}
    return on_nodes(**values)


def write_carbon(path, values, start=datetime(2022, 1, 1, tzinfo=UTC)):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("timestamp", "carbon_intensity"))
        for hour, value in enumerate(values):
            rows.writerow(((start + timedelta(hours=hour)).isoformat(), value))
    return path


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        store_requests(opened, demand(), name="demand", format="test", source="test", recipe={})
        yield opened


def ran(store, chosen, policy="hpa:sync_s=14"):
    wanted = runner.request(store, "demand", [policy], chosen, FROM_S, TO_S)
    (run_id,) = runner.run(store, wanted)
    return find_run(store, run_id)


def rows(store, run):
    with store.transaction() as cursor:
        return cursor.execute(
            "FROM accounts WHERE run_no = ? ORDER BY tick, place", [run.run_no]
        ).df()


def test_the_stored_rows_add_up_to_the_scorecard_and_go_with_the_run(store):
    run = ran(store, cluster())
    found = rows(store, run)
    card = run.scorecard
    assert found["energy_kwh"].sum() == pytest.approx(card["energy_kwh"], rel=1e-12)
    grams = found["operational_g"].sum() + found["embodied_g"].sum()
    assert grams == pytest.approx(1000 * card["carbon_kg"], rel=1e-12)
    spent = found[[f"{name}_usd" for name in COMPONENTS]].sum().sum()
    assert spent == pytest.approx(card["cost_usd"], rel=1e-12)
    assert run_queries.sums(store, run, Span()).cost_usd == pytest.approx(spent, rel=1e-12)
    assert found["spot_usd"].isna().all()
    assert set(found["place"]) == {"boxes", "own"}
    assert found["t_s"].min() == FROM_S
    delete_run(store, run.run_id)
    assert rows(store, run).empty


def test_a_run_without_the_new_parts_stores_no_accounts(store):
    run = ran(store, scenario(tick_s=7.0))
    assert rows(store, run).empty
    assert accounts_totals(store, run, Span()).empty
    assert accounts_timeline(store, run, Span()).empty


@pytest.mark.parametrize("chosen", [cluster(), cluster(agent={}), scenario(tick_s=7.0)])
def test_figures_of_the_whole_window_are_those_of_the_scorecard(store, chosen):
    run = ran(store, chosen)
    whole = account_figures(account_sums(store, run, Span()), run.scorecard["requests_finished"])
    assert len(whole) == 15
    for key, value in whole.items():
        wanted = run.scorecard[key]
        assert value == (wanted if wanted is None else pytest.approx(wanted, rel=1e-12)), key
    assert account_sums(store, run, Span(from_s=1e9)) is None


def test_parts_of_the_window_add_up(store):
    run = ran(store, cluster())
    parts = [
        account_sums(store, run, Span(from_s=from_s, to_s=to_s))
        for from_s, to_s in ((0.0, 300.0), (300.0, 520.0), (520.0, 900.0))
    ]
    assert sum(p.energy_kwh for p in parts) == pytest.approx(run.scorecard["energy_kwh"])
    assert sum(p.node_s for p in parts) / 3600 == pytest.approx(run.scorecard["node_hours"])
    assert max(p.peak_nodes for p in parts) == run.scorecard["peak_nodes"]


def test_totals_are_sums_of_the_rows_of_the_window(store):
    run = ran(store, cluster())
    found = rows(store, run)
    inside = found[(found["t_s"] >= 300.0) & (found["t_s"] < 500.0)].groupby("place")
    totals = accounts_totals(store, run, Span(from_s=300.0, to_s=500.0)).set_index("place")
    assert totals.index.tolist() == ["boxes", "own"]
    for name in ("energy_kwh", "on_demand_usd", "transfer_usd"):
        assert totals[name].to_dict() == pytest.approx(inside[name].sum().to_dict())
    assert totals.loc["boxes", "node_hours"] == pytest.approx(
        inside["node_s"].sum()["boxes"] / 3600
    )
    assert totals.loc["boxes", "peak_nodes"] == inside["nodes"].max()["boxes"]


@pytest.mark.parametrize("points", [7, 10_000])
def test_the_timeline_keeps_energy_carbon_and_money_at_any_width(store, points):
    """690 s are 98 ticks of 7 s and one of 4 s."""
    run = ran(store, cluster())
    found = rows(store, run)
    line = accounts_timeline(store, run, Span(max_points=points))
    assert len(line) == 2 * min(points, 99)
    assert line.groupby("place")["bucket_s"].sum().to_dict() == {"boxes": 690.0, "own": 690.0}
    hours = line["bucket_s"] / 3600
    assert (line["watts"] * hours).sum() / 1000 == pytest.approx(found["energy_kwh"].sum())
    assert (line["cost_usd_per_h"] * hours).sum() == pytest.approx(run.scorecard["cost_usd"])
    grams = (line["carbon_g_per_h"] * hours).sum()
    assert grams == pytest.approx(1000 * run.scorecard["carbon_kg"])
    nodes = line[line["place"] == "boxes"]
    assert (nodes["nodes"] * nodes["bucket_s"]).sum() == pytest.approx(found["node_s"].sum())


def test_a_region_reads_its_stored_intensity_from_the_start_where_demand_has_no_date(
    store, tmp_path
):
    import_path(store, write_carbon(tmp_path / "grid.csv", [100.0, 900.0, 500.0]), name="grid")
    run = ran(store, cluster(regions=(Region(carbon_trace="grid"),)))
    assert set(rows(store, run)["g_per_kwh"].unique()) == {100.0}


def test_another_intensity_of_the_same_name_makes_another_run(store, tmp_path):
    chosen = cluster(regions=(Region(carbon_trace="grid"),))
    import_path(store, write_carbon(tmp_path / "one.csv", [100.0, 200.0, 300.0]), name="grid")
    first = ran(store, chosen)
    delete_trace(store, "grid")
    import_path(store, write_carbon(tmp_path / "two.csv", [400.0, 200.0, 300.0]), name="grid")
    second = ran(store, chosen)
    assert first.run_id != second.run_id
    assert second.scorecard["carbon_kg"] == pytest.approx(4 * first.scorecard["carbon_kg"])


def test_a_trace_that_is_no_intensity_or_is_not_there_is_refused(store):
    with pytest.raises(ScenarioError, match="not carbon intensity") as refused:
        ran(store, cluster(regions=(Region(carbon_trace="demand"),)))
    assert "region 'region-a'" in refused.value.where
    with pytest.raises(StoreError, match="no trace 'grid'"):
        ran(store, cluster(regions=(Region(carbon_trace="grid"),)))


def test_hours_are_matched_by_date_where_both_have_one(store, tmp_path):
    """The demand begins on 1 January 2023 at 01:00; a series of 2022's first day is repeated."""
    values = [float(10 * hour) for hour in range(24)]
    import_path(store, write_carbon(tmp_path / "grid.csv", values), name="grid")
    start_s = datetime(2023, 1, 1, 1, tzinfo=UTC).timestamp()
    with store.transaction() as cursor:
        cursor.execute("UPDATE traces SET epoch_s = ? WHERE name = 'demand'", [start_s])
    run = ran(store, cluster(regions=(Region(carbon_trace="grid"),)))
    assert set(rows(store, run)["g_per_kwh"].unique()) == {10.0}


@pytest.mark.skipif(not CARBON.is_dir(), reason="the measured intensities are not here")
def test_a_measured_year_of_a_grid_sets_the_carbon_of_a_run(store):
    file = CARBON / "CISO_NG_avgCI_2022.csv.gz"
    import_path(store, file, name="california")
    flat = ran(store, cluster(regions=(Region(grid_g_per_kwh=256.0),)))
    measured = ran(store, cluster(regions=(Region(carbon_trace="california"),)))
    assert measured.scorecard["energy_kwh"] == flat.scorecard["energy_kwh"]
    share = measured.scorecard["carbon_kg"] / flat.scorecard["carbon_kg"]
    assert share == pytest.approx(222.29592090536002 / 256.0)  # its first hour


def test_the_run_id_covers_the_new_parts(store):
    base = cluster()
    ids = {
        runner.request(store, "demand", ["hpa"], chosen, FROM_S, TO_S).run_ids
        for chosen in (
            base,
            dataclasses.replace(base, regions=(Region(pue=1.3),)),
            cluster(kind={"usd_per_hour": 5.0}),
            cluster(group={"nodes_max": 9}),
        )
    }
    assert len(ids) == 4
    assert np.all([len(run_ids) == 1 for run_ids in ids])
