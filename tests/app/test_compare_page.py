"""Which run is better, at what cost: from an address, in words, and for a part of the time."""

import pytest

from app import load, load_decisions, planner_words, state, words
from app.cluster_run_words import OTHERS_LEFT_OUT
from engine.figures import FIGURES
from engine.planner import Planner
from engine.sweep.noise import paired
from engine.tune.line import Line
from tests.app.conftest import text_of


@pytest.fixture
def demo(store) -> list[str]:
    """Run ids of the finished comparison."""
    with Planner(store) as planner:
        return planner.demo()[0]


def scorecard(page):
    """The scorecard as {figure label: {run: text}}."""
    table = next(t.value for t in page.table if t.value.columns[0] == words.FIGURE)
    table = table.rename(columns=lambda name: name.removesuffix(" (baseline)"))
    return table.set_index(words.FIGURE).to_dict(orient="index")


def test_the_address_names_runs_and_baseline(demo, open_page):
    page = open_page("compare", runs=",".join(demo[:3]), baseline=demo[1])
    card = scorecard(page)
    always = ("Service", "Capacity and cost", "Requests and failures", "Behaviour")
    left_out = next(c.value for c in page.caption if c.value.startswith(OTHERS_LEFT_OUT))
    assert {f"**{group}**" for group in always} < set(card)
    assert all(f.label in card or f.label.lower() in left_out for f in FIGURES.values())
    assert "energy" in left_out
    assert "better" in card["Cost"]["static"] or "worse" in card["Cost"]["static"]
    assert "%" not in card["Cost"]["hpa"]  # the baseline differs from nothing


def test_differences_carry_sign_unit_and_a_word(demo, open_page):
    page = open_page("compare", runs=",".join(demo[:2]), baseline=demo[0])
    cost = scorecard(page)["Cost"]["hpa"]
    assert "▼ −\\$" in cost
    assert "better" in cost
    met = scorecard(page)["SLO attainment"]["hpa"]
    assert "points worse" in met


def test_no_request_is_unaccounted_for(demo, open_page):
    page = open_page("compare", runs=",".join(demo))
    told = [caption.value for caption in page.caption if "arrived" in caption.value]
    assert len([text for text in told if "= 29,433 arrived" in text]) == len(demo)


def test_a_window_changes_the_figures_and_can_be_reset(demo, open_page):
    page = open_page("compare", runs=",".join(demo[:2]))
    whole = scorecard(page)
    page.slider(key="compare_window_0").set_value((20.0, 40.0)).run()
    assert not page.exception
    assert (page.query_params["t0"], page.query_params["t1"]) == ("1200", "2400")
    part = scorecard(page)
    assert part["Requests arrived"]["static"] != whole["Requests arrived"]["static"]
    assert part["Request latency p95"]["hpa"] != whole["Request latency p95"]["hpa"]
    assert "not measured" in part["Scaling actions per hour"]["hpa"]
    page.button(key="compare_reset").click().run()
    assert "t0" not in page.query_params
    assert scorecard(page) == whole


def test_what_moves_the_window_replaces_the_slider_and_the_slider_itself_does_not(demo, open_page):
    page = open_page("compare", runs=",".join(demo[:2]), t0="1201.5", t1="2400")
    page.run()
    page.slider(key="compare_window_0").set_value((20.0, 40.0)).run()
    page.slider(key="compare_window_0").set_value((20.0, 60.0)).run()
    assert page.query_params["t1"] == "3600"
    page.button(key="compare_reset").click().run()
    assert page.slider(key="compare_window_1").value == (0.0, 120.0)
    assert "t0" not in page.query_params
    page.slider(key="compare_window_1").set_value((20.0, 40.0)).run()
    assert page.query_params["t1"] == "2400"


def test_a_window_in_the_address_is_what_a_reset_page_shows(demo, open_page):
    there = {"runs": ",".join(demo[:2]), "t0": "1200", "t1": "2400"}
    first = scorecard(open_page("compare", **there))
    load_decisions.forget_results()
    assert scorecard(open_page("compare", **there)) == first
    assert first["Requests arrived"]["static"] != "29,433"


def test_a_senseless_window_counts_as_none(demo, open_page):
    page = open_page("compare", runs=demo[0], t0="50", t1="x")
    assert scorecard(page)["Requests arrived"]["static"] == "29,433"


def test_an_unknown_run_is_named_and_the_others_are_shown(demo, open_page):
    page = open_page("compare", runs=f"{demo[0]},ffffffffffff")
    assert "There is no run 'ffffffffffff'" in page.error[0].proto.title
    assert scorecard(page)["Requests arrived"] == {"static": "29,433"}


def test_only_unknown_runs_leave_the_choice(store, open_page):
    page = open_page("compare", runs="ffffffffffff")
    assert len(page.error) == 1
    assert page.multiselect(key="compare_pick_first").options


def test_without_runs_there_is_something_to_choose(demo, open_page):
    page = open_page("compare")
    page.multiselect(key="compare_pick_first").set_value(demo[:2]).run()
    assert not page.exception
    assert page.query_params["runs"] == ",".join(demo[:2])
    assert scorecard(page)["Requests arrived"]["static"] == "29,433"


