"""Energy, carbon and money agree with sums done by hand, and energy is paid for once."""

import dataclasses

import numpy as np
import pytest

from engine.cluster.accounts import Readings, accounts, is_accounted
from engine.cluster.grid import GridSeries
from engine.cluster.meter import Meter
from engine.cluster.prices import PriceSeries
from engine.errors import ScenarioError
from engine.records import Place
from engine.replay import replay
from engine.scenario import (
    CostMode,
    Fault,
    FaultKind,
    GreenBudget,
    NodeGroup,
    Pool,
    Purchase,
    Region,
    Scenario,
    Zone,
)
from engine.scorecard import cost_usd, scorecard
from engine.trace.schema import request_table
from tests.engine.cluster.clusters import machine, on_nodes
from tests.engine.replays import demand, scenario, spec

pytestmark = pytest.mark.slow

NEW_FIGURES = {
    "cost_on_demand_usd", "cost_reserved_usd", "cost_spot_usd", "cost_owned_usd",
    "cost_energy_usd", "cost_transfer_usd", "node_hours", "peak_nodes", "node_requested_frac",
    "energy_kwh", "energy_wh_per_request", "green_frac", "carbon_kg", "carbon_embodied_kg",
    "carbon_g_per_request",
}  # fmt: skip
HOUR = 3600.0
exactly = {"rel": 1e-9, "abs": 0.0}


FIXED = (
    Pool(agent_type="small", workers_initial=2, workers_max=2, workers_min=2, node_group="boxes"),
)


def steady(chosen, window_s=HOUR, busy_s=600.0, requests=4, **changes):
    """A run of a fixed cluster for an hour in which each request takes `busy_s`."""
    table = request_table(np.full(requests, 0.0), service_s=np.full(requests, busy_s))
    made = spec("static:target=1", table, chosen, window_s=window_s)
    (record,) = replay([dataclasses.replace(made, **changes)])
    return record


def test_a_scenario_without_the_new_parts_has_no_accounts_and_no_new_figures():
    (record,) = replay([spec("hpa", demand(), scenario())])
    assert record.accounts is None
    card = scorecard(record)
    assert {key for key in NEW_FIGURES if card[key] is not None} == set()
    hours = record.integrals[:, :, 2:5].sum(axis=2) / HOUR
    assert cost_usd(record).tobytes() == (hours * record.price_usd_per_hour).tobytes()


def test_rented_nodes_cost_their_price_and_their_energy_is_reported_and_not_charged():
    """One node of 4 $/h for an hour. It draws 100 W, and 200 W more by the share that works:
    4 requests of 600 s on 1 of 8 cores each. PUE 1.5; 500 g/kWh."""
    region = Region(pue=1.5, grid_g_per_kwh=500.0, energy_usd_per_kwh=99.0)
    record = steady(on_nodes(pools=FIXED, regions=(region,)))
    card = scorecard(record)
    used_kwh = 1.5 * (100 * 1.0 + 200 * 4 * 600 / HOUR / 8) / 1000
    assert card["energy_kwh"] == pytest.approx(used_kwh, **exactly)
    assert card["energy_wh_per_request"] == pytest.approx(used_kwh * 250, **exactly)
    assert card["carbon_kg"] == pytest.approx(used_kwh * 0.5, **exactly)
    assert card["carbon_g_per_request"] == pytest.approx(used_kwh * 125, **exactly)
    assert card["cost_on_demand_usd"] == card["cost_usd"] == pytest.approx(4.0, **exactly)
    for key in ("cost_energy_usd", "cost_owned_usd", "cost_spot_usd", "cost_transfer_usd"):
        assert card[key] is None
    assert card["carbon_embodied_kg"] is None
    assert card["green_frac"] == 0
    assert (card["node_hours"], card["peak_nodes"]) == (pytest.approx(1.0), 1)
    assert card["node_requested_frac"] == pytest.approx(0.5)


