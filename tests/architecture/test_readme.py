"""The README is held to the code: its tables are complete and its example works."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from engine import scenario
from engine.figures import FIGURES
from engine.policies.base import PolicyContext
from engine.policies.registry import available
from engine.presets import PRESETS
from engine.replay import ReplaySpec, replay
from engine.sim.service import prepare
from engine.trace.schema import request_table

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_installed_policy_of_ours_is_in_the_table():
    ours = [name for name, info in available().items() if info.package == "smartscale"]
    assert len(ours) >= 3
    assert [name for name in ours if f"| `{name}` |" not in README] == []


def test_every_figure_of_the_scorecard_is_in_the_table_with_unit_and_meaning():
    rows = [f"| {f.label} | {f.unit} | {f.meaning} |" for f in FIGURES.values()]
    assert [row for row in rows if row not in README] == []


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("(top level)", scenario.Scenario),
        ("[[agent_types]]", scenario.AgentType),
        ("[agent_types.startup]", scenario.Startup),
        ("[[pools]]", scenario.Pool),
        ("[slo]", scenario.Slo),
        ("[priorities]", scenario.Priorities),
        ("[sampling]", scenario.Sampling),
        ("[[agent_types.sizes]]", scenario.WorkerSize),
        ("[[regions]]", scenario.Region),
        ("[regions.green]", scenario.GreenBudget),
        ("[[zones]]", scenario.Zone),
        ("[[node_types]]", scenario.NodeType),
        ("[[node_groups]]", scenario.NodeGroup),
        ("[router]", scenario.Router),
        ("[siting]", scenario.Siting),
        ("[cache]", scenario.Cache),
        ("[retry]", scenario.Retry),
        ("[[tenants]]", scenario.Tenant),
        ("[[priority_classes]]", scenario.PriorityClass),
        ("[partitions]", scenario.Partitions),
        ("[[degradation]]", scenario.Degradation),
        ("[[faults]]", scenario.Fault),
        ("[guard]", scenario.Guard),
        ("[[guard.holds]]", scenario.Hold),
    ],
)
def test_every_field_of_a_scenario_file_is_in_the_table(table, kind):
    row = next(line for line in README.splitlines() if line.startswith(f"| `{table}` |"))
    assert re.findall(r"`(\w+)`", row.split("|")[2]) == [f.name for f in dataclasses.fields(kind)]


def test_every_preset_is_in_the_table():
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    cells = {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert set(PRESETS) <= cells


def test_pictures_in_the_readme_exist():
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert [p for p in pictures if not (Path(__file__).parents[2] / p).is_file()] == []


def test_the_policy_of_your_own_in_the_readme_scales_a_cluster():
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.S))
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    module: dict[str, object] = {}
    exec(compile(code, "followers.py", "exec"), module)  # noqa: S102 - the README's own code
    arrivals = np.linspace(0.0, 599.0, 3000)
    cluster = scenario.Scenario(pools=(scenario.Pool(workers_initial=1),))
    workload = prepare(request_table(arrivals, service_s=np.full(3000, 4.0)), cluster)

    def make(context: PolicyContext):
        return module["Followers"](context, busy=0.5)  # type: ignore[operator]

    (run,) = replay(
        [
            ReplaySpec(
                workload=workload, scenario=cluster, policy=make, name="followers", window_s=600.0
            )
        ]
    )
    assert run.target[0, 0] <= 1
    assert run.target[-1, 0] == 5  # 5 requests/s of 4 s on 8 slots, half of them busy
