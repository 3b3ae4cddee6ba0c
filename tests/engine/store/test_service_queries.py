"""Protection, tenants and events of finished runs against sums over their stored rows."""

import dataclasses

import numpy as np
import pytest

from engine import runner
from engine.dependability import service_figures
from engine.figures import FIGURES
from engine.planner import Planner
from engine.scenario import Fault, FaultKind, Pool, Retry, Slo, Tenant
from engine.store.duck import Store
from engine.store.run_queries import Span
from engine.store.runs import delete_run, find_run
from engine.store.service_queries import (
    events,
    service_sums,
    service_timeline,
    tenants_timeline,
    tenants_totals,
)
from engine.store.traces import store_requests
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand, keep

pytestmark = pytest.mark.slow

FROM_S, TO_S = 100.0, 790.0
SPAN = Span()


def cluster(**changes):
    """Two pools, two tenants, crashes and retries, and what requests are worth."""
    pools = (
        Pool(name="on", agent_type="small", workers_max=20, node_group="boxes"),
        Pool(name="own", agent_type="small", workers_max=20, workers_min=2),
    )
    limits = {"queue_limit": 3, "transfer_gib_per_request": 0.5}
    faults = (
        Fault(kind=FaultKind.NODE_LOSS, at_s=300.0, count=2),
        Fault(kind=FaultKind.WORKER_CRASH, at_s=350.0, count=2),
        Fault(kind=FaultKind.ZONE_PARTITION, at_s=400.0, for_s=21.0),
    )
    values = {
        "pools": pools, "agent": limits, "tick_s": 7.0, "faults": faults,
        "retry": Retry(attempts=2, backoff_s=1.0),
        "tenants": (Tenant(name="a"), Tenant(name="b", share=2.0, floor_frac=0.2)),
        "slo": Slo(latency_s=10.0, revenue_usd_per_request=0.25),
        **changes,
    }  # fmt: skip
    return on_nodes(**values)


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        store_requests(opened, demand(), name="demand", format="test", source="test", recipe={})
        yield opened


def ran(store, chosen):
    wanted = runner.request(store, "demand", ["hpa:sync_s=14"], chosen, FROM_S, TO_S)
    (run_id,) = runner.run(store, wanted)
    return find_run(store, run_id)


def test_the_stored_rows_give_the_figures_of_the_whole_run_again_and_go_with_it(store):
    run = ran(store, cluster())
    sums = service_sums(store, run, SPAN)
    figures = service_figures(sums, (TO_S - FROM_S) / 3600)
    card = run.scorecard
    for key, value in figures.items():
        assert FIGURES[key].windowed
        expected = card[key]
        assert value == (None if expected is None else pytest.approx(expected)), key
    for key in ("retried_frac", "workers_crashed", "fairness_jain", "revenue_at_risk_usd",
                "transfer_gib", "nodes_lost", "node_changes_per_h"):  # fmt: skip
        assert card[key] > 0, key
    delete_run(store, run.run_id)
    with store.transaction() as cursor:
        for table in ("service", "tenants", "events"):
            assert cursor.table(table).limit(1).fetchall() == []


