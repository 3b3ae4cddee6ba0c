"""What the allocator sees, does and is rewarded for."""

from dataclasses import replace

import numpy as np
import pytest

from engine.learn import dial, tokens
from engine.learn.cells import BIN_S, FUTURES, TICKS, episode, futures
from engine.learn.ground import LAG, Ground
from engine.learn.replay_buffer import Buffer, Trail, Transitions
from engine.learn.rewards import PROFILES, SCORES, dirt, fresh_weights, score, sweet_spot
from engine.lookahead.checkpoint import shipped
from engine.lookahead.features import Memory, close_bin, new_memory, note


def observed(paths, facts, seen, cluster):
    """The tokens of pools that saw these arrivals by bin."""
    pools = len(paths)
    memory = new_memory(pools, BIN_S)
    for counts in np.transpose(paths):
        note(memory, counts, counts, counts * 3.0, BIN_S)
        close_bin(memory)
    rows = np.full((pools, tokens.WIDTH), np.nan)
    tokens.observe(
        memory, shipped(), BIN_S, facts, seen, cluster, np.zeros((pools, 3)), rows,
        np.empty(pools), np.empty(pools), np.empty((pools, 4)),
    )  # fmt: skip
    return rows


def some_pools(number, seed=1):
    rng = np.random.default_rng(seed)
    paths = rng.poisson(rng.uniform(5, 60, (number, 1)), (number, 100)).astype(float)
    facts = np.stack(
        [rng.choice([4.0, 8.0], number), rng.uniform(30, 90, number), np.full(number, 60.0),
         np.full(number, 400.0), np.full(number, np.inf), rng.uniform(0.1, 2.0, number)], 1,
    )  # fmt: skip
    seen = rng.uniform(0, 20, (number, len(tokens.SEEN)))
    return paths, facts, seen


def test_every_number_of_a_token_has_a_name_and_none_is_missing():
    assert len(tokens.TOKEN) + len(tokens.CLUSTER) == tokens.WIDTH
    assert len(set(tokens.TOKEN)) == tokens.TOKENS
    rows = observed(*some_pools(5), np.zeros(5, np.int64))
    assert np.isfinite(rows).all()


def test_pools_in_another_order_get_the_same_tokens_in_that_order():
    paths, facts, seen = some_pools(7)
    order = np.random.default_rng(3).permutation(7)
    one = observed(paths, facts, seen, np.zeros(7, np.int64))
    other = observed(paths[order], facts[order], seen[order], np.zeros(7, np.int64))
    assert np.allclose(other, one[order], atol=1e-9)


def test_pools_of_other_clusters_are_not_seen():
    paths, facts, seen = some_pools(6)
    apart = observed(paths, facts, seen, np.array([0, 0, 0, 1, 1, 1]))
    alone = observed(paths[:3], facts[:3], seen[:3], np.zeros(3, np.int64))
    assert np.array_equal(apart[:3], alone)
    together = observed(paths, facts, seen, np.zeros(6, np.int64))
    assert not np.array_equal(together[:3, tokens.TOKENS :], alone[:, tokens.TOKENS :])


def test_every_number_belongs_to_one_group():
    columns = [column for group in tokens.GROUPS.values() for column in group]
    assert sorted(columns) == list(range(tokens.WIDTH))


def test_the_carbon_threshold_is_seen_and_none_is_told_apart_from_one_far_away():
    paths, facts, seen = some_pools(3)
    seen[:, tokens.SEEN.index("g_per_kwh")] = 300.0
    facts[:, 4] = [np.inf, 200.0, 3e6]
    rows = observed(paths, facts, seen, np.zeros(3, np.int64))
    names = list(tokens.TOKEN)
    over = rows[:, names.index("log(carbon intensity / threshold)")]
    known = rows[:, names.index("whether there is a carbon threshold")]
    assert over == pytest.approx([0.0, np.log(1.5), -1.0])
    assert list(known) == [0.0, 1.0, 1.0]


def test_a_price_is_seen_over_that_which_is_usual_for_a_slot():
    paths, facts, seen = some_pools(3)
    facts[:, 0], facts[:, 5] = [1.0, 4.0, 4.0], [0.5, 0.5, 0.0]
    seen[:, tokens.PRICE] = [0.5, 4.0, 0.0]
    rows = observed(paths, facts, seen, np.zeros(3, np.int64))
    found = rows[:, tokens.TOKEN.index("log(price of a slot / usual)")]
    assert found == pytest.approx([0.0, np.log(2.0), 0.0])


def test_emissions_count_twice_above_the_threshold():
    intensity = np.array([0.5, 1.0, 1.1, 2.0])
    assert dirt(intensity, np.full(4, np.inf)) == pytest.approx(intensity)
    assert dirt(intensity, np.full(4, 1.0)) == pytest.approx([0.5, 1.5, 2.2, 4.0])


def test_five_hundred_pools_are_one_call():
    assert observed(*some_pools(500), np.zeros(500, np.int64)).shape == (500, tokens.WIDTH)