def test_owned_nodes_cost_their_purchase_and_their_energy_once():
    kind = {"capex_usd": 8766.0, "lifetime_years": 2.0, "embodied_kg": 1753.2}
    region = Region(pue=1.25, energy_usd_per_kwh=0.2, price_factor=3.0)
    record = steady(
        on_nodes(kind=kind, regions=(region,), pools=FIXED, cost_mode=CostMode.OWNED),
        busy_s=1800.0,
    )
    card = scorecard(record)
    used_kwh = 1.25 * (100 + 200 * 4 * 1800 / HOUR / 8) / 1000
    assert card["energy_kwh"] == pytest.approx(used_kwh, **exactly)
    assert card["cost_owned_usd"] == pytest.approx(0.5, **exactly)  # 8,766 h a year
    assert card["cost_energy_usd"] == pytest.approx(0.2 * used_kwh, **exactly)
    assert card["cost_usd"] == pytest.approx(0.5 + 0.2 * used_kwh, **exactly)
    assert card["cost_on_demand_usd"] is None
    assert card["carbon_embodied_kg"] == pytest.approx(0.1, **exactly)
    assert card["carbon_kg"] == pytest.approx(0.1 + 0.4 * used_kwh, **exactly)


@pytest.mark.parametrize("mode", CostMode)
def test_energy_is_paid_in_one_way_only(mode):
    """Dearer energy changes the cost of owned nodes and of no others; dearer rent the reverse."""

    def cost(price, rent):
        chosen = on_nodes(
            kind={"capex_usd": 100.0, "usd_per_hour": rent},
            regions=(Region(energy_usd_per_kwh=price),),
            pools=FIXED,
            cost_mode=mode,
        )
        return scorecard(steady(chosen))["cost_usd"]

    assert (cost(1.0, 4.0) != cost(2.0, 4.0)) is (mode is CostMode.OWNED)
    assert (cost(1.0, 4.0) != cost(1.0, 5.0)) is (mode is CostMode.RENTED)


@pytest.mark.parametrize(
    ("purchase", "price", "key"),
    [
        (Purchase.ON_DEMAND, 4.0, "cost_on_demand_usd"),
        (Purchase.RESERVED, 2.5, "cost_reserved_usd"),
        (Purchase.SPOT, 1.0, "cost_spot_usd"),
    ],
)
def test_each_kind_of_purchase_has_its_price_and_its_line(purchase, price, key):
    kind = {"usd_per_hour_reserved": 2.5, "usd_per_hour_spot": 1.0}
    region = Region(price_factor=1.2)
    group = {"purchase": purchase, "nodes_min": 1, "nodes_max": 1}
    card = scorecard(steady(on_nodes(group, kind, FIXED, regions=(region,))))
    assert card[key] == card["cost_usd"] == pytest.approx(1.2 * price, **exactly)


def test_committed_nodes_are_paid_all_the_time_and_those_above_them_on_demand():
    """Two for 2.5 $/h, the third for 4 $/h."""
    pool = Pool(agent_type="small", workers_initial=9, workers_min=9, workers_max=9,
                node_group="boxes")  # fmt: skip
    group = {"purchase": Purchase.RESERVED, "nodes_min": 2, "nodes_max": 3}
    kind = {"usd_per_hour_reserved": 2.5}
    card = scorecard(steady(on_nodes(group, kind, (pool,))))
    assert card["cost_reserved_usd"] == pytest.approx(5.0, **exactly)
    assert card["cost_on_demand_usd"] == pytest.approx(4.0, **exactly)
    assert card["cost_usd"] == pytest.approx(9.0, **exactly)
    idle = on_nodes({**group, "nodes_max": 2}, kind, FIXED)  # one would do
    assert scorecard(steady(idle))["cost_usd"] == pytest.approx(5.0, **exactly)


def test_prices_of_a_history_hold_from_their_date_on_and_those_of_the_scenario_before():
    """Spot at 1 $/h by the scenario; 2 $/h from minute 15 on, 3 $/h from 50 s before the end, and
    none offered in between from minute 30 to 45."""
    series = PriceSeries(
        since_s=5e8 + np.array([900.0, 1800.0, 2700.0, 3550.0]),
        usd_per_hour={
            Purchase.ON_DEMAND: np.full(4, 99.0),
            Purchase.RESERVED: np.full(4, 99.0),
            Purchase.SPOT: np.array([2.0, np.nan, 2.0, 3.0]),
        },
    )
    group = {"purchase": Purchase.SPOT, "nodes_min": 1, "nodes_max": 1}
    region = Region(price_factor=2.0)  # of the scenario's own price only
    chosen = on_nodes(group, {"usd_per_hour_spot": 0.5}, FIXED, regions=(region,))
    record = steady(chosen, clock_s=5e8, prices={"boxes": series})
    paid = (900 * 1 + 900 * 2 + 900 * 1 + 850 * 2 + 50 * 3) / HOUR
    assert scorecard(record)["cost_spot_usd"] == pytest.approx(paid, **exactly)


