"""Scenario files: what is written is read back, and what is wrong is named."""

import dataclasses
import hashlib
import json
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from engine.errors import ScenarioError
from engine.presets import PRESETS
from engine.scenario import (
    TICK_MAX_S,
    TICK_MIN_S,
    AgentType,
    Breaker,
    Cache,
    Guard,
    OnFailure,
    Partitions,
    Pool,
    Priorities,
    QueueKind,
    Region,
    Sampling,
    Scenario,
    Siting,
    SitingRule,
    Slo,
    Startup,
    StartupKind,
)
from engine.scenario_file import (
    content_hash,
    from_dict,
    from_toml,
    load,
    to_dict,
    to_toml,
    with_settings,
)

above_zero = st.floats(1e-6, 1e6)
names = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=8)


@st.composite
def startups(draw):
    mean_s = draw(above_zero)
    return Startup(
        kind=draw(st.sampled_from(StartupKind)),
        mean_s=mean_s,
        spread_s=draw(st.floats(0, mean_s)),
    )


def agent_types(name):
    return st.builds(
        AgentType,
        name=st.just(name),
        slots=st.integers(1, 64),
        price_usd_per_hour=st.floats(0, 1e4),
        startup=startups(),
        contention=st.floats(0, 10),
        queue_limit=st.none() | st.integers(0, 1000),
        queue_timeout_s=st.none() | above_zero,
        exec_timeout_s=st.none() | above_zero,
        drain_grace_s=st.none() | st.floats(0, 1e4),
    )


@st.composite
def scenarios(draw):
    kinds = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    pools = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    return Scenario(
        name=draw(names),
        seed=draw(st.integers(0, 2**53)),
        tick_s=draw(st.floats(TICK_MIN_S, TICK_MAX_S)),
        agent_types=tuple(draw(agent_types(name)) for name in kinds),
        pools=tuple(
            Pool(
                name=name,
                agent_type=draw(st.sampled_from(kinds)),
                workers_min=draw(st.integers(0, 5)),
                workers_initial=draw(st.none() | st.integers(0, 50)),
                queue=draw(st.sampled_from(QueueKind)),
                share=draw(above_zero),
            )
            for name in pools
        ),
        slo=Slo(latency_s=draw(above_zero), attainment_frac=draw(st.floats(0.01, 1))),
        priorities=Priorities(carbon_threshold_g_per_kwh=draw(st.none() | above_zero)),
        sampling=Sampling(dispersion=draw(st.none() | st.floats(1, 50))),
        on_failure=draw(st.sampled_from(OnFailure)),
        keep_requests=draw(st.booleans()),
    )


@pytest.mark.slow
@given(scenarios())
@limits(max_examples=60)
def test_a_scenario_is_read_back_as_it_was_written(scenario):
    assert from_toml(to_toml(scenario)) == scenario
    assert from_dict(to_dict(scenario)) == scenario


@pytest.mark.slow
@given(scenarios(), scenarios())
@limits(max_examples=30)
def test_equal_contents_have_equal_hashes_and_others_have_not(one, other):
    assert content_hash(from_toml(to_toml(one))) == content_hash(one)
    if dataclasses.replace(one, name="x") != dataclasses.replace(other, name="x"):
        assert content_hash(one) != content_hash(other)


def test_whole_seconds_count_as_the_number_they_equal():
    assert Scenario(tick_s=15) == Scenario(tick_s=15.0)
    assert content_hash(Scenario(tick_s=15)) == content_hash(Scenario(tick_s=15.0))


def test_the_name_does_not_count_for_the_hash():
    assert content_hash(Scenario(name="a")) == content_hash(Scenario(name="b"))


def test_ids_of_runs_outlive_fields_that_came_later_and_are_not_given():
    before = to_dict(Scenario())
    del before["name"], before["guard"], before["priorities"]["carbon_threshold_percentile"]
    text = json.dumps(before, sort_keys=True, separators=(",", ":"))
    assert content_hash(Scenario()) == hashlib.sha256(text.encode()).hexdigest()[:12]
    curved = (Region(grid_profile="texas"),)
    given = Scenario(regions=curved, priorities=Priorities(carbon_threshold_percentile=90.0))
    assert content_hash(given) != content_hash(Scenario(regions=curved))


def test_what_is_left_out_keeps_its_default():
    assert from_toml("") == Scenario()
    assert from_toml("[slo]\nlatency_s = 5.0") == Scenario(slo=Slo(latency_s=5.0))


def test_a_field_that_may_be_absent_is_written_as_none():
    text = '[[agent_types]]\nqueue_timeout_s = "none"'
    assert from_toml(text).agent_types[0].queue_timeout_s is None
    with pytest.raises(ScenarioError, match="slots"):
        from_toml('[[agent_types]]\nslots = "none"')


def _tables(kind, above=""):
    """Every table of a scenario file with its fields: (header, keys)."""
    found, hints = [], get_type_hints(kind)
    for field in dataclasses.fields(kind):
        for option in (hints[field.name], *getattr(hints[field.name], "__args__", ())):
            if dataclasses.is_dataclass(option):
                found += _tables(option, f"{above}{field.name}.")
    return [(above.rstrip("."), tuple(hints)), *found]


