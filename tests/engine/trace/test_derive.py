import numpy as np
import pytest

from engine.errors import UsageError
from engine.planner import Planner
from engine.presets import PRESETS
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.trace.derive import derive
from engine.trace.schema import request_table
from tests.engine.replays import demand, keep, sessions


def named():
    return request_table(
        np.array([1.0, 2.0, 3.0, 4.0]), service_s=np.ones(4), tenant=np.array([0, 1, 0, 1]),
        tenants=("ann", "bob"),
    )  # fmt: skip


def made(table, *steps, duration_s=900.0, seed=1, other=None):
    return derive(
        table, [dict(step) for step in steps], duration_s=duration_s, seed=seed,
        other=lambda _: other,
    )  # fmt: skip


def whole_chains(table):
    """Every request follows one that lies before it, and sessions hold together."""
    follows = np.flatnonzero(table.after >= 0)
    assert (table.after[follows] < follows).all()
    assert (table.session[table.after[follows]] == table.session[follows]).all()
    assert (np.diff(table.arrival_s) >= 0).all()


@pytest.mark.parametrize("table", [demand(), sessions()], ids=["open", "closed"])
@pytest.mark.parametrize("by", [0.5, 1.0, 2.0, 2.5])
def test_scaling_keeps_chains_whole_and_gives_as_many_as_asked(table, by):
    more = made(table, {"do": "scale", "by": by})
    assert len(more) == pytest.approx(by * len(table), rel=0.1)
    assert (more.after >= 0).mean() == pytest.approx((table.after >= 0).mean(), abs=0.01)
    whole_chains(more)


def open_sessions():
    """Ten sessions of ten requests each, in an open loop."""
    return request_table(
        np.arange(100.0), service_s=np.ones(100), session=np.arange(100) // 10,
        prefix_tokens=np.full(100, 50), input_tokens=np.full(100, 100),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ({"do": "scale", "by": 1}, 10), ({"do": "scale", "by": 2.5}, 25),
        ({"do": "shift", "by_s": 35.0}, 10), ({"do": "tenant", "name": "new", "share": 0.5}, 15),
    ],
)  # fmt: skip
def test_sessions_of_an_open_loop_stay_whole(step, number):
    more = made(open_sessions(), step, duration_s=100.0)
    assert np.bincount(more.session).tolist() == [10] * number
    for session in range(number):
        assert np.diff(more.arrival_s[more.session == session]) == pytest.approx(np.ones(9))


def test_scaling_by_one_changes_nothing():
    table = demand()
    same = made(table, {"do": "scale", "by": 1})
    assert (same.arrival_s == table.arrival_s).all()
    assert np.array_equal(same.service_s, table.service_s, equal_nan=True)


def test_shifting_there_and_back_changes_nothing():
    table = demand()
    moved = made(table, {"do": "shift", "by_s": 300.0})
    assert not np.allclose(moved.arrival_s, table.arrival_s)
    back = made(moved, {"do": "shift", "by_s": -300.0})
    assert np.allclose(back.arrival_s, table.arrival_s)


def test_a_crowd_comes_when_and_as_large_as_asked():
    table = demand(number=6000)
    more = made(
        table, {"do": "crowd", "at_s": 100, "factor": 4, "ramp_s": 0, "hold_s": 200, "fall_s": 0}
    )
    extra = len(more) - len(table)
    assert extra == pytest.approx(3 * 6000 / 900 * 200, rel=0.1)
    inside = ((more.arrival_s >= 100) & (more.arrival_s < 300)).sum()
    before = ((table.arrival_s >= 100) & (table.arrival_s < 300)).sum()
    assert inside - before == extra


def test_a_splice_takes_the_place_of_as_long_a_part():
    table, other = demand(seed=1), demand(seed=2)
    step = {"do": "splice", "trace": "other", "from_s": 0, "length_s": 300, "at_s": 300}
    mixed = made(table, step, other=other)
    inside = (mixed.arrival_s >= 300) & (mixed.arrival_s < 600)
    assert np.allclose(mixed.arrival_s[inside] - 300, other.arrival_s[other.arrival_s < 300])
    outside = (table.arrival_s < 300) | (table.arrival_s >= 600)
    assert np.allclose(mixed.arrival_s[~inside], table.arrival_s[outside])


def test_a_tenant_more_and_a_tenant_less():
    more = made(named(), {"do": "tenant", "name": "new", "share": 1.0}, duration_s=10.0)
    assert more.tenants == ("ann", "bob", "new")
    assert np.bincount(more.tenant).tolist() == [2, 2, 4]
    less = made(more, {"do": "drop", "tenant": "bob"}, duration_s=10.0)
    assert "bob" not in [less.tenants[code] for code in less.tenant]
    assert len(less) == 6


