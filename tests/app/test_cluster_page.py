"""The page Cluster: what is wrong is explained beside its field; the last good scenario stays."""

import dataclasses

import pytest

from app import cluster_words, state, words
from app.cluster_draft import entry_of, spec, title_of
from app.cluster_fields import SECTIONS, Type
from app.parts.cluster_state import INPUT
from app.parts.cluster_top import file_stem, use_file
from engine.cluster.standing import standing
from engine.manifests import to_yaml
from engine.planner import Planner
from engine.presets import PRESETS
from engine.scenario import AgentType, Fault, FaultKind, Hold, RouterKind, Siting, WorkerSize
from engine.scenario_file import from_toml, to_dict, to_toml
from tests.app.conftest import text_of
from tests.app.test_cluster_fields import FULL

WHOLE = dataclasses.replace(
    FULL,
    agent_types=(dataclasses.replace(FULL.agent_types[0], sizes=(WorkerSize(name="l", slots=9),)),
                 AgentType(name="other")),
    router=dataclasses.replace(FULL.router, kind=RouterKind.HIERARCHICAL),
    pools=(*FULL.pools, dataclasses.replace(FULL.pools[0], name="lone", agent_type="other")),
    siting=Siting(),
    guard=dataclasses.replace(FULL.guard, holds=(Hold(pool="lone", at_s=60.0),)),
)  # fmt: skip
"""Has an entry of every part."""
TYPED = (Type.NUMBER, Type.WHOLE, Type.TEXT, Type.POINTS)


@pytest.fixture
def page(no_samples, open_main):
    """The page with a scenario that has everything."""
    opened = open_main()
    for key, value in (
        (state.CLUSTER_BASE, to_toml(WHOLE)),
        (state.CLUSTER_EDITS, {}),
        (state.CLUSTER_WRONG, {}),
    ):
        opened.session_state[key] = value
    opened.switch_page("views/cluster.py").run()
    assert not opened.exception
    return opened


def current(page):
    return from_toml(page.session_state[state.CLUSTER_BASE])


def go_to(page, section):
    page.segmented_control(key=state.CLUSTER_SECTION).set_value(section).run()
    assert not page.exception


def inputs(page):
    """Boxes for text by path."""
    return {
        box.key.removeprefix(INPUT): box
        for box in page.text_input
        if box.key and box.key.startswith(INPUT)
    }


def in_order(block):
    """All elements of a page as they are read."""
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from in_order(child)


def told_beside(page, path):
    """Text of the error that is read next after an input, before any input of another entry."""
    order = list(in_order(page.main))
    at = next(n for n, each in enumerate(order) if getattr(each, "key", None) == INPUT + path)
    for each in order[at + 1 :]:
        if each.type == "error":
            return f"{each.proto.title}\n{each.value}".replace("\\", "")
        key = getattr(each, "key", None) or ""
        if key.startswith(INPUT) and entry_of(key.removeprefix(INPUT)) != entry_of(path):
            return ""
    return ""


@pytest.mark.parametrize("section", SECTIONS)
def test_every_field_that_can_be_typed_says_beside_it_what_is_wrong(page, section):
    go_to(page, section)
    plain = to_dict(WHOLE)
    paths = []
    for path, box in inputs(page).items():
        field = spec(path)[1]
        free = field.optional and field.type is Type.TEXT  # names are looked up below
        if field.type in TYPED and not box.disabled and not free:
            box.set_value("" if field.type is Type.TEXT else "wrong")
            paths.append(path)
    page.run()
    assert paths
    assert not page.exception
    assert current(page) == WHOLE
    assert len(page.error) == len(paths)
    for path in paths:
        part, field = spec(path)
        told = told_beside(page, path)
        assert title_of(plain, entry_of(path), part) in told, path
        assert words.WHERE in told
        assert words.FIX in told
    assert f"in {section}" in page.warning[0].value


@pytest.fixture
def stored_prices(store_path, tmp_path):
    """A trace of prices of two machine types."""
    rows = ["machine_type,region,commit_date,usd_hour,usd_hour_spot,usd_month_1y"]
    rows += [f"{name},us-west1,2024-01-01,4.0,2.0,1825" for name in ("box", "crate")]
    (tmp_path / "prices.csv").write_text("\n".join(rows))
    with Planner(store_path) as planner:
        planner.import_path(tmp_path / "prices.csv", name="prices")


@pytest.mark.parametrize(
    ("section", "path", "what"),
    [
        ("Regions", "regions.0.carbon_trace", "here is no trace 'nonsense'"),
        ("Regions", "regions.0.carbon_trace", "holds prices, not carbon intensity"),
        ("Nodes", "node_types.0.price_trace", "here is no trace 'nonsense'"),
        ("Nodes", "node_types.0.price_name", "'nonsense' is of no price history"),
    ],
)
def test_names_of_stored_series_are_looked_up_as_they_are_typed(
    stored_prices, page, section, path, what
):
    go_to(page, section)
    inputs(page)[path].set_value("prices" if "holds" in what else "nonsense").run()
    told = told_beside(page, path)
    assert what in told
    assert title_of(to_dict(WHOLE), entry_of(path), spec(path)[0]) in told
    assert words.WHERE in told
    assert words.FIX in told
    assert current(page) == WHOLE
    inputs(page)[path].set_value("").run()
    assert not page.error


