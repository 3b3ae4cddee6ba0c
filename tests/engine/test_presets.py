"""Presets can be replayed, and say what they were made after."""

import dataclasses

import numpy as np
import pytest

from engine.cluster.standing import standing
from engine.presets import DEFAULT, PRESETS
from engine.presets.machines import CPU_NODE, GPU_NODE
from engine.replay import replay
from engine.scorecard import scorecard
from engine.trace.schema import request_table
from tests.engine.replays import spec

CLUSTERS = [name for name, preset in PRESETS.items() if preset.node_groups]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_replayed_and_accounts_for_every_request(name):
    demand = request_table(np.arange(60.0), service_s=np.full(60, 2.0))
    (record,) = replay([spec("hpa", demand, PRESETS[name], window_s=120.0)])
    outcome = dict(record.outcome)
    assert outcome.pop("arrived") == sum(outcome.values()) == 60
    card = scorecard(record)
    assert card["cost_usd"] > 0
    if name in CLUSTERS:
        assert card["energy_kwh"] > 0
        assert card["carbon_kg"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", CLUSTERS)
def test_the_idle_cluster_of_a_preset_is_a_day_of_its_replay_without_demand(name):
    """Typical days are given to two digits, so that their mean may be half a per cent off."""
    preset = PRESETS[name]
    pools = tuple(
        dataclasses.replace(pool, workers_initial=pool.workers_min, workers_max=pool.workers_min)
        for pool in preset.pools
    )
    groups = tuple(
        dataclasses.replace(group, revocations_per_hour=0.0) for group in preset.node_groups
    )
    calm = dataclasses.replace(preset, pools=pools, node_groups=groups, tick_s=300.0)
    nothing = request_table(np.array([86399.0]), service_s=np.array([1e-9]))
    (record,) = replay([spec("static:target=1", nothing, calm, window_s=86400.0)])
    card, idle = scorecard(record), standing(preset)
    assert idle.nodes >= 1
    assert 24 * idle.usd_per_hour == pytest.approx(card["cost_usd"], rel=1e-6)
    assert 24 * idle.watts == pytest.approx(1000 * card["energy_kwh"], rel=1e-6)
    assert 24 * idle.carbon_g_per_hour == pytest.approx(1000 * card["carbon_kg"], rel=5e-3)


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_most_workers_of_a_preset_fit_on_its_most_nodes(name):
    """Or nobody could ever have them, and the limit would be a false promise."""
    preset = PRESETS[name]
    for pool in preset.pools:
        group = next(g for g in preset.node_groups if g.name == pool.node_group)
        kind, size = preset.node_type_of(group), preset.size_of(pool)
        needs = ("cpu_cores", "memory_gib", "gpus")
        fit = min(getattr(kind, n) // getattr(size, n) for n in needs if getattr(size, n))
        assert pool.workers_max <= fit * group.nodes_max


def test_four_presets_are_clusters_and_the_default_is_none():
    assert CLUSTERS == ["gpu-nodes", "cpu-nodes", "kubernetes", "two-regions"]
    assert DEFAULT == "llm-agents"
    europe = PRESETS["two-regions"].tenants[1]
    assert europe.regions == ("europe-west4",)


def test_power_and_making_of_nodes_follow_from_their_coefficients():
    """The method and the coefficients that the file of the machines names."""
    memory = 0.392
    assert pytest.approx(16 * 0.690 + 64 * memory, abs=0.1) == CPU_NODE.watts_idle
    assert pytest.approx(16 * 3.755 + 64 * memory, abs=0.1) == CPU_NODE.watts_full
    assert pytest.approx(208 * 1.036 + 8 * 70 + 1872 * memory, abs=1) == GPU_NODE.watts_idle
    assert pytest.approx(208 * 4.062 + 8 * 700 + 1872 * memory, abs=1) == GPU_NODE.watts_full
    assert pytest.approx((1000 + 496 / 32 * 44.4) / 8, abs=1) == CPU_NODE.embodied_kg
    made = 1000 + (1872 - 16) / 32 * 44.4 + 8 * 150
    assert pytest.approx(made, abs=1) == GPU_NODE.embodied_kg


def test_reserved_and_spot_are_cheaper_than_on_demand():
    for kind in (CPU_NODE, GPU_NODE):
        assert kind.usd_per_hour_spot < kind.usd_per_hour_reserved < kind.usd_per_hour
