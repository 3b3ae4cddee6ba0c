"""The champion in a replay: its copy of the cluster is faithful, and it never sees the future."""

from functools import partial

import numpy as np
import pytest

from engine.champion import policy as champion
from engine.champion.candidates import challengers, learned_spec, rule_spec
from engine.champion.choice import Past
from engine.champion.stored import Terms, elect
from engine.champion.twin import Twin
from engine.errors import PolicyError, UsageError
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.policies.registry import create, parse_spec
from engine.replay import ReplaySpec, set_up
from engine.scenario import AgentType, Pool, QueueKind, Scenario, Startup
from engine.sim.service import prepare
from engine.store.duck import Store
from engine.store.traces import store_requests
from engine.trace.schema import request_table

HOUR_S = 3600.0


def demand(seed=3, rate=6.0, duration_s=1.5 * HOUR_S, late=1):
    """A crowd in every half hour; from the end of the first hour on `late` times as many."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(int(duration_s))
    counts = rng.poisson(rate * np.where(seconds % 1800 < 300, 3.0, 1.0))
    times = np.sort(np.repeat(seconds, counts) + rng.random(counts.sum()))
    work_s = rng.lognormal(1.0, 0.7, len(times))
    often = np.where(times >= HOUR_S, late, 1)
    return request_table(np.repeat(times, often), service_s=np.repeat(work_s, often))


CLUSTER = Scenario(
    name="one", tick_s=15.0,
    agent_types=(
        AgentType(name="worker", slots=4, startup=Startup(mean_s=60.0, spread_s=0.0),
                  contention=0.0, queue_limit=None),
    ),
    pools=(Pool(name="pool", agent_type="worker", workers_max=200, queue=QueueKind.POOL),),
)  # fmt: skip


def played(policy, table, window_s=1.5 * HOUR_S):
    spec = ReplaySpec(
        workload=prepare(table, CLUSTER), scenario=CLUSTER, window_s=window_s, name=policy,
        policy=partial(create, parse_spec(policy)),
    )  # fmt: skip
    (run,) = set_up([spec])
    run_out(run)
    return run


class Watching:
    """The rule, with a twin that looks over its shoulder."""

    def __init__(self, context, made):
        self._rule = create(rule_spec(0.95, 0.8), context)
        self.interval_s = context.tick_s
        self.twin = Twin(context, [rule_spec(0.95, 0.8)])
        made.append(self.twin)

    def propose(self, observation):
        if observation.t_s > 0:
            self.twin.note(observation)
        return self._rule.propose(observation)


def test_the_copy_of_the_cluster_costs_and_misses_what_the_cluster_did():
    made = []
    spec = ReplaySpec(
        workload=prepare(demand(), CLUSTER), scenario=CLUSTER, window_s=1.5 * HOUR_S, name="w",
        policy=lambda context: Watching(context, made),
    )  # fmt: skip
    (run,) = set_up([spec])
    run_out(run)
    real = measures(run, 1.5 * HOUR_S)
    ((arrived, missed, slot_s),) = made[0].replay()
    assert arrived[0] == pytest.approx(real.arrived.sum(), rel=0.01)
    assert slot_s[0] == pytest.approx(real.slot_s.sum(), rel=0.03)
    assert missed[0] / arrived[0] == pytest.approx(real.missed_frac, abs=0.02)


@pytest.mark.slow
def test_who_decides_follows_from_what_was_replayed_and_says_why(monkeypatch):
    """Past replays are made up: once the learned policy looks better, its targets are used."""

    def fake(names):
        return lambda *_: [
            (np.array([9e3]), np.array([50.0]), np.array([90.0 if "cost=0.2" in n else 100.0]))
            for n in names
        ]

    monkeypatch.setattr(Twin, "replay", lambda self: fake([n for n, _ in self._policies])())
    run = played("champion:every_s=1800", demand())
    assert run.policy.choices[0].challenger
    reasons = {text for text in run.log.rationale if text}
    assert any("costs 10.0% less" in text for text in reasons)
    first = [text for text in run.log.rationale[:100] if text]
    assert all(champion.UNKNOWN in text for text in first)


@pytest.mark.slow
def test_what_comes_later_changes_no_decision_before():
    one, other = (played("champion:every_s=1200", demand(late=n)) for n in (1, 4))
    until = int(HOUR_S / 15.0)
    assert np.array_equal(one.targets[:until], other.targets[:until])
    assert not np.array_equal(one.targets[until:], other.targets[until:])


def test_the_stored_past_has_the_limits_of_the_policy():
    assert Terms(lookback_s=HOUR_S).lookback_s == HOUR_S
    with pytest.raises(UsageError, match="Look 3600 s back or more"):
        Terms(lookback_s=HOUR_S - 1)
    played("champion:lookback_s=3600", demand(duration_s=60.0), window_s=60.0)
    with pytest.raises(PolicyError, match="lookback_s"):
        played("champion:lookback_s=3599", demand())
    with pytest.raises(PolicyError, match="lead"):
        played("champion:lead=5", demand())


def test_settings_out_of_range_are_refused():
    with pytest.raises(PolicyError, match="every_s"):
        played("champion:every_s=1", demand())
    with pytest.raises(PolicyError, match="lookback_s"):
        played("champion:lookback_s=60", demand())


def test_candidates_name_their_checkpoint_and_weigh_to_one(tmp_path):
    assert len(challengers()) == len(challengers(str(tmp_path)))
    spec = dict(learned_spec(0.2, str(tmp_path)).parameters)
    assert spec["checkpoint"] == str(tmp_path)
    weights = sum(float(spec[n]) for n in ("cost", "latency", "reliability"))
    assert weights == pytest.approx(1.0)


def test_its_version_changes_with_the_checkpoint(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    shipped = champion.Champion.version({})
    assert shipped != champion.Champion.version({"checkpoint": str(tmp_path)})


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.duckdb") as opened:
        store_requests(opened, demand(), name="mine", format="test", source="", recipe=None)
        yield opened


def test_a_stored_trace_is_judged_by_what_came_before_the_moment(store, monkeypatch):
    monkeypatch.setattr("engine.champion.stored.challengers", lambda _: (learned_spec(0.2),))
    made = elect(store, "mine", scenario=CLUSTER, terms=Terms(), at_s=HOUR_S)
    assert (made.from_s, made.at_s) == (0.0, HOUR_S)
    assert made.until_s > HOUR_S
    assert [past.name.partition(":")[0] for past in made.candidates] == [
        "predictive", "smartscale",
    ]  # fmt: skip
    (choice,), (later,) = made.choices, made.later
    assert isinstance(made.candidates[0], Past)
    if not choice.challenger:
        assert later.saving_frac == 0.0
        assert later.missed_frac == later.rule_missed_frac
    with pytest.raises(UsageError, match="outside the trace"):
        elect(store, "mine", scenario=CLUSTER, terms=Terms(), at_s=1e9)
