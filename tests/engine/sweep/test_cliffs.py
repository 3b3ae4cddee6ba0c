"""The edge of a cliff is found between the values that were replayed."""

import numpy as np
import pytest

from engine.errors import ReplayCancelled
from engine.planner import Planner
from engine.scenario import AgentType, Pool, Scenario, Slo, Startup, StartupKind
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.sweep.axes import parse_axis
from engine.sweep.cliffs import edge
from engine.sweep.effects import Cliff
from engine.sweep.effects import cliff as found_cliff
from engine.sweep.plan import Goal
from engine.sweep.work import Point
from engine.trace.schema import request_table

GOAL = Goal(bound=0.99)
PATH = "agent_types.own.startup.mean_s"


def point(met, **settings):
    card = {"slo_attainment_frac": met, "cost_usd": 1.0}
    return Point(settings=settings, run_id="", policy="hpa", scorecard=card)


def cliff(kept_at, broken_at, path="load"):
    return Cliff(
        path=path, kept_at=kept_at, broken_at=broken_at, kept_frac=1.0, broken_frac=0.5,
        kept_last=kept_at, broken_last=broken_at,
    )  # fmt: skip


def nobody(_):
    pytest.fail("a replay was asked for")


@pytest.mark.parametrize(
    ("kept_at", "broken_at", "true", "found"),
    [
        ("20", "90", 47.3, ("47", "48")),
        ("90", "20", -47.3, ("48", "47")),  # breaks below
        ("0.5", "0.9", 0.6649, ("0.66", "0.67")),
    ],
)
def test_a_step_is_halved_until_no_value_lies_between(kept_at, broken_at, true, found):
    asked = []

    def ask(settings):
        asked.append(settings)
        value = float(settings["load"])
        return 1.0 if np.copysign(value, true) <= true else 0.5

    points = [point(1.0, load=kept_at, other="a"), point(0.5, load=broken_at, other="a")]
    made = edge(cliff(kept_at, broken_at), points, GOAL, ask)
    assert (made.kept_at, made.broken_at) == found
    assert (made.kept_frac, made.broken_frac, made.settings) == (1.0, 0.5, {"other": "a"})
    assert made.replays == len(asked) <= 7


def test_so_many_replays_as_allowed_and_no_more():
    points = [point(1.0, load="0.0"), point(0.5, load="1.0")]
    made = edge(
        cliff("0.0", "1.0"), points, GOAL, lambda s: 0.5 if float(s["load"]) else 1.0, replays=3
    )
    assert (made.kept_at, made.broken_at, made.replays) == ("0.0", "0.12", 3)


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.5), (0.5, 1.0)])
def test_of_whole_numbers_next_to_each_other_nothing_is_replayed(low, high):
    held = dict(zip(map(str, range(1, 13)), [low] * 6 + [high] * 6, strict=True))
    points = [point(met, load=value) for value, met in held.items()]
    step = found_cliff("load", list(held), np.array(list(held.values())), 0.99)
    made = edge(step, points, GOAL, nobody)
    kept, broken = ("6", "7") if low == 1.0 else ("7", "6")
    assert (made.kept_at, made.broken_at, made.replays) == (kept, broken, 0)


def test_a_far_end_that_nobody_replayed_is_a_value_of_the_sweep():
    points = [point(1.0, load="1", other="a"), point(0.5, load="8", other="b")]
    asked = []

    def ask(settings):
        asked.append(settings["load"])
        return 1.0 if int(settings["load"]) < 5 else 0.5

    made = edge(cliff("1", "8"), points, GOAL, ask)
    assert asked[0] == "8"
    assert (made.kept_at, made.broken_at) == ("4", "5")


def test_it_goes_along_a_line_on_which_the_promise_breaks():
    points = [
        point(1.0, load="1", other="safe"), point(1.0, load="9", other="safe"),
        point(1.0, load="1", other="bold"), point(0.1, load="9", other="bold"),
    ]  # fmt: skip
    made = edge(cliff("1", "9"), points, GOAL, lambda s: 0.1 if int(s["load"]) > 4 else 1.0)
    assert (made.kept_at, made.broken_at, made.settings) == ("4", "5", {"other": "bold"})
    assert edge(cliff("1", "9"), points[:2], GOAL, lambda _: 1.0) is None


@pytest.fixture
def planner(store_path):
    """Everybody comes at 0.5 s, and nobody is served before the workers are there.

    Service takes 1 s, so an answer within 30 s needs workers that start in 29.5 s.
    """
    arrivals = request_table(np.full(20, 0.5), service_s=np.full(20, 1.0))
    with Store(store_path) as store:
        store_requests(store, arrivals, name="rush", format="test", source="test", recipe={})
    with Planner(store_path) as opened:
        yield opened


def made(planner, axis="10,60", **options):
    kind = AgentType(
        name="own", slots=20, contention=0.0, queue_timeout_s=None,
        startup=Startup(kind=StartupKind.CONSTANT, mean_s=10.0, spread_s=0.0),
    )  # fmt: skip
    pool = Pool(name="own", agent_type="own", workers_initial=0)
    scenario = Scenario(agent_types=(kind,), pools=(pool,), slo=Slo(latency_s=30.0), tick_s=1.0)
    return planner.sweep(
        "rush", "static:workers=2", [parse_axis(f"{PATH}={axis}")], scenario=scenario, workers=1,
        **options,
    )  # fmt: skip


@pytest.mark.slow
def test_the_start_up_time_beyond_which_the_promise_collapses_is_found_in_replays(planner):
    assert made(planner)["cliffs"][0].keys() >= {"kept_at", "broken_at"}
    (found,) = made(planner, edges=8)["cliffs"]
    assert (found["kept_at"], found["broken_at"]) == ("10", "60")
    assert (found["edge"]["kept_at"], found["edge"]["broken_at"]) == ("29", "30")
    assert found["edge"]["replays"] <= 6
    (again,) = planner.sweep_report(made(planner)["sweep_id"])["cliffs"]
    assert again == found  # from what is stored


def test_every_replay_for_an_edge_is_counted_told_and_shown_later(planner):
    (unknown,) = made(planner, axis="0.0,60.0")["cliffs"]
    assert unknown["edge"] is None
    told = []
    document = made(
        planner, axis="0.0,60.0", edges=12, progress=lambda share, text: told.append((share, text))
    )
    (found,) = document["cliffs"]
    assert found["edge"]["replays"] == document["replayed"] > 8
    assert float(found["edge"]["broken_at"]) - float(found["edge"]["kept_at"]) < 0.02
    edges = [share for share, text in told if text == "Looking for the edges of cliffs"]
    assert len(edges) == len(set(edges)) == document["replayed"]
    assert planner.sweep_report(document["sweep_id"])["cliffs"] == [found]
    assert made(planner, axis="0.0,60.0")["cliffs"] == [found]


@pytest.mark.slow
def test_a_stopped_search_for_an_edge_keeps_what_it_replayed(planner):
    made(planner)
    told = []
    with pytest.raises(ReplayCancelled):
        made(
            planner, edges=8, cancel=lambda: len(told) > 3,
            progress=lambda share, text: told.append(share) if "edges" in text else None,
        )  # fmt: skip
    left = made(planner, edges=8)
    assert 0 < left["replayed"] < left["cliffs"][0]["edge"]["replays"]
