"""Filters, marks, search, the queue and reviews give what a look at every row gives."""

import csv
import io
import json

import numpy as np
import pytest

from engine.errors import UsageError
from engine.explain import search
from engine.explain.decision import Kind
from engine.explain.sentences import sentence
from engine.store import decision_numbers, queue_queries, runs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(explained):
    planner, ids = explained
    return [decision for decision, _ in planner.find(ids["hpa"], most=500).hits]


def found(explained, text="", **wanted):
    planner, ids = explained
    return [one.number for one, _ in planner.find(ids["hpa"], text, most=500, **wanted).hits]


def test_filters_keep_what_they_say(explained, rows):
    every = {one.number for one in rows}
    assert every == set(range(120))
    kept = [one.number for one in rows if one.kind in (Kind.CLAMPED, Kind.OVERRIDDEN)]
    assert found(explained, kinds=(Kind.CLAMPED, Kind.OVERRIDDEN)) == kept
    assert found(explained, pool="shared") == [o.number for o in rows if o.pool == "shared"]
    assert found(explained, from_s=300.0, to_s=400.0) == [
        one.number for one in rows if 300.0 <= one.t_s < 400.0
    ]
    reasons = found(explained, reasons=("cooldown",))
    assert reasons == [one.number for one in rows if one.reason == "cooldown"] != []


@pytest.mark.parametrize(
    "kinds",
    [*((kind,) for kind in Kind), (Kind.OUT, Kind.KEPT), (Kind.IN, Kind.CLAMPED, Kind.SILENT),
     tuple(kind for kind in Kind if kind is not Kind.SILENT)],
)  # fmt: skip
def test_every_choice_of_kinds_gives_the_decisions_of_these_kinds(explained, rows, kinds):
    assert found(explained, kinds=kinds) == [one.number for one in rows if one.kind in kinds]
    planner, ids = explained
    marks = planner.decision_marks(ids["hpa"], kinds=kinds)
    assert list(marks["kind"]) == [one.kind for one in rows if one.kind in kinds]


def test_reversals_are_steps_against_the_step_before(explained, rows):
    wanted, before = [], {}
    for one in rows:
        way = (one.applied > one.current) - (one.applied < one.current)
        if way and before.get(one.pool) == -way:
            wanted.append(one.number)
        before[one.pool] = way or before.get(one.pool)
    assert found(explained, reversals=True) == wanted != []