def test_clusters_are_no_larger_to_the_networks_than_those_they_learned_from():
    def seen_in(number):
        (path,), (facts,), (seen,) = some_pools(1)
        every = (np.tile(of, (number, 1)) for of in (path, facts, seen))
        return observed(*every, np.zeros(number, np.int64))[0]

    most = tokens.POOLS_MOST
    assert np.allclose(seen_in(500), seen_in(most), rtol=0.0, atol=1e-9)
    assert seen_in(most)[-1] == pytest.approx(np.log(most))
    assert seen_in(1)[-1] == 0.0


def wanted(action, queued=0.0):
    ahead = np.array([[0.0, 0.2, 0.5, 0.9]])
    out = np.empty(1)
    dial.targets(
        np.array([action]), np.array([10.0]), np.array([2.0]), ahead, np.array([4.0]),
        np.array([queued]), out,
    )  # fmt: skip
    return out[0]


def test_the_dial_goes_through_its_points_and_only_rises():
    demand = 10.0 * 2.0 / 4.0
    ahead = [0.0, 0.0, 0.2, 0.5, 0.9, 0.9]
    for place, (log_ratio, busy) in enumerate(zip(ahead, dial.BUSY, strict=True)):
        at = -1.0 + 2.0 * place / (dial.POINTS - 1)
        assert wanted(at) == pytest.approx(demand * np.exp(log_ratio) / busy)
    sizes = [wanted(a) for a in np.linspace(-1.2, 1.2, 60)]
    assert sizes == sorted(sizes)
    assert wanted(0.3, queued=120.0) == pytest.approx(wanted(0.3) + 120 * 2.0 / (4 * 60))


def test_a_position_is_found_again_from_the_workers_that_it_wants():
    level, service, slots = np.full(41, 10.0), np.full(41, 2.0), np.full(41, 4.0)
    ahead, queued = np.tile([0.0, 0.2, 0.5, 0.9], (41, 1)), np.full(41, 30.0)
    action, sizes, found = np.linspace(-1.0, 1.0, 41), np.empty(41), np.empty(41)
    dial.targets(action, level, service, ahead, slots, queued, sizes)
    dial.positions(sizes, level, service, ahead, slots, queued, found)
    assert found == pytest.approx(action, abs=1e-9)
    for beyond, end in ((0.0, -1.0), (1e6, 1.0)):
        dial.positions(np.full(41, beyond), level, service, ahead, slots, queued, found)
        assert (found == end).all()


def test_utilisation_is_best_within_the_band_and_worst_when_full():
    used = np.linspace(0, 1, 101)
    scores = np.array([sweet_spot(u) for u in used])
    best = used[scores == scores.max()]
    assert (best.min(), best.max()) == pytest.approx((0.70, 0.80))
    assert scores[-1] == pytest.approx(-1.0)


def scored(**given):
    fields = {
        "arrived": 100.0, "waited": 0.0, "missed": 0.0, "failed": 0.0, "busy": 7.0,
        "billed": 10.0, "mean_slots": 5.0, "mean_requests": 100.0, "carbon": 1.0, "price": 1.0,
    } | given  # fmt: skip
    out = np.empty(len(SCORES))
    score(*fields.values(), out)
    return dict(zip(SCORES, out, strict=True))


def test_scores_by_hand():
    assert scored() == pytest.approx(
        {"latency": 1.0, "utilisation": 1.0, "cost": 0.5, "reliability": 1.0, "carbon": 0.5}
    )
    bad = scored(waited=50.0, missed=25.0, failed=10.0, carbon=2.0)
    assert bad == pytest.approx(
        {"latency": 0.0, "utilisation": 1.0, "cost": 0.5, "reliability": -1.2, "carbon": -0.5}
    )


def test_each_cause_alone_lowers_its_score():
    usual = scored(waited=5.0, missed=3.0, failed=1.0)
    assert scored(waited=9.0, missed=3.0, failed=1.0)["latency"] < usual["latency"]
    assert scored(waited=5.0, missed=5.0, failed=1.0)["reliability"] < usual["reliability"]
    assert scored(waited=5.0, missed=3.0, failed=2.0)["reliability"] < usual["reliability"]
    assert scored(billed=12.0)["cost"] < usual["cost"]
    assert scored(carbon=1.1)["carbon"] < usual["carbon"]
    assert scored(price=1.1)["cost"] < usual["cost"]
    assert scored(price=1.1)["carbon"] == usual["carbon"]


def test_a_tick_counts_for_three_mean_ones_at_most():
    most = scored(arrived=300.0, missed=300.0)["reliability"]
    assert scored(arrived=900.0, missed=900.0)["reliability"] == most == 1.0 - 24.0


