"""What the learned policy weighs by: the scenario's priorities, a profile, weights as typed."""

from dataclasses import replace

import numpy as np
import pytest

from engine.champion.twin import Twin
from engine.errors import PolicyError
from engine.learn.express import run_out
from engine.learn.policy import SmartScale
from engine.learn.rewards import PROFILES, SCORES
from engine.policies.registry import parse_spec
from engine.replay import play, set_up
from engine.scenario import Priorities, Region, Router, RouterKind, WorkerSize, Zone
from tests.engine.replays import demand, scenario, spec

GREEDY = Priorities(w_cost=0.9)
TYPED = "carbon=0.15:cost=0.9:latency=0.35:reliability=0.15:utilisation=0.15"
"""The same weights."""


def several_sizes():
    plain = scenario()
    large = WorkerSize(name="large", slots=4, price_usd_per_hour=3.3, speed=1.2)
    return replace(plain, agent_types=(replace(plain.agent_types[0], sizes=(large,)),))


def two_sites():
    plain = scenario()
    own, shared = plain.pools
    return replace(
        plain, router=Router(kind=RouterKind.HIERARCHICAL),
        regions=(Region(name="dear", price_factor=1.5), Region(name="cheap", price_factor=0.8)),
        zones=(Zone(name="d", region="dear"), Zone(name="c", region="cheap")),
        pools=(replace(own, zone="d"), replace(shared, zone="c", share=1.0)),
    )  # fmt: skip


def played(policy, chosen):
    """The run, and what every decision says."""
    (run,) = set_up([spec(policy, demand(), chosen)])
    play([run])
    return run, (run.log.proposed, run.log.size, run.log.routing, run.log.rationale)


@pytest.mark.parametrize(
    ("policy", "make"),
    [
        ("smartscale", scenario),
        ("smartscale:online=true", scenario),
        ("smartscale:vertical=true", several_sizes),
        ("smartscale:routing=true", two_sites),
    ],
)
def test_a_replay_weighs_by_the_scenarios_priorities_as_by_the_same_ones_typed(policy, make):
    usual, _ = played(policy, make())
    own, decided = played(policy, replace(make(), priorities=GREEDY))
    typed, same = played(f"{policy}:{TYPED}", make())
    assert decided == same
    assert np.array_equal(own.targets, typed.targets)
    assert np.array_equal(own.counters, typed.counters)
    assert not np.array_equal(own.targets, usual.targets)
    assert (own.log.routing != usual.log.routing) == ("routing" in policy)


def test_the_compiled_loop_weighs_by_them_too():
    (run,) = set_up([spec("smartscale", demand(), replace(scenario(), priorities=GREEDY))])
    run_out(run)
    assert np.array_equal(run.targets, played(f"smartscale:{TYPED}", scenario())[0].targets)


def test_priorities_that_nobody_changed_are_the_profile_unified():
    assert Priorities().weights == PROFILES["unified"].weights()
    _, usual = played("smartscale", scenario())
    _, unified = played("smartscale:profile=unified", scenario())
    _, again = played("smartscale:profile=unified", replace(scenario(), priorities=GREEDY))
    assert usual == unified == again


def weighed(context, **typed):
    return SmartScale(context, **typed)._weights * 100


def test_a_typed_weight_replaces_the_scenarios_or_the_profiles(make_context):
    scaled = Priorities(w_latency=30, w_utilisation=5, w_cost=50, w_reliability=5, w_carbon=10)
    context = replace(make_context(), priorities=scaled.weights)
    assert weighed(context) == pytest.approx([30, 5, 50, 5, 10])
    assert weighed(context, cost=0) == pytest.approx([60, 10, 0, 10, 20])
    assert weighed(context, profile="smartscale") == pytest.approx([40, 20, 25, 15, 0])
    assert weighed(context, profile="smartscale", cost=0) * 0.75 == pytest.approx(
        [40, 20, 0, 15, 0]
    )
    assert weighed(context, **dict.fromkeys(SCORES, 7)) == pytest.approx([20] * 5)
    with pytest.raises(PolicyError, match="profile is 'none'"):
        SmartScale(context, profile="none")
    only = replace(context, priorities=(0.0, 0.0, 1.0, 0.0, 0.0))
    with pytest.raises(PolicyError, match="all weights are 0"):
        SmartScale(only, cost=0)


def test_the_champions_copy_of_the_cluster_hands_them_on(make_context):
    context = replace(make_context(), priorities=GREEDY.weights)
    twin = Twin(context, [parse_spec("smartscale")])
    ((_, inside),) = twin._policies
    assert inside._weights == pytest.approx(SmartScale(context)._weights)
