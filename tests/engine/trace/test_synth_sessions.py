import numpy as np
import pytest

from engine.trace.synth import generate


@pytest.fixture(scope="module")
def three_days():
    return generate("agent-sessions", duration_s=259_200, mean_rate_per_s=0.5, seed=4).table


def test_every_request_follows_an_earlier_one_of_its_session_or_none(three_days):
    table = three_days
    rows = np.arange(len(table))
    assert np.all(table.after < rows)
    follows = table.after >= 0
    assert np.all(table.session[table.after[follows]] == table.session[follows])
    # A chain, not a tree: nobody is followed twice, and each session begins once.
    assert len(np.unique(table.after[follows])) == follows.sum()
    assert np.array_equal(np.unique(table.session), np.unique(table.session[~follows]))
    assert np.sum(~follows) == table.session.max() + 1


def test_waits_are_never_negative_and_fit_between_the_recorded_arrivals(three_days):
    table = three_days
    follows = table.after >= 0
    assert np.all(table.think_s >= 0)
    assert np.all(table.think_s[~follows] == 0)
    gap_s = table.arrival_s[follows] - table.arrival_s[table.after[follows]]
    assert np.all(gap_s > table.think_s[follows])


def test_the_lengths_and_waits_have_the_published_quantiles(three_days):
    table = three_days
    shares = [0.1, 0.5, 0.9]
    assert np.quantile(table.output_tokens, shares) == pytest.approx([107, 215, 881], rel=0.05)
    wait_s = table.think_s[table.after >= 0]
    assert np.quantile(wait_s, shares) == pytest.approx([4, 10, 162], rel=0.15)
    # Contexts come about by growth and compaction, so they meet the quantiles less closely.
    assert np.quantile(table.input_tokens, shares) == pytest.approx(
        [43_304, 106_538, 251_449], rel=0.3
    )


def test_sessions_have_the_published_numbers_of_requests(three_days):
    # Only sessions that the trace holds whole, so long ones are somewhat rarer than published.
    table = three_days
    begun = table.arrival_s[table.after < 0]
    sizes = np.bincount(table.session)
    whole = sizes[(begun > 3600) & (begun < 150_000)]
    assert np.quantile(whole, [0.1, 0.5, 0.9]) == pytest.approx([6, 41, 169], rel=0.2)


def test_nearly_all_input_repeats_the_request_before(three_days):
    table = three_days
    assert table.prefix_tokens.sum() / table.input_tokens.sum() == pytest.approx(0.964, abs=0.01)
    follows = table.after >= 0
    before = table.input_tokens[table.after[follows]]
    assert np.all(table.prefix_tokens[follows] <= before)
    assert np.all(table.prefix_tokens <= table.input_tokens)
    assert np.all(table.prefix_tokens % 64 == 0)


def test_a_context_grows_by_at_least_the_reply_until_it_is_compacted(three_days):
    table = three_days
    follows = np.flatnonzero(table.after >= 0)
    before = table.after[follows]
    growth = table.input_tokens[follows] - table.input_tokens[before]
    grown = growth >= table.output_tokens[before]
    assert 0.97 < grown.mean() < 1
    assert np.all(table.prefix_tokens[follows][~grown] <= 14_272)


@pytest.mark.parametrize("seed", range(4))
def test_the_mean_rate_is_met_to_one_session(seed):
    table = generate("agent-sessions", duration_s=7200, mean_rate_per_s=0.7, seed=seed).table
    assert 5040 <= len(table) <= 5040 + 561


def test_a_trace_begins_in_the_midst_of_sessions_unless_it_has_no_warm_up():
    warm, cold = (
        generate(
            "agent-sessions", duration_s=7200, mean_rate_per_s=2, seed=3, warmup_s=warmup_s
        ).table
        for warmup_s in (43_200, 0)
    )
    share_at_start = [np.mean(table.arrival_s < 720) for table in (warm, cold)]
    assert share_at_start[0] == pytest.approx(0.1, abs=0.02)
    assert share_at_start[1] < 0.05


def test_session_starts_can_follow_the_day():
    table = generate(
        "agent-sessions", duration_s=86400 * 4, mean_rate_per_s=0.5, seed=3, peak_to_trough=8
    ).table
    begun = table.arrival_s[table.after < 0]
    hour = (begun[begun > 3600] % 86400) // 3600
    day, night = np.isin(hour, [13, 14, 15, 16]).sum(), np.isin(hour, [1, 2, 3, 4]).sum()
    assert day > 4 * night


def test_waits_for_humans_lengthen_the_day():
    tools, humans = (
        generate(
            "agent-sessions", duration_s=7200, mean_rate_per_s=1, seed=3, human_share=share
        ).table
        for share in (0, 1)
    )
    assert np.median(humans.think_s[humans.after >= 0]) > 60
    assert np.median(tools.think_s[tools.after >= 0]) == pytest.approx(9, rel=0.1)


def test_a_smaller_context_limit_compacts_sooner():
    table = generate(
        "agent-sessions", duration_s=7200, mean_rate_per_s=1, seed=3, context_limit_tokens=60_000
    ).table
    # Sessions on a long context window keep it.
    assert np.mean(table.input_tokens <= 60_000) > 0.75