def test_the_worst_minutes_are_those_in_which_most_requests_missed_the_slo(explained, rows):
    planner, ids = explained
    ticks = planner._store.cursor().execute(
        "SELECT floor(t_s / 60) AS minute, sum(arrived - slo_met) AS missed FROM ticks "
        "JOIN runs USING (run_no) WHERE run_id = ? GROUP BY minute ORDER BY missed DESC, minute",
        [ids["hpa"]],
    ).fetchall()  # fmt: skip
    worst = {int(minute) for minute, _ in ticks[:2]}
    wanted = [o.number for o in rows if {int(o.t_s // 60), int(o.t_s // 60) + 1} & worst]
    assert found(explained, worst_minutes=2) == wanted


def test_filters_of_whole_runs_go_together_and_are_looked_up_once(explained, rows, monkeypatch):
    looked = []
    for name in ("worst", "reversals"):
        asked = getattr(decision_numbers, name)
        monkeypatch.setattr(
            decision_numbers, name, lambda *given, ask=asked: looked.append(ask) or ask(*given)
        )
    planner, ids = explained
    row = runs.find_run(planner._store, ids["hpa"])
    planner._kept.pop(row.run_no, None)
    both = found(explained, worst_minutes=9, reversals=True)
    worst, turned = found(explained, worst_minutes=9), found(explained, reversals=True)
    assert both == sorted({*worst} & {*turned}) != []
    own = found(explained, worst_minutes=9, pool="own")
    assert {*own} < {one.number for one in rows if one.pool == "own"}
    assert planner.neighbour(row.run_id, -1, 1, worst_minutes=9, reversals=True) == both[0]
    assert len(looked) == 3  # worst minutes of all pools, those of one, reversals


def test_a_search_makes_no_more_sentences_than_it_reads(explained, monkeypatch):
    made = []
    monkeypatch.setattr(search, "SAMPLES", 1)
    monkeypatch.setattr(search, "sentence", lambda one: made.append(one.number) or sentence(one))
    planner, ids = explained
    one = planner.find(ids["hpa"], "workers", most=2)
    reasons = planner.decision_counts(ids["hpa"])["reason"].nunique()
    assert len(one.hits) == 2
    assert len(made) == one.read + reasons < 40


def test_constraints_are_found_by_the_names_that_the_filter_gives_them(explained, rows):
    for name in ("cooldown", "rate_limit", "budget"):
        bound = {one.number for one in rows if one.reason == name}
        assert bound <= {*found(explained, name.replace("_", " "))}, name
    assert any(one.reason == "rate_limit" for one in rows)


def test_a_search_finds_what_reading_every_sentence_finds(explained, rows):
    for text in ("cooldown", "Scaled OWN out", "ratio 2", "shared 300 person", "nothing here"):
        words = text.lower().split()
        wanted = [o.number for o in rows if all(w in sentence(o).lower() for w in words)]
        assert found(explained, text) == wanted, text
    assert found(explained, "cooldown") != []


def test_whatever_word_is_searched_every_sentence_that_holds_it_is_found(
    explained, rows, monkeypatch
):
    """Also where the only sentence of its reason that is looked at beforehand lacks it."""
    monkeypatch.setattr(search, "SAMPLES", 1)
    told = {one.number: sentence(one).lower() for one in rows}
    vocabulary = {word for text in told.values() for word in text.split() if word.isalpha()}
    assert len(vocabulary) > 40
    for word in sorted(vocabulary):
        wanted = [number for number, text in told.items() if word in text]
        assert found(explained, word) == wanted, word


def test_searching_on_reads_each_sentence_once(explained, rows, monkeypatch):
    """A few sentences a turn, first of the likely reasons, then of the others."""
    planner, ids = explained
    monkeypatch.setattr(search, "READ", 7)
    monkeypatch.setattr(search, "SAMPLES", 1)
    after, numbers, read, turns = -1, [], 0, 0
    while after is not None:
        turn = planner.find(ids["hpa"], "cooldown", most=3, after=after)
        numbers += [one.number for one, _ in turn.hits]
        after, read, turns = turn.more, read + turn.read, turns + 1
    assert read == len(rows)
    assert turns > len(rows) // 7
    assert sorted(numbers) == [o.number for o in rows if "cooldown" in sentence(o).lower()]


def test_marks_stand_for_every_decision(explained):
    planner, ids = explained
    marks = planner.decision_marks(ids["hpa"])
    assert (len(marks), marks["decisions"].sum()) == (120, 120)
    counts = planner.decision_counts(ids["hpa"])
    assert counts["decisions"].sum() == 120
    assert set(counts["kind"]) == set(marks["kind"])


def test_neighbours_pass_the_filter(explained, rows):
    planner, ids = explained
    only = {"kinds": (Kind.CLAMPED,)}
    numbers = found(explained, **only)
    assert planner.neighbour(ids["hpa"], numbers[3], 1, **only) == numbers[4]
    assert planner.neighbour(ids["hpa"], numbers[3], -1, **only) == numbers[2]
    assert planner.neighbour(ids["hpa"], numbers[-1], 1, **only) is None


def test_two_runs_part_where_their_sizes_first_differ(explained):
    planner, ids = explained
    t_s, pool = planner.first_difference(ids["hpa"], ids["predictive"])
    sizes = [planner.timeline([ids[n]], pool=pool, max_points=60) for n in ("hpa", "predictive")]
    assert 0 <= t_s < 900.0
    assert planner.first_difference(ids["hpa"], ids["hpa"]) is None
    assert len(sizes[0]) == len(sizes[1]) == 60


def test_demand_that_came_far_below_the_forecast_counts_like_as_far_above(explained):
    """Every tick's ratio of what came to what was expected, worked out row by row."""
    planner, ids = explained
    run = runs.find_run(planner._store, ids["predictive"])
    frame = queue_queries.forecast_misses(planner._store, run, 50)
    told = {o.number: o for o, _ in planner.find(run.run_id, most=500).hits}
    assert {told[int(number)].pool for number in frame["number"]} == {"own", "shared"}
    assert (frame["size"] < 1).any()
    for number, ratio in zip(frame["number"], frame["size"], strict=True):
        one = told[int(number)]
        horizon_s = one.rationale.get("horizon_s", 120.0)
        rates = planner.timeline(
            [run.run_id], pool=one.pool, from_s=one.t_s, to_s=one.t_s + horizon_s + 15.0
        )["arrived_per_s"].to_numpy()
        whole = int(-(-horizon_s // 15.0))
        pairs = (rates[:whole] + np.append(rates[1:], rates[-1])[:whole]) / 2
        came = max(pairs.max(), 1 / horizon_s)
        assert ratio == pytest.approx(came / one.rationale["expected_per_s"], rel=0.05)
    apart = [max(ratio, 1 / ratio) for ratio in frame["size"]]
    assert apart == sorted(apart, reverse=True)


def test_of_long_runs_the_forecasts_of_every_pool_are_looked_at(explained, monkeypatch):
    """Two pools a tick, and every second tick: both are among them."""
    planner, ids = explained
    monkeypatch.setattr(queue_queries, "SAMPLE", 60)
    run = runs.find_run(planner._store, ids["predictive"])
    frame = queue_queries.forecast_misses(planner._store, run, 50)
    told = {o.number: o for o, _ in planner.find(run.run_id, most=500).hits}
    assert {told[int(number)].pool for number in frame["number"]} == {"own", "shared"}


def test_reviews_are_kept_counted_and_taken_away(explained):
    planner, ids = explained
    queue = planner.review_queue(ids["hpa"])
    assert queue and all(each.cause for each in queue)
    number = queue[0].number
    planner.review(ids["hpa"], number, by="Ada", verdict="unsure")
    planner.review(ids["hpa"], number, by="Ada", verdict="disagree", tag="night", note="=1+1")
    planner.review(ids["hpa"], number, by="Bo", verdict="agree")
    frame = planner.reviews([ids["hpa"]])
    assert list(frame["verdict"]) == ["disagree", "agree"]
    assert found(explained, reviewed=True) == [number]
    assert number not in [each.number for each in planner.review_queue(ids["hpa"])]
    lines = list(csv.DictReader(io.StringIO(planner.export_reviews([ids["hpa"]], "csv").decode())))
    assert (lines[0]["note"], lines[0]["tag"]) == ("'=1+1", "night")
    assert json.loads(planner.export_reviews([ids["hpa"]], "json"))[1]["reviewer"] == "Bo"
    report = planner.report([ids["hpa"], ids["predictive"]], ids["predictive"])
    assert [review.by for review in report.reviews] == ["Ada", "Bo"]
    text = report.reviews[0].text
    assert text.startswith(f"Disagrees with decision {number} of hpa: ")
    assert text.endswith("Tag: night. =1+1.")
    planner.forget_review(ids["hpa"], number, "Ada")
    assert list(planner.reviews([ids["hpa"]])["reviewer"]) == ["Bo"]


def test_a_review_without_a_name_or_of_nothing_is_refused(explained):
    planner, ids = explained
    with pytest.raises(UsageError, match="name"):
        planner.review(ids["plain"], 3, by=" ", verdict="agree")
    with pytest.raises(UsageError, match="perhaps"):
        planner.review(ids["plain"], 3, by="Ada", verdict="perhaps")
    with pytest.raises(UsageError, match="9999"):
        planner.review(ids["plain"], 9999, by="Ada", verdict="agree")
