"""The page Planner answers a knob twice, a newer change replaces the older, a link restores it."""

from dataclasses import replace

import pytest

from app import load, planner_words, state
from app.parts import planner_work
from engine.errors import PolicyError, ReplayCancelled
from engine.planner import Planner
from engine.scenario import Priorities
from tests.app.conftest import text_of
from tests.engine.learn.copies import put_in_use


@pytest.fixture
def short(store):
    """A short trace in the store; its id."""
    with Planner(store) as planner:
        made = planner.synthesize(
            "bursty", duration_s=900.0, mean_rate_per_s=1.0, seed=5, name="short"
        )
    return made.trace_id


@pytest.fixture
def page(short, open_page):
    return answered(open_page("planner", trace=short))


def answered(page):
    """The page once everything is replayed."""
    for job in load.quick_board()._jobs.values():
        assert job.wait(60)
    page.run()
    assert not page.exception
    return page


def test_the_page_shows_every_request_replayed_beside_the_baseline(page):
    assert planner_words.FULL_BADGE in text_of(page)
    assert {metric.label for metric in page.metric} >= {"Cost", "SLO attainment"}
    page.segmented_control(key=state.PLAN_PLACE).set_value("Cost, carbon").run()
    assert not page.exception
    assert load.planner().run(page.query_params["plan"]).policy.startswith("smartscale:")
    assert load.planner().run(page.query_params["baseline"]).policy == "hpa"


def test_a_weight_changes_the_policy_and_the_weights_sum_to_a_hundred(page):
    before = page.query_params["plan"]
    page.slider(key="plan_w_cost").set_value(100).run()
    answered(page)
    assert page.query_params["plan"] != before
    policy = load.planner().run(page.query_params["plan"]).policy
    shares = [float(part.partition("=")[2]) for part in policy.split(":")[1:]]
    assert sum(shares) == pytest.approx(1.0)
    assert "cost=0.59" in policy


def test_a_preset_moves_the_sliders(page):
    page.pills(key="plan_preset").set_value("green").run()
    assert page.slider(key="plan_w_carbon").value == 50


def test_a_copied_link_opens_the_same_comparison_after_a_restart(page, open_page):
    page.slider(key="plan_w_cost").set_value(77).run()
    page.number_input(key="plan_startup").set_value(20.0).run()
    page.number_input(key="plan_carbon").set_value(380.0).run()
    answered(page)
    link = dict(page.query_params)
    load.planner.clear()  # the process ends, and another one opens the store
    load.quick_board.clear()
    again = answered(open_page("planner", **link))
    assert dict(again.query_params) == link
    assert again.number_input(key="plan_startup").value == 20.0
    assert again.number_input(key="plan_carbon").value == 380.0


def test_any_run_is_a_start_also_where_knobs_were_turned_before(page):
    page.slider(key="plan_w_cost").set_value(77).run()
    preset = load.planner().presets()["llm-agents"]
    lax = replace(preset, slo=replace(preset.slo, latency_s=33.0))
    trace = page.query_params["trace"]
    (run_id,) = load.planner().replay(trace, ["threshold"], scenario=lax, to_s=600.0)
    page.query_params[state.START] = run_id
    answered(page.run())
    assert page.selectbox(key="plan_policy").value == "threshold"
    assert page.number_input(key="plan_slo_s").value == 33.0
    assert state.START not in page.query_params
    assert page.query_params["plan"] == page.query_params["baseline"] == run_id
    page.number_input(key="plan_slo_s").set_value(20.0).run()
    answered(page)
    assert page.query_params["baseline"] == run_id != page.query_params["plan"]


def test_an_allocator_put_in_use_meanwhile_answers_anew(page, store):
    before = page.query_params["plan"]
    folder = put_in_use(store)
    answered(page.run())
    assert page.query_params["plan"] != before
    policy = load.planner().run(page.query_params["plan"]).policy
    assert f":checkpoint={folder}:" in policy