def test_a_price_or_a_power_that_is_needed_and_missing_is_refused():
    with pytest.raises(ScenarioError, match="has no spot price"):
        on_nodes({"purchase": Purchase.SPOT})
    with pytest.raises(ScenarioError, match="has no power"):
        on_nodes(kind={"watts_idle": 0.0, "watts_full": 0.0}, cost_mode=CostMode.OWNED)
    with pytest.raises(ScenarioError, match="a worker takes 2 cpu_cores"):
        on_nodes(kind={"cpu_cores": 1.5})


def test_workers_of_their_own_have_power_and_price_and_pay_for_transfer():
    """2 workers of 3 $/h and 40 to 100 W for an hour, 4 requests of 600 s on 4 slots."""
    changes = {
        "watts_idle": 40.0, "watts_full": 100.0, "price_usd_per_hour": 3.0,
        "transfer_gib_per_request": 0.5,
    }  # fmt: skip
    pool = Pool(agent_type="small", workers_initial=2, workers_max=2, workers_min=2)
    region = Region(price_factor=2.0, pue=1.0, transfer_usd_per_gib=0.08)
    chosen = on_nodes(
        agent=changes, pools=(pool,), regions=(region,), node_types=(), node_groups=(),
        cost_mode=CostMode.OWNED,
    )  # fmt: skip
    record = steady(chosen)
    card = scorecard(record)
    busy_workers = 4 * 600 / HOUR / 2
    assert card["energy_kwh"] == pytest.approx((2 * 40 + busy_workers * 60) / 1000, **exactly)
    assert card["cost_on_demand_usd"] == pytest.approx(12.0, **exactly)
    assert card["cost_transfer_usd"] == pytest.approx(4 * 0.5 * 0.08, **exactly)
    assert card["cost_usd"] == pytest.approx(12.16, **exactly)
    assert card["cost_energy_usd"] is None  # rented, whatever the mode: rent includes it
    assert card["node_hours"] is None


def test_energy_is_not_measured_where_one_machine_has_no_power():
    bare = dataclasses.replace(
        on_nodes(), pools=(*on_nodes().pools, Pool(name="bare", agent_type="small"))
    )
    card = scorecard(steady(bare))
    assert {card[key] for key in ("energy_kwh", "carbon_kg", "green_frac")} == {None}
    assert card["cost_on_demand_usd"] > 4.0


def test_the_last_tick_counts_as_long_as_it_is():
    card = scorecard(steady(on_nodes(pools=FIXED), window_s=100.0, busy_s=50.0))
    assert card["cost_usd"] == pytest.approx(4.0 * 100 / HOUR, **exactly)
    used_kwh = 1.2 * (100 * 100 + 200 * 4 * 50 / 8) / 3.6e6
    assert card["energy_kwh"] == pytest.approx(used_kwh, **exactly)


def test_intensity_is_that_of_the_time_and_generators_run_while_the_grid_is_out():
    """Hours of 100, 300 and 200 g/kWh; the grid is out in the second half of the second."""
    series = GridSeries(g_per_kwh=np.array([100.0, 300.0, 200.0]), interval_s=HOUR, start_s=5e8)
    region = Region(pue=1.0, backup_g_per_kwh=900.0)
    outage = Fault(kind=FaultKind.GRID_OUTAGE, at_s=1.5 * HOUR, for_s=0.5 * HOUR)
    record = steady(
        on_nodes(regions=(region,), faults=(outage,), pools=FIXED),
        window_s=3 * HOUR, busy_s=1e-3, clock_s=5e8, grids={"region-a": series},
    )  # fmt: skip
    books = record.accounts
    grams = 0.1 * (100 + (300 + 900) / 2 + 200)
    idle_only = 1e-6  # 4 ms of work
    assert books.operational_g.sum() == pytest.approx(grams, rel=idle_only)
    assert books.backup_kwh.sum() == pytest.approx(0.05, rel=idle_only)
    assert set(np.unique(books.g_per_kwh)) == {100.0, 200.0, 300.0, 900.0}


