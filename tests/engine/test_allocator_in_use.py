"""An allocator in use decides wherever somebody types `smartscale`, and for no stored run."""

import pytest

from engine.champion.stored import Terms
from engine.errors import CheckpointError
from engine.learn.checkpoint import BACK, WEIGHTS
from engine.planner import Planner
from engine.sweep.axes import parse_axis
from tests.engine.learn.copies import put_in_use
from tests.engine.replays import demand, keep, scenario

pytestmark = pytest.mark.slow

SMALL = scenario()
TYPED = "smartscale:cost=0.5"


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A planner, a run that the shipped allocator decided, and another one that is now in use."""
    with Planner(tmp_path_factory.mktemp("own") / "s.duckdb") as planner:
        keep(planner, demand())
        (old,) = planner.replay("demand", [TYPED], scenario=SMALL)
        folder = put_in_use(planner.path)
        yield planner, old, folder


@pytest.fixture(scope="module")
def mine(before):
    """The same of the run that the allocator in use decides."""
    planner, old, folder = before
    (run_id,) = planner.replay("demand", [TYPED], scenario=SMALL)
    assert run_id != old
    assert planner.run(run_id).policy == f"smartscale:checkpoint={folder}:cost=0.5"
    return run_id


def test_the_planner_page_and_a_sweep_replay_what_replay_does(before, mine):
    planner, _, folder = before
    assert planner.is_replayed("demand", TYPED, scenario=SMALL)
    assert planner.replay_again("demand", TYPED, scenario=SMALL) == mine
    seen = planner.glimpse("demand", TYPED, scenario=SMALL)
    assert seen.scorecard == planner.glimpse_of_run(mine).scorecard
    for policy, axis in (("smartscale", "policy.cost=0.5"), ("hpa", f"policy=hpa,{TYPED}")):
        made = planner.sweep("demand", policy, [parse_axis(axis)], scenario=SMALL, workers=1)
        assert mine in {point["run_id"] for point in made["points"]}
        assert planner.open_point(made["sweep_id"], mine) == mine
    assert f"smartscale:checkpoint={folder}" in [row.plan["policy"] for row in planner.sweeps()]


def test_a_counterfactual_and_a_champion_take_it_too(before, mine):
    planner, _, folder = before
    decision = planner.decision(mine, at_s=420.0)
    asked = planner.asked(mine)
    typed, named = (
        asked.ask(decision, f"policy:{text}", horizon_s=300.0)
        for text in ("smartscale", f"smartscale:checkpoint={folder}")
    )
    assert typed.words == named.words == f"with the policy smartscale:checkpoint={folder}"
    assert typed.difference == named.difference
    chosen = planner.elect("demand", scenario=SMALL, terms=Terms())
    assert all(f"checkpoint={folder}" in past.name for past in chosen.candidates[1:])
    (run_id,) = planner.replay("demand", ["champion"], scenario=SMALL)
    assert f"checkpoint={folder}" in planner.run(run_id).policy


def test_what_the_shipped_one_decided_before_stays_its_own(before, mine):
    planner, old, _ = before
    decision = planner.decision(old, at_s=420.0)
    assert planner.asked(old).check(decision).same
    assert planner.glimpse_of_run(old).scorecard != planner.glimpse_of_run(mine).scorecard


def test_an_evaluation_says_which_allocator_each_family_had(before):
    planner, _, folder = before
    document = planner.evaluate(
        traces=["demand"], policies=["hpa", TYPED, "smartscale:checkpoint=allocator-2"],
        scenario=SMALL, workers=1,
    )  # fmt: skip
    assert document["allocators"] == {
        f"smartscale:checkpoint={folder}:cost=0.5": str(folder),
        "smartscale:checkpoint=allocator-2": "allocator-2",
    }


@pytest.fixture
def planner(tmp_path):
    with Planner(tmp_path / "s.duckdb") as opened:
        keep(opened, demand())
        yield opened


@pytest.mark.parametrize("gone", ["file", "folder"])
def test_one_that_is_gone_is_never_replaced_in_silence(planner, gone):
    folder = put_in_use(planner.path)
    (folder / WEIGHTS).unlink()
    if gone == "folder":
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    for ask in (
        lambda: planner.replay("demand", ["smartscale"], scenario=SMALL),
        lambda: planner.replay("demand", ["champion"], scenario=SMALL),
        lambda: planner.elect("demand", scenario=SMALL, terms=Terms()),
        lambda: planner.sweep(
            "demand", "hpa", [parse_axis("policy=hpa,smartscale")], scenario=SMALL
        ),
    ):
        with pytest.raises(CheckpointError) as error:
            ask()
        assert "own" in error.value.what
        assert BACK in error.value.fix
    assert planner.replay("demand", ["hpa", "smartscale:checkpoint=allocator"], scenario=SMALL)
    planner.use_allocator(None)
    assert planner.replay("demand", ["smartscale"], scenario=SMALL)


def test_one_that_is_cut_off_names_the_way_back(planner):
    folder = put_in_use(planner.path)
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError) as error:
        planner.replay("demand", ["smartscale"], scenario=SMALL)
    assert BACK in error.value.fix