def test_a_newer_change_stops_the_older_answer(page, monkeypatch):
    stopped = []

    def slow(*_, cancel, **__):
        while not cancel():
            pass
        stopped.append(True)
        raise ReplayCancelled("stopped", "here", "Go on")

    with monkeypatch.context() as patched:
        patched.setattr(planner_work, "STAY_S", 0.3)
        patched.setattr(Planner, "glimpse", slow)
        page.slider(key="plan_w_cost").set_value(60).run()
    page.slider(key="plan_w_cost").set_value(95).run()
    answered(page)
    assert stopped == [True]
    assert planner_words.FULL_BADGE in text_of(page)


def test_a_preview_that_fails_does_not_hide_the_result(short, open_page, monkeypatch):
    def broken(*_, **__):
        raise PolicyError("the stretch is odd", "the preview", "Wait for the whole")

    monkeypatch.setattr(Planner, "glimpse", broken)
    page = answered(open_page("planner", trace=short))
    assert "The stretch is odd" in text_of(page)
    assert planner_words.FULL_BADGE in text_of(page)


def test_where_the_whole_replay_fails_the_preview_says_that_nothing_replaces_it(
    short, open_page, monkeypatch
):
    def broken(*_, **__):
        raise PolicyError("the policy gave up", "the replay", "Choose another one")

    monkeypatch.setattr(Planner, "replay_again", broken)
    page = answered(open_page("planner", trace=short))
    told = text_of(page)
    assert "The policy gave up" in told
    assert planner_words.PREVIEW_BADGE in told
    assert planner_words.PREVIEW_LEFT in told
    assert planner_words.PREVIEW_COMING not in told


def test_an_answer_is_shown_by_the_run_of_the_page_that_asked_for_it(page):
    before = page.query_params["plan"]
    page.slider(key="plan_w_cost").set_value(64).run()
    assert page.query_params["plan"] != before
    assert planner_words.FULL_BADGE in text_of(page)


def test_a_policy_that_does_not_weigh_says_so(page):
    page.selectbox(key="plan_policy").set_value("hpa").run()
    assert not page.exception
    assert planner_words.WEIGHTS_IDLE.format(policy="hpa") in text_of(page)


@pytest.mark.parametrize("typed", ["smartscale", "smartscale:profile=smartscale"])
def test_a_run_that_weighs_otherwise_than_usual_is_made_again_by_the_sliders(page, typed):
    cheap = Priorities(
        w_latency=0.1, w_utilisation=0.0, w_cost=0.8, w_reliability=0.1, w_carbon=0.0
    )
    own = replace(load.planner().presets()["llm-agents"], priorities=cheap)
    trace = page.query_params["trace"]
    made, usual = (
        load.planner().replay(trace, [typed], scenario=each)[0]
        for each in (own, replace(own, priorities=Priorities()))
    )
    page.query_params[state.START] = made
    answered(page.run())
    assert page.slider(key="plan_w_cost").value == (25 if "profile" in typed else 80)
    page.number_input(key="plan_budget").set_value(1e6).run()  # binds nothing
    answered(page)
    cards = [
        load.planner().run(each).scorecard["cost_usd"]
        for each in (page.query_params["plan"], made, usual)
    ]
    assert cards[0] == cards[1]
    assert (cards[1] == cards[2]) == ("profile" in typed)


def test_own_priorities_are_saved_under_a_name(page):
    page.text_input(key="plan_save").set_value("mine")
    page.button(key="plan_save_go").click().run()
    assert not page.exception
    assert "mine" in load.planner().priorities()