def test_the_beginning_of_a_run_id_is_enough(demo, open_page):
    page = open_page("compare", runs=demo[0][:6])
    assert scorecard(page)["Requests arrived"] == {"static": "29,433"}


def replay_some(store, trace: str, *policies: str) -> list[str]:
    with Planner(store) as planner:
        preset = planner.presets()["llm-agents"]
        return planner.replay(trace, policies, scenario=preset, to_s=600.0)


def test_an_unfinished_run_is_left_out_with_its_reason(store, open_page):
    runs = replay_some(store, "bursty", "static", "hpa")
    with Planner(store) as planner, planner._store.transaction() as cursor:
        cursor.execute(
            "UPDATE runs SET status = 'interrupted', note = 'the process ended' WHERE run_id = ?",
            [runs[1]],
        )
    page = open_page("compare", runs=",".join(runs))
    assert "interrupted (the process ended)" in page.warning[0].value
    assert list(scorecard(page)["Cost"]) == ["static"]


def test_runs_of_different_demand_are_flagged(demo, store, open_page):
    other = replay_some(store, "bursty", "static")
    page = open_page("compare", runs=f"{demo[0]},{other[0]}")
    assert words.COMPARE_MIXED in text_of(page)


def test_a_closed_loop_says_so(store, open_page):
    runs = replay_some(store, "agent_sessions", "static")
    assert words.CLOSED_LOOP in text_of(open_page("compare", runs=runs[0]))


def test_an_empty_store_says_what_to_do(no_samples, open_page):
    assert words.COMPARE_EMPTY in text_of(open_page("compare"))


def test_every_chart_has_a_name_for_screen_readers(demo, open_page):
    page = open_page("compare", runs=",".join(demo))
    charts = page.get("vega_lite_chart")
    # arrivals, capacity per run, latency, queue, failures, cost, routing
    assert len(charts) == len(demo) + 6
    assert all(chart.proto.alt.strip() for chart in charts)
    assert all(table.proto.alt.strip() for table in page.table)


def test_each_run_can_be_opened_in_the_planner(demo, open_page):
    page = open_page("compare", runs=",".join(demo))
    queries = [link.proto.query_string for link in page.get("page_link")]
    assert {f"{state.START}={run_id}" for run_id in demo} <= set(queries)


def test_each_run_says_how_far_from_perfect_it_is_and_plans_join_by_themselves(
    demo, open_page, monkeypatch
):
    monkeypatch.setattr(Planner, "tuned_hpa", lambda *_, **__: None)
    page = open_page("compare", runs=",".join(demo[:2]), baseline=demo[0])

    def rows():
        (table,) = (t.value for t in page.table if "Above the bound" in t.value.columns)
        return table

    assert len(rows()) == 2
    assert all(text.startswith("+") for text in rows()["Above the bound"])
    assert set(rows()["Above the plan"]) == {planner_words.BOUNDS_UNKNOWN}
    monkeypatch.setattr("app.parts.idle.IDLE_S", 0.0)
    page.run()
    (job,) = load.idle_board().active("bounds")
    assert job.wait(60.0)
    page.run()
    assert any(text.endswith("%") for text in rows()["Above the plan"])


def test_differences_are_held_against_the_noise(demo, open_page, monkeypatch):
    pair = paired("cost_usd", [3.0, 3.1, 2.9])
    monkeypatch.setattr(Planner, "noise", lambda *_, **__: {"cost_usd": pair})
    page = open_page("compare", runs=",".join(demo[:2]), baseline=demo[0])
    assert "The arrivals are recorded: the same under every seed." in text_of(page)
    assert "start-up times" in text_of(page)
    page.button(key="noise_go").click().run()
    (job_id,) = (v for k, v in page.session_state["idle_jobs"].items() if k.startswith("noise"))
    assert load.idle_board().find(job_id).wait(60.0)
    page.run()
    (table,) = (t.value for t in page.table if "95 % interval" in t.value.columns)
    assert list(table["Verdict"]) == [planner_words.NOISE_MORE]


def test_the_tuned_hpa_streams_in_and_can_be_added(demo, open_page, monkeypatch):
    line = Line(
        run_id=demo[1], policy="hpa:target=0.5", replays=11, sampled_frac=0.25, slo=0.95,
        keeps_slo=False,
    )  # fmt: skip
    stored = []
    monkeypatch.setattr(Planner, "tuned_hpa", lambda *_, **__: stored.append(line))
    monkeypatch.setattr(Planner, "known_tuned_hpa", lambda *_: stored[0] if stored else None)
    monkeypatch.setattr(Planner, "known_future", lambda *_, **__: 0)
    page = open_page("compare", runs=demo[0])
    assert planner_words.IDLE_SOON in text_of(page)
    monkeypatch.setattr("app.parts.idle.IDLE_S", 0.0)
    page.run()
    assert next(j for j in load.idle_board()._jobs.values() if j.kind == "tuned").wait(60)
    page.run()
    told = text_of(page)
    assert "The best of 11 replays on 25 % of the window, as it is large." in told
    assert "On the whole window it misses 95 %." in told
    stored.clear()  # its run was deleted
    page.run()
    assert not page.error
    assert "On the whole window it misses 95 %." not in text_of(page)
    stored.append(line)
    page.run()
    page.button(key="tuned_add").click().run()
    assert page.query_params["runs"] == f"{demo[0]},{demo[1]}"
