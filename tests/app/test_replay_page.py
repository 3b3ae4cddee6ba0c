"""A replay is described, started, watched and compared; what is wrong is said beside the form."""

import pytest

from app import load, words
from app.parts.replay_job import DEFAULTS
from engine.planner import Planner
from engine.scenario_file import from_toml
from tests.app.conftest import text_of


@pytest.fixture
def page(store, open_page):
    """The page with a short trace chosen."""
    with Planner(store) as planner:
        made = planner.synthesize(
            "bursty", duration_s=900.0, mean_rate_per_s=1.0, seed=5, name="short"
        )
    return open_page("replay", trace=made.trace_id)


def submit(page):
    page.button(key="replay_go").click().run()
    assert not page.exception


def wait(page):
    """Until the replay has ended and the page has seen it."""
    for job in load.board()._jobs.values():
        assert job.wait(60)
    if page.title[0].value == "Replay":  # a short one ends before the first look
        page.run()
    assert not page.exception


def test_the_default_replay_ends_on_its_comparison(page):
    assert page.multiselect(key="replay_policies").value == [*DEFAULTS]
    submit(page)
    wait(page)
    assert page.title[0].value == "Compare"
    runs = page.query_params["runs"].split(",")
    assert [load.planner().run(run).policy for run in runs] == [*DEFAULTS]
    assert load.planner().run(runs[0]).trace_name == "short"


def test_a_preset_fills_in_every_field(page):
    page.segmented_control(key="replay_preset").set_value("tool-workers").run()
    assert page.number_input(key="replay_tools_type.slots").value == 4
    assert page.number_input(key="replay_slo.latency_s").value == 2.0
    page.segmented_control(key="replay_preset").set_value("llm-agents").run()
    assert page.number_input(key="replay_slo.latency_s").value == 30.0


def test_what_the_form_says_is_what_is_replayed(page):
    page.number_input(key="replay_chat_pool.workers_max").set_value(3)
    page.number_input(key="replay_chat_type.queue_timeout_s").set_value(None)
    page.number_input(key="replay_slo.attainment_frac").set_value(95.0)
    page.multiselect(key="replay_policies").set_value(["static:workers=2"])
    submit(page)
    wait(page)
    run = load.planner().run(page.query_params["runs"])
    assert run.policy == "static:workers=2"
    assert run.scenario.pools[0].workers_max == 3
    assert run.scenario.agent_types[0].queue_timeout_s is None
    assert run.scenario.slo.attainment_frac == 0.95


def test_a_window_is_replayed_alone(page):
    trace_id = page.query_params["trace"]
    page.slider(key=f"replay_window_{trace_id}_0").set_value((5.0, 10.0)).run()
    page.multiselect(key="replay_policies").set_value(["static"])
    submit(page)
    wait(page)
    run = load.planner().run(page.query_params["runs"])
    assert (run.from_s, run.to_s) == (300.0, 600.0)


def test_a_wrong_value_is_refused_beside_the_form_and_kept(page):
    page.number_input(key="replay_chat_pool.workers_min").set_value(60)
    submit(page)
    assert "workers\\_min is 60" in page.error[0].proto.title
    assert page.number_input(key="replay_chat_pool.workers_min").value == 60
    page.number_input(key="replay_chat_pool.workers_min").set_value(1)
    submit(page)
    wait(page)
    assert page.title[0].value == "Compare"


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ([], "0 policies are chosen"),
        (["nonsense"], "there is no policy 'nonsense'"),
        (["hpa:target=much"], "target is 'much'"),
        (["hpa:target"], "no parameter with a value"),
    ],
)
def test_policies_that_cannot_be_are_named(page, policies, told):
    page.multiselect(key="replay_policies").set_value(policies)
    submit(page)
    wait(page)
    said = page.error[0].proto.title.replace("\\", "")
    assert told.lower() in said.lower()
    assert words.FIX in page.error[0].value
    assert page.multiselect(key="replay_policies").value == policies


def test_the_scenario_file_is_edited_as_text(page):
    text = page.text_area(key="replay_toml").value
    assert from_toml(text).name == "llm-agents"
    page.text_area(key="replay_toml").set_value(text.replace("slots = 8", "slots = 5"))
    page.button(key="replay_use").click().run()
    assert page.number_input(key="replay_chat_type.slots").value == 5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("slots = 8", "slotz = 8", "unknown key 'slotz'"), ("slots = 8", "slots = ", "TOML")],
)
def test_a_wrong_scenario_file_changes_nothing_and_says_where(page, old, new, told):
    wrong = page.text_area(key="replay_toml").value.replace(old, new)
    page.text_area(key="replay_toml").set_value(wrong)
    page.button(key="replay_use").click().run()
    assert told.lower() in page.error[0].proto.title.replace("\\", "").lower()
    assert page.number_input(key="replay_chat_type.slots").value == 8
    assert page.text_area(key="replay_toml").value == wrong


def test_what_is_stored_already_is_there_at_once(page):
    submit(page)
    wait(page)
    first = page.query_params["runs"]
    page.switch_page("views/replay.py").run()
    page.button(key="replay_go").click().run()
    wait(page)
    assert page.query_params["runs"] == first


def test_a_cancelled_replay_says_so_and_the_form_stays(store, open_page):
    with Planner(store) as planner:
        made = planner.synthesize(
            "bursty", duration_s=86400.0, mean_rate_per_s=8.0, seed=6, name="long"
        )
    page = open_page("replay", trace=made.trace_id)
    page.button(key="replay_go").click().run()
    page.button(key="replay_cancel").click().run()
    wait(page)
    assert words.CANCELLED in text_of(page)
    assert page.title[0].value == "Replay"
    runs = load.planner().runs()
    assert set(runs[runs["trace_name"] == "long"]["status"]) <= {"cancelled"}


def test_without_demand_there_is_a_way_to_get_some(no_samples, open_page):
    assert words.REPLAY_NONE in text_of(open_page("replay"))
