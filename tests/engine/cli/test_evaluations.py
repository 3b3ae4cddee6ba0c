"""What `evaluate` writes and prints of a report; the reports themselves are tested elsewhere."""

import math
from dataclasses import replace

import pytest

from engine.evaluate.judge import Judgement
from engine.evaluate.report import report


def judged(policy, cost):
    return Judgement(
        case="window", kind="window", policy=policy, arrived=100, cost=cost, usd=cost,
        missed_frac=0.002, slo_missed_frac=0.003, p99_s=8.0, service_s=2.0,
    )  # fmt: skip


@pytest.fixture
def judged_window(monkeypatch):
    families = {"hpa": [judged("hpa:target=0.5", 4.0)], "smartscale": [judged("smartscale", 3.0)]}
    used = {"smartscale": "shipped", "smartscale:cost=0.2": "/there/own"}
    document = {"allocators": used, **report(families, traces={"window"})}
    monkeypatch.setattr("engine.policy_runs.PolicyRuns.evaluate", lambda *_, **__: document)
    return document


def test_the_bars_are_written_as_markdown_and_printed(smartscale, judged_window, tmp_path):
    file = tmp_path / "bars.md"
    ended = smartscale("evaluate", "--trace", "window", "--out", file)
    assert ended.code == 0
    written = file.read_text("utf-8")
    assert judged_window["trace_markdown"] in written
    assert judged_window["trace_markdown_slo_misses"] in written
    assert "tuned stock HPA at equal misses | 0.2% missed | 10 % | 25.0 % |" in written
    assert "tuned stock HPA at equal misses | 0.2% missed | 10 % | not reached |" in written
    assert judged_window["markdown_costs"] in written
    assert written in ended.out


def test_every_policys_cost_is_told_at_the_same_misses_beside_the_first():
    def day(policy, cost, missed):
        return replace(judged(policy, cost), missed_frac=missed)

    families = {
        "smartscale": [day("smartscale", 4.0, 0.01), day("smartscale:cost=0.3", 2.0, 0.1)],
        "hpa": [day("hpa:target=0.5", 6.0, 0.02), day("hpa:target=0.9", 3.0, 0.06)],
    }
    own, other = report(families)["markdown_costs"].splitlines()[2:]
    at_two, at_three = (4.0 * ratio ** -math.log10(2.0) for ratio in (2.0, 3.0))
    cells = own.strip("| ").split(" | ")
    assert cells[:4] == ["smartscale", "4.00", f"{at_two:.2f}", f"{at_three:.2f}"]
    assert cells[6] == "2.00 *"
    cells = other.strip("| ").split(" | ")
    assert cells[:3] == ["hpa", "not reached", f"6.00 ({600.0 / at_two - 100.0:+.1f} %)"]
    assert cells[6] == "3.00 * (+50.0 %)"


def test_it_says_which_allocators_were_judged(smartscale, judged_window):
    ended = smartscale("evaluate", "--trace", "window")
    said = " ".join(ended.out.split())
    assert "Allocators judged: smartscale: shipped; smartscale:cost=0.2: /there/own." in said
    assert "These families have the shipped allocators" in " ".join(
        smartscale("evaluate", "--help").out.split()
    )


def test_the_same_document_is_json(smartscale, judged_window):
    found = smartscale("evaluate", "--trace", "window", "--json").document
    assert found["trace_bars"] == judged_window["trace_bars"]
    assert found["bars"] == []


def test_every_heading_has_its_unit_and_the_definition_that_json_tells(smartscale, judged_window):
    out = smartscale("evaluate", "--trace", "window").out
    for head, key in (
        ("cost (x work)", "cost"), ("missed %", "missed_frac"),
        ("SLO missed %", "slo_missed_frac"), ("p99 (x mean service time)", "p99"),
    ):  # fmt: skip
        assert f"  {head}" in out
        assert f"\n{head}: {judged_window['definitions'][key]}.\n" in out
    assert ["hpa", "hpa:target=0.5", "4.00", "0.20", "0.30", "4.00"] in map(
        str.split, out.splitlines()
    )


@pytest.mark.parametrize(
    "wish",
    [("--from", "0"), ("--to", "1:00:00"), ("--scenario", "llm-agents"), ("--set", "seed=3")],
)
def test_what_only_traces_need_is_refused_where_there_is_none(smartscale, judged_window, wish):
    ended = smartscale("evaluate", "--suite", "heldout-1", *wish)
    assert (ended.code, ended.out) == (2, "")
    assert f"lengths of their own, so {wish[0]} has no effect" in ended.err
    both = smartscale("evaluate", "--suite", "heldout-1", "--trace", "window", *wish)
    assert both.code == 0, both.err