def test_windows_add_up_to_the_whole(store):
    run = ran(store, cluster())
    cut = 401.0
    parts = [service_sums(store, run, span) for span in (Span(to_s=cut), Span(from_s=cut))]
    whole = service_sums(store, run, SPAN)
    for name in ("arrived", "missed", "asked_ticks", "up_ticks", "retried", "crashed"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name
    tenants = np.array([part.tenants for part in parts]).sum(axis=0)
    assert tenants.tolist() == [list(pair) for pair in whole.tenants]
    assert sum(part.happened.get("node-lost", 0) for part in parts) == 1


def test_timelines_are_sums_over_their_points_and_never_more_than_asked_for(store):
    run = ran(store, cluster())
    fine, coarse = (service_timeline(store, run, Span(max_points=n)) for n in (500, 7))
    assert len(coarse) <= 7 < len(fine)
    for frame in (fine, coarse):
        assert frame["bucket_s"].sum() == pytest.approx(TO_S - FROM_S)
        at_risk = (frame["at_risk_usd_per_h"] * frame["bucket_s"]).sum() / 3600
        assert at_risk == pytest.approx(run.scorecard["revenue_at_risk_usd"])
        assert frame["crashed"].sum() == run.scorecard["workers_crashed"]
        routed = (frame["routed_per_s"] * frame["bucket_s"]).sum()
        tries = run.scorecard["requests_arrived"] * (1 + run.scorecard["retried_frac"])
        waiting = frame["retrying"].max()  # at the end, at most
        assert tries - waiting - 1e-6 <= routed <= tries + 1e-6
    cut_off = fine[fine["unreachable_frac"] > 0]["t_s"]
    assert cut_off.min() >= FROM_S + 400 and cut_off.max() < FROM_S + 400 + 35
    parts = [service_timeline(store, run, s) for s in (Span(to_s=401.0), Span(from_s=401.0))]
    both = sum((part["routed_per_s"] * part["bucket_s"]).sum() for part in parts)
    assert both == pytest.approx((fine["routed_per_s"] * fine["bucket_s"]).sum())
    own = service_timeline(store, run, Span(pool=1))
    assert own["crashed"].sum() < fine["crashed"].sum()


def test_tenants_have_what_they_were_promised_beside_what_they_got(store):
    run = ran(store, cluster())
    totals = tenants_totals(store, run, SPAN).set_index("tenant")
    assert totals["arrived"].sum() == run.scorecard["requests_arrived"]
    assert totals["finished"].sum() == run.scorecard["requests_finished"]
    assert totals.loc["b", "floor_frac"] == 0.2
    worst = totals["attainment_frac"].min()
    assert worst == pytest.approx(run.scorecard["tenant_attainment_min_frac"])
    over_time = tenants_timeline(store, run, Span(max_points=10))
    seen = (over_time["arrived_per_s"] * over_time["bucket_s"]).groupby(over_time["tenant"]).sum()
    assert seen.to_dict() == pytest.approx(totals["arrived"].to_dict())


def test_events_are_in_order_and_in_the_traces_time(store):
    run = ran(store, cluster())
    found = events(store, run, SPAN, limit=1000)
    assert found["t_s"].is_monotonic_increasing
    lost = found[found["kind"] == "node-lost"]
    assert lost["t_s"].between(FROM_S + 300, FROM_S + 307).all()
    assert list(found["kind"]) == ["node-lost", "node-started"]
    assert len(events(store, run, SPAN, limit=1)) == 1


def test_the_planner_joins_runs_and_leaves_empty_what_a_scenario_does_not_have(store_path):
    with Planner(store_path) as planner:
        keep(planner, demand())
        plain = dataclasses.replace(cluster(), faults=(), tenants=(), node_groups=(), pools=(
            Pool(name="own", agent_type="small", workers_max=20, workers_min=2),
        ))  # fmt: skip
        ids = [
            planner.replay("demand", ["static:workers=3"], scenario=chosen)[0]
            for chosen in (cluster(), plain)
        ]
        for frame in (planner.service(ids), planner.machines(ids), planner.places(ids)):
            assert list(frame.columns[:2]) == ["run_id", "policy"]
            assert set(frame["run_id"]) == set(ids)
        assert set(planner.tenants(ids)["run_id"]) == {ids[0]}
        assert set(planner.tenants_timeline(ids)["run_id"]) == {ids[0]}
        assert set(planner.events(ids)["run_id"]) == {ids[0]}
        part = planner.compare(ids, ids[0], from_s=0.0, to_s=400.0)
        part = part[part["run_id"] == ids[0]].set_index("figure")["value"]
        assert part["workers_crashed"] > 0
        assert np.isnan(part["penalties_usd"])
        with planner._store.transaction() as cursor:
            cursor.execute("DELETE FROM service")  # as a version without it left them
        part = planner.compare(ids, ids[0], from_s=0.0, to_s=400.0).set_index("figure")["value"]
        assert part["workers_crashed"].isna().all()
        assert part["cost_usd"].notna().all()