def test_a_history_of_prices_has_to_have_the_machine_type_which_may_be_named_after(
    stored_prices, page
):
    go_to(page, "Nodes")
    trace, name = "node_types.0.price_trace", "node_types.0.price_name"
    inputs(page)[trace].set_value("prices").run()
    assert "'prices' has no prices of" in told_beside(page, trace)
    assert current(page) == WHOLE
    inputs(page)[name].set_value("box").run()
    assert not page.error
    kind = current(page).node_types[0]
    assert (kind.price_trace, kind.price_name) == ("prices", "box")
    inputs(page)[name].set_value("boxes").run()
    assert "has no prices of 'boxes'" in told_beside(page, name)
    assert current(page).node_types[0] == kind


@pytest.mark.parametrize("section", SECTIONS)
def test_every_number_is_checked_against_what_it_may_be(page, section):
    go_to(page, section)
    boxes = {
        path: box
        for path, box in inputs(page).items()
        if spec(path)[1].type in (Type.NUMBER, Type.WHOLE) and not box.disabled
    }
    for given in ("-1e9", "1e300", "1e15"):
        if given == "1e15":
            boxes.pop("seed", None)  # may be that large
        for path, box in inputs(page).items():
            if path in boxes:
                box.set_value(given)
        page.run()
        assert current(page) == WHOLE
        assert {path for path in boxes if not told_beside(page, path)} == set()
        for path, box in inputs(page).items():
            if path in boxes:
                assert box.value == given


def test_a_choice_that_cannot_be_is_explained_and_may_be_completed_by_another(page):
    page.selectbox(key=f"{INPUT}pools.0.zone").set_value("europe-west4-a").run()
    assert "node group 'gpu-us' lies in zone" in told_beside(page, "pools.0.zone")
    assert current(page) == WHOLE
    page.selectbox(key=f"{INPUT}pools.0.node_group").set_value("gpu-eu").run()
    assert not page.error
    assert current(page).pools[0].node_group == "gpu-eu"


def test_what_is_wrong_stays_known_in_other_sections_and_after_coming_back(page):
    inputs(page)["pools.0.workers_min"].set_value("many").run()
    go_to(page, "Regions")
    assert "Fewest workers of pool 'chat-us' (in Workers)" in page.warning[0].value
    go_to(page, "Workers")
    assert inputs(page)["pools.0.workers_min"].value == "many"
    assert told_beside(page, "pools.0.workers_min")
    inputs(page)["pools.0.workers_min"].set_value("3").run()
    assert not page.error
    assert not page.warning
    assert current(page).pools[0].workers_min == 3


def test_the_idle_cluster_is_that_of_the_last_good_scenario(page):
    def shown():
        return {metric.label: metric.value.replace("\\", "") for metric in page.metric}

    before = shown()
    assert before[cluster_words.NODES] == str(standing(WHOLE).nodes)
    inputs(page)["pools.0.workers_min"].set_value("-1").run()
    assert shown() == before
    inputs(page)["pools.0.workers_min"].set_value("20").run()
    after = standing(current(page))
    assert shown()[cluster_words.WORKERS] == str(after.workers)
    assert shown()[cluster_words.POWER] == f"{after.watts:,.0f}"
    assert shown() != before


def test_power_that_is_not_known_is_not_made_up(page):
    page.selectbox(key=state.CLUSTER_PRESET).set_value("llm-agents").run()
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown[cluster_words.POWER] == shown[cluster_words.CARBON] == cluster_words.NOT_KNOWN


def test_a_preset_fills_everything_and_an_edit_makes_it_ones_own(page):
    page.selectbox(key=state.CLUSTER_PRESET).set_value("kubernetes").run()
    assert current(page) == PRESETS["kubernetes"]
    assert inputs(page)["pools.0.workers_max"].value == "50"
    inputs(page)["pools.0.workers_max"].set_value("60").run()
    assert page.selectbox(key=state.CLUSTER_PRESET).value is None
    page.selectbox(key=state.CLUSTER_PRESET).set_value("kubernetes").run()
    assert current(page) == PRESETS["kubernetes"]
    assert inputs(page)["pools.0.workers_max"].value == "50"


def test_a_name_is_changed_wherever_it_is_used(page):
    go_to(page, "Regions")
    inputs(page)["regions.1.name"].set_value("eu").run()
    assert page.selectbox(key=f"{INPUT}zones.1.region").value == "eu"
    assert current(page).zones[1].region == "eu"


def test_entries_are_added_and_removed_and_what_is_used_stays(page):
    go_to(page, "Regions")
    page.button(key="cluster_add_regions").click().run()
    assert [region.name for region in current(page).regions][2] == "europe-west4-2"
    page.button(key="cluster_remove_regions.0").click().run()
    assert "still used" in page.error[0].proto.title
    assert len(current(page).regions) == 3
    page.button(key="cluster_remove_regions.2").click().run()
    assert current(page) == WHOLE
    assert not page.error


