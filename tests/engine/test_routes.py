"""Why a request of a finished run went where it went: what is said is what the run did."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from engine import routes
from engine.errors import ReplayCancelled, StoreError, UsageError
from engine.planner import Planner
from engine.scenario import Router, RouterKind
from engine.store.runs import find_run
from tests.engine.cluster.test_rerouting import Reroutes
from tests.engine.replays import demand, keep, scenario, sessions

SCENARIO = dataclasses.replace(
    scenario(keep_requests=True), router=Router(kind=RouterKind.PREDICTED_COMPLETION)
)
POLICY = "threshold:breach_s=15:lower=0.7:cooldown_in_s=15"


@pytest.fixture
def planner():
    with Planner() as opened:
        yield opened


def made(planner, table):
    keep(planner, table)
    (run_id,) = planner.replay("demand", [POLICY], scenario=SCENARIO, from_s=30.0)
    return run_id


def arrivals(planner, run_id):
    """Arrival and start in the trace's time, pool, in order of arrival."""
    number = find_run(planner._store, run_id).run_no
    with planner._store.cursor() as cursor:
        found = cursor.execute(
            "SELECT arrival_s, start_s, pool FROM run_requests WHERE run_no = ? ORDER BY ALL",
            [number],
        ).fetchnumpy()
    return found["arrival_s"], np.ma.filled(found["start_s"], np.nan), found["pool"]


@pytest.mark.parametrize("table", [demand(), sessions()], ids=["open", "sessions"])
def test_the_next_request_goes_where_it_went_in_the_run(planner, table):
    run_id = made(planner, table)
    at_s, start_s, pool = arrivals(planner, run_id)
    endings = set()
    for after_s in (30.0, 200.0, 451.0, 460.0):
        k = int(np.searchsorted(at_s, after_s))
        found = planner.route(run_id, after_s)
        assert found.arrived_s == pytest.approx(at_s[k], abs=1e-6)
        assert found.pool == SCENARIO.pools[pool[k]].name
        assert (found.ending == "starts at once") == (start_s[k] == at_s[k])
        assert found.router == "predicted-completion"
        assert found.candidates
        if found.worker is not None:
            assert found.worker in [each.worker for each in found.candidates]
        if found.margin is not None:
            scores = {each.worker: each.score for each in found.candidates}
            assert found.margin == scores[found.worker] - scores[found.runner_up]
        endings.add(found.ending)
    assert "starts at once" in endings


def test_after_a_policy_has_rerouted_a_pool_its_new_router_is_named(planner, monkeypatch):
    plain = routes.policy_spec

    def rerouted(*given, **more):
        steps = {3: RouterKind.ROUND_ROBIN}
        return dataclasses.replace(
            plain(*given, **more), policy=partial(Reroutes, steps=steps), name="told"
        )

    run_id = made(planner, demand())
    monkeypatch.setattr(routes, "policy_spec", rerouted)
    tick_s = SCENARIO.tick_s
    before, after = (planner.route(run_id, 30.0 + tick * tick_s) for tick in (1, 5))
    assert (before.router, before.decided_by) == ("predicted-completion", "score")
    assert (after.router, after.decided_by) == ("round-robin", "turn")


def test_what_cannot_be_explained_says_why(planner, monkeypatch):
    run_id = made(planner, demand())
    with pytest.raises(UsageError, match="29 s is outside the run's window"):
        planner.route(run_id, 29.0)
    with pytest.raises(UsageError, match="no request arrives from"):
        planner.route(run_id, float(np.nextafter(find_run(planner._store, run_id).to_s, 0.0)))
    with pytest.raises(ReplayCancelled):
        planner.route(run_id, 40.0, cancel=lambda: True)
    monkeypatch.setattr(routes, "code_version", lambda: "another")
    with pytest.raises(StoreError, match="another version of the simulator"):
        planner.route(run_id, 40.0)