@pytest.mark.parametrize(("header", "keys"), _tables(Scenario))
def test_an_unknown_key_is_refused_and_the_nearest_known_one_named(header, keys):
    values = {}
    spot = values
    for name in filter(None, header.split(".")):
        inner = {}
        spot[name] = [inner] if name in ("agent_types", "pools") else inner
        spot = inner
    for key in keys:
        spot[f"{key}x"] = 1
        with pytest.raises(ScenarioError) as refused:
            from_dict(values, "mine.toml")
        assert refused.value.what == f"unknown key {key + 'x'!r}"
        assert refused.value.where.startswith("mine.toml")
        assert all(part in refused.value.where for part in header.split("."))
        assert f"Did you mean {key!r}" in refused.value.fix
        del spot[f"{key}x"]


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("seed = 'one'", "int", "seed"),
        ("[slo]\nlatency_s = true", "float", "slo.latency_s"),
        ("slo = 3", "", "slo"),
        ("pools = 'chat'", "", "pools"),
        ("[[agent_types]]\n[agent_types.startup]\nkind = 'slow'", "slow", "startup.kind"),
        ("seed = = 3", "not valid TOML", ""),
        ("[slo]\nlatency_s = -1", "latency_s is -1", "slo"),
        ("[slo]\nlatency_s = nan", "latency_s is nan", "slo"),
        ("[slo]\nlatency_s = 1\nlatency_s = 2", "not valid TOML", ""),
        ("seed = 1.5", "int", "seed"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(text, what, where):
    with pytest.raises(ScenarioError) as refused:
        from_toml(text, "mine.toml")
    assert what in refused.value.what
    assert where in refused.value.where
    assert refused.value.fix


def test_a_file_that_cannot_be_read_is_the_inputs_fault(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="UTF-8"):
        load(tmp_path / "binary.toml")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path)


def test_a_preset_written_to_a_file_is_that_preset(tmp_path):
    for name, preset in PRESETS.items():
        (tmp_path / f"{name}.toml").write_text(to_toml(preset), encoding="utf-8")
        assert load(tmp_path / f"{name}.toml") == preset


@pytest.mark.parametrize(
    ("path", "text", "read"),
    [
        ("seed", "7", lambda s: s.seed == 7),
        ("slo.latency_s", "2.5", lambda s: s.slo.latency_s == 2.5),
        ("slo.latency_s", "2", lambda s: s.slo.latency_s == 2),
        ("pools.chat.workers_max", "80", lambda s: s.pools[0].workers_max == 80),
        ("pools.0.workers_max", "81", lambda s: s.pools[0].workers_max == 81),
        ("pools.chat.queue", "pool", lambda s: s.pools[0].queue is QueueKind.POOL),
        ("agent_types.chat.startup.mean_s", "20", lambda s: s.agent_types[0].startup.mean_s == 20),
        ("agent_types.chat.queue_limit", "none", lambda s: s.agent_types[0].queue_limit is None),
        ("keep_requests", "true", lambda s: s.keep_requests is True),
        ("guard.out_workers", "1", lambda s: s.guard == Guard(out_workers=1)),
        ("cache.worker_sessions", "8", lambda s: s.cache == Cache(worker_sessions=8)),
        ("partitions.every_s", "9", lambda s: s.partitions == Partitions(every_s=9.0)),
        ("router.breaker.open_s", "5", lambda s: s.router.breaker == Breaker(open_s=5.0)),
        ("name", "my own", lambda s: s.name == "my own"),
    ],
)
def test_a_setting_changes_one_field(path, text, read):
    changed = with_settings(Scenario(), {path: text})
    assert read(changed)
    assert changed != Scenario()


@pytest.mark.parametrize(
    ("path", "text", "hint"),
    [
        ("sede", "7", "Did you mean 'seed'"),
        ("slo.latency", "7", "Did you mean 'latency_s'"),
        ("pools.chatt.workers_max", "7", "Did you mean 'chat'"),
        ("pools.9.workers_max", "7", "Known: chat"),
        ("pools.chat", "7", "Name a field of an entry"),
        ("faults.0.at_s", "7", "set the list as a whole"),
        ("guard.holds.0.workers", "7", "set the list as a whole"),
        ("seed.low", "7", "Leave it out"),
        ("guard.out_worker", "7", "Did you mean 'out_workers'? Known: budget_usd_per_hour, "),
        ("siting.rules", "best", "Did you mean 'rule'? Known: hysteresis_frac, rule, "),
        ("siting.rule", "best", "Use the router hierarchical"),
        ("slo.latency_s", "soon", "Correct the value"),
        ("slo.latency_s", "-3", "above 0"),
    ],
)
def test_a_setting_that_fits_nowhere_is_refused_with_a_hint(path, text, hint):
    with pytest.raises(ScenarioError) as refused:
        with_settings(Scenario(), {path: text})
    assert hint in refused.value.fix
    assert refused.value.where


def test_settings_of_an_absent_part_come_together_and_may_take_it_away_again():
    given = {"guard.out_workers": "1", "guard.period_s": "30", "router.kind": "hierarchical"}
    changed = with_settings(Scenario(), given | {"siting.rule": "spread"})
    assert changed.guard == Guard(out_workers=1, period_s=30.0)
    assert changed.siting == Siting(rule=SitingRule.SPREAD)
    assert with_settings(changed, {"guard": "none"}).guard is None