def test_a_sweep_is_started_explored_and_opened(short, open_page):
    page = open_page("tradeoffs", trace=short)
    assert planner_words.SWEEP_NONE in text_of(page)
    page.text_area(key="sweep_vary").set_value("policy.target=0.4,0.8\nseed=1,2")
    page.selectbox(key="sweep_goal").set_value("cleanest")
    page.button(key="sweep_go").click().run()
    assert "needs a budget" in text_of(page)
    page.number_input(key="sweep_goal_budget").set_value(900.0)
    page.button(key="sweep_go").click().run()
    for job in load.board()._jobs.values():
        assert job.wait(120)
    page.run()
    assert not page.exception
    (row,) = load.planner().sweeps()
    assert (row.points, row.done) == (4, 4)
    assert planner_words.SWEEP_EFFECTS in text_of(page)
    assert "Carbon is not measured here" in text_of(page)  # this cluster gives no power
    assert page.query_params[state.SWEEP] == row.sweep_id


def test_an_empty_store_says_what_to_do(no_samples, open_page):
    for name in ("planner", "tradeoffs"):
        assert "trace" in text_of(open_page(name)).lower()


def test_switches_are_there_where_they_mean_something(page):
    assert page.toggle(key="plan_vertical").disabled
    assert page.toggle(key="plan_routing").disabled
    page.selectbox(key="plan_start").set_value("worker-sizes").run()
    assert not page.toggle(key="plan_vertical").disabled
    assert page.toggle(key="plan_routing").disabled
    page.toggle(key="plan_vertical").set_value(True).run()
    answered(page)
    assert "vertical=true" in load.planner().run(page.query_params["plan"]).policy
    page.selectbox(key="plan_start").set_value("two-regions").run()
    assert page.toggle(key="plan_vertical").disabled
    page.toggle(key="plan_routing").set_value(True).run()
    answered(page)
    policy = load.planner().run(page.query_params["plan"]).policy
    assert "routing=true" in policy
    assert "vertical" not in policy  # it stands, but means nothing here
    page.selectbox(key="plan_policy").set_value("hpa").run()
    assert not {toggle.key for toggle in page.toggle} & {"plan_vertical", "plan_routing"}


def test_a_percentile_takes_the_place_of_a_threshold_where_the_grid_changes(page):
    assert page.number_input(key="plan_percentile").disabled  # the same intensity all the time
    preset = load.planner().presets()["llm-agents"]
    regions = tuple(replace(each, grid_profile="texas") for each in preset.regions)
    load.planner().save_scenario(replace(preset, name="texan", regions=regions))
    page.run()
    page.selectbox(key="plan_start").set_value("texan").run()
    page.number_input(key="plan_carbon").set_value(380.0).run()
    page.number_input(key="plan_percentile").set_value(90.0).run()
    assert page.number_input(key="plan_carbon").value is None
    answered(page)
    chosen = load.planner().run(page.query_params["plan"]).scenario.priorities
    assert chosen.carbon_threshold_percentile == 90.0
    assert chosen.carbon_threshold_g_per_kwh is None
    page.number_input(key="plan_carbon").set_value(380.0).run()
    assert page.number_input(key="plan_percentile").value is None
    assert not page.exception


def test_a_run_and_a_copied_link_turn_the_switches(page, open_page):
    sized = load.planner().presets()["worker-sizes"]
    typed = "smartscale:hold_s=30:vertical=true"
    (run_id,) = load.planner().replay(page.query_params["trace"], [typed], scenario=sized)
    started = answered(open_page("planner", start=run_id))
    assert started.selectbox(key="plan_policy").value == "smartscale:hold_s=30"
    assert started.toggle(key="plan_vertical").value
    link = dict(started.query_params)
    policy = load.planner().run(link["plan"]).policy
    assert "vertical=true" in policy
    assert "hold_s=30" in policy
    load.planner.clear()
    load.quick_board.clear()
    again = answered(open_page("planner", **link))
    assert dict(again.query_params) == link
    assert again.toggle(key="plan_vertical").value
    again.toggle(key="plan_vertical").set_value(False).run()
    answered(again)
    assert "vertical" not in load.planner().run(again.query_params["plan"]).policy