def test_profiles_are_those_of_the_ledger_and_sum_to_one():
    assert PROFILES["unified"].weights() == (0.35, 0.15, 0.20, 0.15, 0.15)
    assert PROFILES["smartscale"].weights() == (0.40, 0.20, 0.25, 0.15, 0.0)
    assert all(sum(p.weights()) == pytest.approx(1.0) for p in PROFILES.values())


def test_drawn_weights_lie_on_the_simplex_and_differ():
    drawn = fresh_weights(np.random.default_rng(1), 400)
    assert drawn.sum(1) == pytest.approx(1.0)
    assert (drawn >= 0).all()
    assert drawn.std(0).min() > 0.1


@pytest.fixture(scope="module")
def played():
    """One small episode at five positions of the dial: mean scores by position."""
    scores = []
    for action in (-1.0, -0.5, 0.0, 0.5, 1.0):
        ground = Ground(episode(3, 1, 4), shipped())
        made = []
        for tick in range(TICKS):
            ground.step(np.full(4, action))
            if tick >= LAG:
                made.append(ground.rewards(tick - LAG))
        scores.append(np.mean(made, axis=(0, 1)))
    return np.array(scores)


@pytest.mark.slow
def test_every_score_moves_over_the_range_of_actions(played):
    assert (np.ptp(played, axis=0) > 0.1).all()
    latency, _, cost, reliability, carbon = played.T
    assert list(latency) == sorted(latency)
    assert list(reliability) == sorted(reliability)
    assert list(cost) == sorted(cost, reverse=True)
    assert list(carbon) == sorted(carbon, reverse=True)


def test_an_episode_is_the_same_again_and_another_is_not():
    one, same, other = episode(3, 1, 3), episode(3, 1, 3), episode(3, 2, 3)
    assert np.array_equal(one.counts, same.counts)
    assert np.array_equal(one.requests.requests, same.requests.requests)
    assert not np.array_equal(one.counts, other.counts)


def test_tokens_do_not_see_the_future_and_critics_do():
    """Another future from the tenth minute on: the same tokens until then."""
    ticks = 40

    def walked(change):
        made = episode(3, 1, 3)
        requests, counts, now_s = made.requests.requests.copy(), made.counts.copy(), ticks * BIN_S
        if change:
            late = requests["arrival_s"] >= now_s
            requests["work_s"][late] *= 3.0
            requests["arrival_s"][late] += 0.5 * (now_s - requests["arrival_s"][late])
            counts[:, 3600 + int(now_s) :] *= 5
        made = replace(made, requests=made.requests._replace(requests=requests), counts=counts)
        ground = Ground(made, shipped())
        rows = [ground.rows.copy()]
        for _ in range(ticks):
            ground.step(np.zeros(3))
            rows.append(ground.rows.copy())
        return np.array(rows), ground

    one, ground = walked(change=False)
    other, changed = walked(change=True)
    assert np.array_equal(one, other)
    seen, otherwise = (futures(g.episode.counts, ticks) for g in (ground, changed))
    assert not np.array_equal(seen, otherwise)
    assert seen.shape == (3, FUTURES)
    for each in (ground, changed):
        for _ in range(8):
            each.step(np.zeros(3))
    assert not np.array_equal(ground.rows, changed.rows)  # what is changed does come to be seen


def test_n_step_returns_by_hand_and_none_beyond_the_end_of_an_episode():
    """Rewards become known two decisions late; an episode is cut off, so its last steps count
    only as rewards and as the state after."""
    trail, made = Trail(3, 0.5), []
    decisions = 7

    def earned(step):
        return trail.earned(np.array([[float(step), 10.0]]))

    for step in range(decisions):
        trail.saw(np.full((1, 2), step), np.full((1, 1), step), np.full(1, step / 10.0))
        if step >= 2:
            made.append(earned(step - 2))
    made += [earned(step) for step in range(decisions - 2, decisions)]
    assert made[:2] == [None, None]
    assert made[-1] is None
    whole = made[2:-1]
    for first, each in enumerate(whole):
        assert (each.rows == first).all()
        assert each.action == pytest.approx(first / 10.0)
        assert (each.next_rows == first + 3).all()
        assert (each.next_future == first + 3).all()
        wanted = first + 0.5 * (first + 1) + 0.25 * (first + 2)
        assert each.reward == pytest.approx(np.array([[wanted, 17.5]]))
    assert len(whole) == decisions - 3


def test_the_buffer_forgets_the_oldest_and_samples_what_it_holds():
    buffer = Buffer(6, 2, 1, 1)
    for number in range(4):
        column = np.full(3, float(number))
        buffer.add(
            Transitions(
                np.full((3, 2), number), np.zeros((3, 1)), column, np.zeros((3, 1)),
                np.zeros((3, 2)), np.zeros((3, 1)),
            )
        )  # fmt: skip
    drawn = buffer.sample(np.random.default_rng(1), 300)
    assert set(drawn.action.tolist()) == {2.0, 3.0}
    assert (drawn.rows[:, 0] == drawn.action).all()
    assert isinstance(new_memory(1, BIN_S), Memory)
