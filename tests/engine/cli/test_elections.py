"""What `champion` prints of a choice; how it is made is tested elsewhere."""

import numpy as np
import pytest

from engine.champion.choice import Past, choose
from engine.champion.stored import Election, Later


def past(name, missed, slot_s):
    return Past(name=name, arrived=np.array([48_426.0, 0.0]), missed=np.array([missed, 0.0]),
                slot_s=np.array([slot_s, 1.0]))  # fmt: skip


@pytest.fixture
def elected(monkeypatch):
    rule, learned = past("predictive", 5.0, 100.0), past("smartscale", 4.0, 90.0)
    choices = choose(["chat", "idle"], rule, [learned])
    made = Election(
        trace="mine", from_s=0.0, at_s=1.0, choices=tuple(choices),
        candidates=(rule, learned), until_s=1.0,
        later=(Later(pool="chat", saving_frac=0.0, missed_frac=0.1, rule_missed_frac=0.1),),
    )  # fmt: skip
    monkeypatch.setattr("engine.planner.Planner.trace", lambda *_: made)
    monkeypatch.setattr(Election, "epoch_s", None, raising=False)
    monkeypatch.setattr("engine.policy_runs.PolicyRuns.elect", lambda *_, **__: made)


def test_requests_and_misses_are_those_of_the_rule_where_nothing_was_compared(smartscale, elected):
    ended = smartscale("champion", "--trace", "mine")
    chat, idle = ended.out.splitlines()[3:5]
    assert chat.split()[:4] == ["chat", "predictive", "0.01", "48,426"]
    assert idle.split()[:4] == ["idle", "predictive", "0", "the"]
    assert ended.out.split("rule missed %")[1].split()[1:] == ["chat", "+0.0", "10.00", "10.00"]
    found = smartscale("champion", "--trace", "mine", "--json").document
    served = found["candidates"][0]
    assert [c["arrived"] for c in found["choices"]] == served["arrived"]
    assert found["choices"][0]["missed_frac"] == served["missed"][0] / served["arrived"][0]
    assert found["choices"][1]["missed_frac"] is None
    assert {c["saving_frac"] for c in found["choices"]} == {None}