def test_an_optional_part_is_switched(page):
    go_to(page, "Routing")
    page.toggle(key="cluster_switch_cache").set_value(False).run()
    assert current(page).cache is None
    assert "cache.zone_ttl_s" not in inputs(page)
    page.toggle(key="cluster_switch_cache").set_value(True).run()
    assert inputs(page)["cache.zone_ttl_s"].value == "3600"


def test_the_fault_plan_is_edited_beside_its_timeline(page):
    go_to(page, "Faults")
    assert len(page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")) == 1
    page.button(key="cluster_add_faults").click().run()
    page.selectbox(key=f"{INPUT}faults.2.kind").set_value("zone-partition").run()
    page.selectbox(key=f"{INPUT}faults.2.where").set_value("us-west1-a").run()
    inputs(page)["faults.2.at_s"].set_value("120").run()
    assert current(page).faults[2] == Fault(
        kind=FaultKind.ZONE_PARTITION, at_s=120.0, for_s=5.0, where="us-west1-a"
    )
    assert inputs(page)["faults.2.count"].disabled
    page.selectbox(key="cluster_fault").set_value(2).run()
    page.slider(key="cluster_move").set_value((3.0, 5.5)).run()
    moved = current(page).faults[2]
    assert (moved.at_s, moved.for_s) == (180.0, 150.0)
    assert inputs(page)["faults.2.for_s"].value == "150"
    for number in (2, 1, 0):
        page.button(key=f"cluster_remove_faults.{number}").click().run()
    assert cluster_words.FAULTS_NONE in text_of(page)


def test_the_scenario_made_here_is_replayed_and_can_be_chosen_there(store, open_page):
    page = open_page("cluster")
    inputs(page)["pools.0.workers_max"].set_value("7").run()
    page.button(key="cluster_replay").click().run()
    assert not page.exception
    assert page.title[0].value == "Replay"
    page.switch_page("views/replay.py").run()  # where a browser is already
    assert page.number_input(key="replay_chat_pool.workers_max").value == 7
    page.segmented_control(key="replay_preset").set_value("tool-workers").run()
    assert page.number_input(key="replay_tools_pool.workers_max").value == 500
    page.segmented_control(key="replay_preset").set_value("/cluster").run()
    assert page.number_input(key="replay_chat_pool.workers_max").value == 7


def test_a_scenario_is_saved_under_its_name_chosen_again_and_deleted(page):
    page.selectbox(key=state.CLUSTER_PRESET).set_value("kubernetes").run()
    page.button(key="cluster_save").click().run()
    assert "is the name of a preset" in page.error[0].proto.title
    go_to(page, "SLO, replay")
    inputs(page)["name"].set_value("mine").run()
    page.button(key="cluster_save").click().run()
    assert not page.error
    page.selectbox(key=state.CLUSTER_PRESET).set_value("gpu-nodes").run()
    page.selectbox(key=state.CLUSTER_PRESET).set_value("mine").run()
    assert current(page) == dataclasses.replace(PRESETS["kubernetes"], name="mine")
    page.button(key="cluster_forget_mine").click().run()
    assert "mine" not in page.selectbox(key=state.CLUSTER_PRESET).options
    assert current(page).name == "mine"


def imported(page, monkeypatch, name, text):
    """As the button below the uploader does."""
    kept = dict.fromkeys(())
    monkeypatch.setattr(state, "put", kept.__setitem__)
    monkeypatch.setattr(state, "get", lambda key, default=None: kept.get(key, default))
    monkeypatch.setattr(state, "forget", lambda *keys: [kept.pop(key, None) for key in keys])
    monkeypatch.setattr(state, "keys", lambda _: [])
    use_file(name, text)
    return kept


def test_a_scenario_file_and_manifests_are_imported(page, monkeypatch):
    kept = imported(page, monkeypatch, "mine.toml", to_toml(WHOLE))
    assert from_toml(kept[state.CLUSTER_BASE]) == WHOLE
    kept = imported(page, monkeypatch, "mine.yaml", to_yaml(PRESETS["kubernetes"], "hpa"))
    assert from_toml(kept[state.CLUSTER_BASE]) == PRESETS["kubernetes"]
    assert kept[state.REPLAY_POLICIES] == ["hpa"]
    assert "hpa" in kept[state.CLUSTER_NOTES][0]


@pytest.mark.parametrize("name", ["wrong.toml", "wrong.yaml"])
def test_a_wrong_file_changes_nothing_and_is_explained(page, monkeypatch, name):
    kept = imported(page, monkeypatch, name, "a: [\n")
    assert state.CLUSTER_BASE not in kept
    what, where, fix = kept[state.CLUSTER_PROBLEM]
    assert "not valid" in what
    assert name in where
    assert fix


def test_files_are_named_after_the_scenario():
    assert file_stem("My Cluster / v2") == "My-Cluster-v2"
    assert file_stem("λ") == "scenario"