def test_dropping_an_agent_type_closes_the_gap_in_its_chains():
    table = request_table(
        np.arange(6.0), service_s=np.ones(6), session=np.zeros(6, int), after=np.arange(-1, 5),
        think_s=np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), agent_type=np.array([1, 0, 1, 1, 0, 1]),
        prefix_tokens=np.array([0, 10, 20, 30, 25, 50]), agent_types=("a", "b"),
    )  # fmt: skip
    left = made(table, {"do": "drop", "agent_type": "b"}, duration_s=6.0)
    assert left.agent_type.tolist() == [0, 0]
    assert left.arrival_s.tolist() == [1.0, 4.0]
    assert left.after.tolist() == [-1, 0]
    assert left.think_s.tolist() == [0.0, 2.0 + 3.0 + 4.0]
    assert left.prefix_tokens.tolist() == [0, 20]


def test_a_cut_keeps_a_window_and_later_steps_know_its_length():
    table = demand()
    kept = made(table, {"do": "cut", "from_s": 300.0, "to_s": 600.0})
    inside = (table.arrival_s >= 300) & (table.arrival_s < 600)
    assert np.allclose(kept.arrival_s, table.arrival_s[inside] - 300.0)
    moved = made(
        table, {"do": "cut", "from_s": 300.0, "to_s": 600.0}, {"do": "shift", "by_s": 100.0}
    )
    assert np.allclose(np.sort((kept.arrival_s + 100.0) % 300.0), moved.arrival_s)
    whole_chains(made(sessions(), {"do": "cut", "from_s": 100.0, "to_s": 300.0}))


def test_the_same_steps_and_seed_give_the_same_rows_another_seed_others():
    steps = ({"do": "scale", "by": 1.5}, {"do": "crowd", "at_s": 10.0})
    one, two = made(sessions(), *steps), made(sessions(), *steps)
    assert (one.arrival_s == two.arrival_s).all()
    assert len(made(sessions(), *steps, seed=2)) != len(one)


@pytest.mark.parametrize(
    "step",
    [
        {"do": "double"}, {"do": "scale"}, {"do": "scale", "by": -1}, {"do": "scale", "to": 2},
        {"do": "drop", "tenant": "nobody"}, {"do": "scale", "by": 0}, {"do": "tenant"},
        {"do": "crowd", "at_s": 1e9}, {"do": "scale", "by": "abc"}, {"do": "scale", "by": np.nan},
        {"do": "drop"}, {"do": "cut", "from_s": 5.0, "to_s": 3.0}, {"do": "cut", "from_s": 1.0},
        {"do": "splice", "trace": "other", "at_s": 0.0, "from_s": 500.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_step_that_makes_no_sense_is_refused(step):
    with pytest.raises(UsageError):
        made(named(), step, duration_s=10.0, other=named())


def test_a_derived_trace_keeps_its_recipe_and_is_stored_once(store_path):
    with Store(store_path) as store:
        for name, epoch_s in (("demand", None), ("dated", 1e9)):
            store_requests(
                store, demand(seed=len(name)), name=name, format="test", source="test", recipe={},
                epoch_s=epoch_s,
            )  # fmt: skip
    steps = [{"do": "splice", "trace": "demand", "at_s": 100.0, "length_s": 50.0}]
    with Planner(store_path) as planner:
        one = planner.derive("demand", steps)
        info = planner.trace(one.trace_id)
        assert info.recipe["derived_from"] == "demand"
        assert info.recipe["steps"][0]["content_hash"] == planner.trace("demand").content_hash
        assert planner.derive("demand", steps, name="again").existed
        cut = planner.derive("dated", [{"do": "cut", "from_s": 60.0, "to_s": 120.0}])
        assert planner.trace(cut.trace_id).epoch_s == 1e9 + 60.0
        with pytest.raises(UsageError):
            planner.derive("demand", [])


def test_dropping_a_region_drops_the_tenants_that_are_bound_to_it_alone(store_path):
    chosen = PRESETS["two-regions"]
    bound = next(tenant for tenant in chosen.tenants if len(tenant.regions) == 1)
    step = {"do": "drop", "region": bound.regions[0]}
    with Planner(store_path) as planner:
        keep(planner, demand(number=400))
        added = planner.derive("demand", [{"do": "tenant", "name": bound.name, "share": 0.5}])
        with pytest.raises(UsageError, match="no tenant of the trace is bound"):
            planner.derive(added.name, [step])
        made = planner.derive(added.name, [{"do": "scale", "by": 2}, step], scenario=chosen)
        recipe = planner.trace(made.trace_id).recipe
    assert (added.rows, made.rows) == (600, 800)
    assert recipe["steps"][1] == {"do": "drop", "tenant": bound.name}
