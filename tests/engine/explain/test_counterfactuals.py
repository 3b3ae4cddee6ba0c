"""What would have happened is played, not guessed."""

import pytest

from engine.branching import Branches
from engine.errors import PolicyError, UsageError
from engine.explain import counterfactuals
from engine.explain.counterfactuals import CHANGES, WhatIf, _play
from engine.presets import PRESETS
from engine.scenario import Retry
from tests.engine.explain.conftest import ROUTER, SITING
from tests.engine.replays import demand, scenario, sessions, spec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(explained):
    planner, ids = explained
    made = planner.asked(ids["plain"])
    decision = planner.decision(ids["plain"], at_s=420.0, pool="own")
    return made, decision


def test_one_worker_more_costs_more_and_serves_no_worse(asked):
    made, decision = asked
    found = made.ask(decision, "one-more", horizon_s=300.0)
    assert found.base.applied == decision.applied
    assert found.difference["cost_usd"] > 0
    assert found.difference["slo_attainment_frac"] >= 0
    assert (found.kept_s, found.horizon_s) == (900.0, 300.0)
    assert (found.base.unresolved, found.other.unresolved) == (0, 0)
    assert found.base.figures["arrived"] == found.other.figures["arrived"] > 100


def test_a_changed_size_is_kept_whatever_the_guard_wants(explained):
    """Held at 2 by a person: one more is 3 all the same, for as long as it is kept."""
    planner, ids = explained
    made = planner.asked(ids["predictive"])
    held, _ = planner.find(ids["predictive"], reasons=("held",), most=1).hits[0]
    found = made.ask(held, "one-more", horizon_s=60.0, kept_s=30.0)
    assert (found.base.applied, found.other.applied) == (2, 3)
    own = found.other.target[:, 0] - found.base.target[:, 0]
    assert own[:2].tolist() == [1, 1]
    assert found.difference["cost_usd"] > 0


def test_a_size_that_the_pool_cannot_have_is_not_said_to_be_held(asked):
    made, decision = asked
    over, fit = (
        made.ask(decision, f"hold:{size}", horizon_s=60.0, kept_s=60.0) for size in (9999, 3)
    )
    assert over.words == "held at 12 workers (9999 asked for)"
    assert over.other.applied == 12
    assert fit.words == "held at 3 workers"


def test_one_side_is_what_was_recorded(explained, asked):
    planner, ids = explained
    made, decision = asked
    found = made.ask(decision, "one-fewer", horizon_s=300.0)
    frame = planner.compare(
        [ids["plain"]], ids["plain"], from_s=decision.t_s, to_s=decision.t_s + 300.0
    ).set_index("figure")["value"]
    for name, figure in (("arrived", "requests_arrived"), ("cost_usd", "cost_usd"),
                         ("slo_attainment_frac", "slo_attainment_frac")):  # fmt: skip
        assert found.base.figures[name] == pytest.approx(frame[figure])
    assert found.base.figures["p95_s"] == pytest.approx(frame["p95_s"], rel=0.011)


def test_near_the_end_what_is_under_way_is_counted_as_the_stored_run_counts_it(explained, asked):
    planner, ids = explained
    made, _ = asked
    decision = planner.decision(ids["plain"], at_s=870.0, pool="own")
    found = made.ask(decision, "one-more")
    frame = planner.compare(
        [ids["plain"]], ids["plain"], from_s=decision.t_s, to_s=900.0
    ).set_index("figure")["value"]
    base = found.base.figures
    assert (found.horizon_s, found.base.unresolved, found.other.unresolved) == (30.0, 0, 0)
    assert base["arrived"] == frame["requests_arrived"] > 5
    assert base["slo_attainment_frac"] == pytest.approx(frame["slo_attainment_frac"])
    assert base["failed"] / base["arrived"] == pytest.approx(frame["failure_frac"])
    assert base["p95_s"] == pytest.approx(frame["p95_s"], rel=0.011)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_can_be_asked_for(asked, change):
    made, decision = asked
    found = made.ask(decision, change, horizon_s=120.0, kept_s=60.0)
    assert found.words == CHANGES[change]
    start_s = 0.0 if change == "earlier" else 420.0
    assert found.from_s == start_s
    assert len(found.base.target) == len(found.other.target) == (540 - start_s) / 15


def test_without_the_guard_its_constraints_do_not_bind(explained):
    planner, ids = explained
    made = planner.asked(ids["predictive"])
    held, _ = planner.find(ids["predictive"], reasons=("held",), most=1).hits[0]
    found = made.ask(held, "no-guard", horizon_s=60.0)
    assert (found.base.bound, found.base.applied) == ("held", 2)
    assert found.other.bound != "held"
    assert found.other.applied != 2


