"""Compare shows what runs say of machines, tenants, faults and routing, one view at a time."""

import dataclasses

import pytest

from app import cluster_run_words as said
from engine.planner import Planner
from engine.presets import PRESETS
from engine.scenario import (
    Breaker,
    Fault,
    FaultKind,
    GreenBudget,
    Partitions,
    Retry,
    Router,
    Tenant,
)
from tests.app.conftest import text_of

CHOSEN = "compare_cluster"
PLAIN = PRESETS["gpu-nodes"]
FULL = dataclasses.replace(
    PLAIN,
    regions=(dataclasses.replace(PLAIN.regions[0], green=GreenBudget(kwh_per_day=5.0)),),
    tenants=(Tenant(name="gold", floor_frac=0.2), Tenant(name="free")),
    partitions=Partitions(),
    retry=Retry(attempts=2),
    router=Router(breaker=Breaker()),
    faults=(
        Fault(kind=FaultKind.NODE_LOSS, at_s=120.0, where="gpu"),
        Fault(kind=FaultKind.SLOW_WORKER, at_s=300.0, for_s=200.0, factor=0.2),
    ),
)


@pytest.fixture
def page(no_samples, store_path, open_page):
    """Two policies on a cluster that has everything, compared."""
    with Planner(store_path) as planner:
        made = planner.synthesize("bursty", duration_s=900.0, mean_rate_per_s=2.0, seed=5)
        runs = planner.replay(made.trace_id, ["static", "hpa"], scenario=FULL)
    return open_page("compare", runs=",".join(runs))


def look_at(page, view):
    page.segmented_control(key=CHOSEN).set_value(view).run()
    assert not page.exception
    assert not page.error


def table_with(page, column):
    return next(table.value for table in page.table if column in table.value.columns)


def test_energy_comes_first_with_a_row_for_each_place_and_run(page):
    assert page.segmented_control(key=CHOSEN).value == said.ENERGY
    table = table_with(page, said.PLACE)
    assert table[said.RUN].tolist() == ["static", "hpa"]
    assert all(text.endswith("kWh") for text in table["Energy"])
    assert all(text.startswith("\\$") for text in table["Cost"])
    options = page.selectbox(key=f"compare_{said.ENERGY}").options
    assert options[:2] == ["Power", "Nodes held"]


def test_carbon_follows_the_grid(page):
    look_at(page, said.CARBON)
    box = page.selectbox(key=f"compare_{said.CARBON}")
    assert box.options == ["Carbon", "Grid intensity"]
    box.set_value("g_per_kwh").run()
    assert not page.exception


def test_fairness_has_a_row_for_each_tenant_and_run(page):
    look_at(page, said.TENANTS)
    table = table_with(page, "Tenant")
    assert sorted(zip(table["Tenant"], table[said.RUN], strict=True)) == [
        ("free", "hpa"), ("free", "static"), ("gold", "hpa"), ("gold", "static"),
    ]  # fmt: skip
    assert said.JAIN_HELP in text_of(page)


def test_faults_have_a_row_each_and_machines_a_list_of_what_happened(page):
    look_at(page, said.FAULTS)
    table = table_with(page, said.FAULT)
    assert len(table) == len(FULL.faults) + 1
    assert table[said.FAULT].iloc[0].startswith("Node loss")
    assert "%" in table["hpa"].iloc[0]
    happened = next(f.value for f in page.dataframe if "what" in f.value.columns)
    assert said.EVENTS["node-lost"] in happened["what"].tolist()


def test_routing_shows_how_even_the_work_was(page):
    look_at(page, said.ROUTING)
    assert "Imbalance" in page.selectbox(key="compare_routing").options


def test_runs_that_say_nothing_of_a_cluster_offer_only_what_they_have(
    no_samples, store_path, open_page
):
    with Planner(store_path) as planner:
        made = planner.synthesize("bursty", duration_s=300.0, mean_rate_per_s=1.0, seed=5)
        runs = planner.replay(made.trace_id, ["static"], scenario=PRESETS["llm-agents"])
    page = open_page("compare", runs=runs[0])
    assert page.segmented_control(key=CHOSEN).options == [said.ROUTING]


def test_routing_explains_where_a_request_went_and_why(page):
    look_at(page, said.ROUTING)
    assert said.ROUTE_TITLE in text_of(page)
    assert not [f for f in page.dataframe if said.WORKER in f.value.columns]
    at = next(box for box in page.number_input if box.label == said.ROUTE_AT)
    at.set_value(400.0)
    next(button for button in page.button if button.label == said.ROUTE_ASK).click().run()
    assert not page.exception
    assert not page.error
    frame = next(f.value for f in page.dataframe if said.WORKER in f.value.columns)
    told = next(m.value for m in page.markdown if m.value.startswith("Request "))
    assert f"worker {frame[said.WORKER].iloc[0]} of pool" in told
    assert "Runner\\-up" in told or "Runner-up" in told