def test_renewable_energy_of_a_region_is_shared_by_its_places_and_by_no_others():
    """Two groups in one region draw 100 W and 200 W, one elsewhere; 0.15 kWh are green."""
    groups = (
        NodeGroup(name="small", node_type="box", nodes_min=1),
        NodeGroup(name="large", node_type="big", nodes_min=1),
        NodeGroup(name="far", node_type="box", nodes_min=1, zone="zone-b"),
    )
    regions = (
        Region(pue=1.0, green=GreenBudget(kwh_per_day=3.6, profile="flat")),
        Region(name="region-b", pue=1.0),
    )
    chosen = on_nodes(
        node_types=(machine(), machine(name="big", watts_idle=200.0, watts_full=300.0)),
        node_groups=groups,
        regions=regions,
        zones=(Zone(), Zone(name="zone-b", region="region-b")),
        pools=(Pool(agent_type="small", workers_initial=1, workers_max=1, node_group="small"),),
    )
    record = steady(chosen, busy_s=1e-6)
    books = record.accounts
    assert [place.name for place in books.places] == ["small", "large", "far"]
    assert books.green_kwh.sum(axis=0) == pytest.approx([0.05, 0.1, 0.0], rel=1e-6)
    assert books.operational_g.sum(axis=0) == pytest.approx([20.0, 40.0, 40.0], rel=1e-6)
    assert scorecard(record)["green_frac"] == pytest.approx(0.15 / 0.4, rel=1e-6)


def test_what_pools_pay_together_is_what_was_spent():
    """Two pools on one group, one with machines of its own, transfer, and a group of nobody."""
    pools = (
        Pool(name="a", agent_type="small", workers_initial=2, node_group="boxes"),
        Pool(name="b", agent_type="small", workers_initial=1, node_group="boxes", share=0.2),
        Pool(name="c", agent_type="small", workers_initial=1),
    )
    spare = NodeGroup(name="spare", node_type="box", nodes_min=1, purchase=Purchase.RESERVED)
    base = on_nodes(
        kind={"usd_per_hour_reserved": 2.0},
        agent={"transfer_gib_per_request": 0.1},
        regions=(Region(transfer_usd_per_gib=0.1),),
        pools=pools,
    )
    chosen = dataclasses.replace(base, node_groups=(*base.node_groups, spare))
    (record,) = replay([spec("hpa", demand(), chosen)])
    books = record.accounts
    assert set(books.usd) == {"on_demand", "reserved", "transfer"}
    spent = sum(usd.sum(axis=1) for usd in books.usd.values())
    assert books.pool_usd.sum(axis=1) == pytest.approx(spent, **exactly)
    assert books.pool_usd.sum() == pytest.approx(scorecard(record)["cost_usd"], **exactly)
    assert (books.pool_usd.sum(axis=0) > 0).all()
    assert [place.name for place in books.places] == ["boxes", "spare", "c"]


def test_the_price_of_a_worker_on_a_node_is_that_of_its_share_of_it():
    """Policies see it: 2 of 8 cores of 4 $/h."""
    made = spec("static:target=1", demand(), on_nodes())
    (record,) = replay([made])
    assert record.price_usd_per_hour.tolist() == [1.0]


def test_accounts_are_kept_as_soon_as_anything_is_said_of_machines():
    assert not is_accounted(Scenario())
    assert is_accounted(Scenario(regions=(Region(price_factor=1.1),)))
    assert is_accounted(on_nodes())


def test_no_readings_give_no_accounts():
    readings = Readings(
        edges_s=np.array([0.0, 15.0]), clock_s=0.0, sizes=(), worker_s=np.zeros((1, 1)),
        busy_slot_s=np.zeros((1, 1)), finished=np.zeros((1, 1), np.int64), meter=Meter(1, 0),
    )  # fmt: skip
    assert accounts(Scenario(), readings, {}) is None


def test_a_run_on_nodes_is_the_same_alone_and_in_a_batch():
    group = {
        "purchase": Purchase.SPOT, "revocations_per_hour": 5.0, "suspend_empty_after_s": 15.0,
        "consolidate_below_frac": 0.5,
    }  # fmt: skip
    pool = Pool(agent_type="small", workers_max=30, node_group="boxes")
    chosen = on_nodes(
        group, {"usd_per_hour_spot": 1.0, "speed_noise": "fixed"}, pools=(pool,),
        regions=(Region(grid_profile="texas", green=GreenBudget(kwh_per_day=1.0)),),
    )  # fmt: skip
    specs = [spec(policy, demand(), chosen) for policy in ("hpa", "threshold", "hpa")]
    first, _, again = replay(specs)
    (alone,) = replay(specs[:1])
    for other in (again, alone):
        for field in dataclasses.fields(first.accounts):
            one = getattr(first.accounts, field.name)
            two = getattr(other.accounts, field.name)
            if isinstance(one, np.ndarray):
                assert one.tobytes() == two.tobytes(), field.name
        assert first.counters.tobytes() == other.counters.tobytes()
    assert first.accounts.places == (Place(name="boxes", is_group=True, region="region-a"),)