def test_a_hold_keeps_its_size(asked):
    made, decision = asked
    found = made.ask(decision, "hold:3", horizon_s=120.0, kept_s=120.0)
    assert (found.other.target[:, 0] == 3).all()
    assert not (found.base.target[:, 0] == 3).all()


def test_another_policy_takes_over(asked):
    made, decision = asked
    found = made.ask(decision, "policy:static:workers=7", horizon_s=300.0)
    assert found.other.figures["worker_hours"] != found.base.figures["worker_hours"]
    with pytest.raises(PolicyError, match="plans before"):
        made.ask(decision, "policy:oracle")


def test_an_unknown_change_is_refused_with_what_there_is(asked):
    made, decision = asked
    with pytest.raises(UsageError, match="one-more"):
        made.ask(decision, "two-more")


def first_with_effect(explained, run, change, reasons, **given):
    """Of the decisions bound by a reason, one where the change changes something."""
    planner, ids = explained
    made = planner.asked(ids[run])
    for decision, _ in planner.find(ids[run], reasons=reasons, most=8).hits:
        found = made.ask(decision, change, **given)
        if (found.other.target != found.base.target).any():
            return found
    raise AssertionError(f"{change} changes nothing")


def test_without_the_carbon_mask_what_it_took_away_is_had(explained):
    found = first_with_effect(
        explained, "predictive", "no-carbon-mask", ("carbon", "slo_floor"), horizon_s=120.0
    )
    assert (found.other.target >= found.base.target).all()
    assert found.difference["worker_hours"] > 0


def test_the_hpa_in_a_policys_place_asks_for_other_sizes(explained):
    planner, ids = explained
    decision = planner.decision(ids["predictive"], at_s=420.0, pool="own")
    found = planner.asked(ids["predictive"]).ask(decision, "hpa", horizon_s=300.0)
    assert (found.other.target != found.base.target).any()
    assert found.difference["worker_hours"] != 0


def test_ten_minutes_earlier_the_size_is_there_before(explained, asked):
    planner, ids = explained
    made, _ = asked
    out = [one for one, _ in planner.find(ids["plain"], reasons=("demand_up",), most=9).hits]
    most = max(out, key=lambda one: one.applied)
    found = made.ask(most, "earlier", horizon_s=60.0)
    pool = 0 if most.pool == "own" else 1
    until = round((most.t_s - found.from_s) / 15.0)
    assert (found.other.target[:until, pool] >= most.applied).all()
    assert (found.base.target[:until, pool] < most.applied).any()
    assert found.difference["worker_hours"] > 0


REPLAYED = {
    "requests": lambda: spec("hpa", demand(), scenario()),
    "sessions": lambda: spec("predictive", sessions(), scenario()),
    "retries": lambda: spec("hpa", demand(), scenario(retry=Retry(attempts=3))),
    "sited": lambda: spec("predictive", demand(), scenario(siting=SITING, router=ROUTER)),
    "machines": lambda: spec("predictive", demand(number=600), PRESETS["gpu-nodes"]),
}


@pytest.mark.parametrize("kind", REPLAYED)
def test_what_happened_is_read_off_the_replay_as_a_branch_would_play_it(kind, monkeypatch):
    branches = Branches(REPLAYED[kind]())
    branches.play_to(52)
    for span in ((4, 12, 4, 0), (20, 36, 28, 1 % len(branches.first.facts))):
        with monkeypatch.context() as patched:
            patched.delattr(Branches, "lent")
            read = WhatIf(branches)._happened(*span)
        played = _play(branches.at(span[0]), *span)
        for name in ("target", "queued"):
            assert getattr(read, name).tobytes() == getattr(played, name).tobytes()
        for name in ("figures", "applied", "bound", "unresolved"):
            assert getattr(read, name) == getattr(played, name)
        assert read.figures["arrived"] > 20


def test_requests_that_a_branch_leaves_under_way_are_not_read_off_the_replay(monkeypatch):
    """A branch has no time left after its last tick; the replay, played on, knows their end."""
    monkeypatch.setattr(counterfactuals, "SETTLE_S", 0.0)
    branches = Branches(REPLAYED["requests"]())
    branches.play_to(branches.ticks)
    found = WhatIf(branches)._happened(20, 30, 20, 0)
    assert found.unresolved > 0
    assert found.figures == _play(branches.at(20), 20, 30, 20, 0).figures
