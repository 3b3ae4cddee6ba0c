"""Forty sentences as people read them, and the check that their numbers are in the record.

After a wanted change of words: `python -m tests.engine.explain.test_sentences` writes them anew.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.explain.found import missing_numbers
from engine.explain.sentences import sentence
from tests.engine.explain.situations import SITUATIONS, made

GOLDEN = Path(__file__).with_name("sentences.json")


def told():
    return {name: sentence(decision) for name, decision in SITUATIONS.items()}


def test_forty_two_situations_read_as_they_should():
    wanted = json.loads(GOLDEN.read_text("utf-8"))
    assert len(wanted) == 42
    assert told() == wanted


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_number_of_a_sentence_is_found_in_its_record(name):
    decision = SITUATIONS[name]
    assert missing_numbers(sentence(decision), decision) == []


def test_a_sentence_says_how_requests_are_routed_from_then_on():
    decision = replace(
        SITUATIONS["predictive out"],
        routing={
            "router": "seven-factor", "weights": {"pool": 2.5, "sizes": {"large": 3.0}},
        },
    )  # fmt: skip
    text = sentence(decision)
    assert ", routed by seven-factor, with routing weights the pool 2.5, large 3" in text
    assert missing_numbers(text, decision) == []
    assert "routed" not in sentence(SITUATIONS["predictive out"])


def test_a_champions_sentence_says_who_decided_and_why():
    rule = SITUATIONS["predictive out"]
    choice = {
        "decided_by": "predictive:quantile=0.95:target=0.8",
        "why": "the rule: the learned policy costs 12.6% more at no more misses",
    }
    decision = replace(rule, policy="champion", rationale={**rule.rationale, **choice})
    text = sentence(decision)
    assert f": {choice['decided_by']} decides ({choice['why']}): demand in the next" in text
    assert text.endswith(sentence(rule).partition(": ")[2])
    assert missing_numbers(text, decision) == []
    assert missing_numbers(text.replace("41.5", "43.7"), decision) == ["43.7"]


def test_a_number_that_is_not_in_the_record_is_noticed():
    decision = SITUATIONS["predictive out"]
    text = sentence(decision)
    assert missing_numbers(text.replace("41.5", "43.7"), decision) == ["43.7"]
    assert missing_numbers(text.replace("17 workers", "19 workers"), decision) == ["19"]
    later = replace(decision, t_s=decision.t_s + 15)
    assert missing_numbers(text, later) == ["14:05:15 UTC on 16 Nov 2023"]


def test_a_rationale_of_an_unknown_policy_does_not_break_the_sentence():
    odd = made("own", 3, 5.0, 5, "demand_up", {"anything": [1, {"at": "all"}]})
    assert "the policy asked for 5 workers" in sentence(odd)


def test_what_is_just_over_a_whole_number_does_not_read_as_that_number():
    said = {**SITUATIONS["predictive out"].rationale, "wanted": 5.004, "proposed": 6.0}
    one = made("predictive", 5, 6.0, 6, "demand_up", said | {"held": 6.0})
    assert "that takes just over 5 workers" in sentence(one)
    assert missing_numbers(sentence(one), one) == []


def test_stages_that_changed_nothing_pass_on_what_they_got():
    lines = SITUATIONS["floor over mask"].guard
    assert [line.stage for line in lines][:4] == ["quantise", "carbon", "slo", "limits"]
    after = {line.stage: line.after for line in lines}
    assert (after["carbon"], after["slo"], after["hold"]) == (8, 13, 13)
    assert [line.stage for line in lines if line.reason] == ["carbon", "slo"]


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(told(), indent=1) + "\n", "utf-8")
