"""The quick forecast: what it reads, what it says, and that it learns."""

import numpy as np
import pytest

from engine.errors import CheckpointError
from engine.lookahead import LEVELS, Lookahead, Outlook, memory
from engine.lookahead.checkpoint import WEIGHTS, load, save, shipped
from engine.lookahead.features import FEATURES, NAMES, Network, close_bin, new_memory, note
from engine.lookahead.fitting import train
from engine.lookahead.training import examples


def told(counts, service_s=2.0, bin_s=15.0):
    """A lookahead of one pool that saw these arrivals by bin."""
    made = Lookahead(1, bin_s)
    for count in counts:
        number = np.array([count])
        made.note(number, number, number * service_s, bin_s)
        made.close()
    return made


def test_every_feature_has_a_name():
    assert len(NAMES) == FEATURES == len(set(NAMES))


def test_the_level_is_the_mean_of_the_last_minute_and_ratios_refer_to_it():
    outlook = told([60] * 236 + [30] * 4).outlook(np.array([90.0]))
    assert outlook.level[0] == pytest.approx(120.5 / 60)
    named = dict(zip(NAMES, outlook.features[0], strict=True))
    assert named["rate 0 to 15 s ago"] == pytest.approx(np.log(30.5 / 15 / outlook.level[0]))
    assert named["rate 2700 to 3600 s ago"] == pytest.approx(np.log(2.0), abs=0.01)
    assert named["highest rate in 300 s"] == pytest.approx(np.log(2.0), abs=0.01)
    assert named["lowest rate in 3600 s"] == pytest.approx(0.0, abs=0.01)
    assert named["horizon"] == pytest.approx(np.log(90 / 120))
    assert outlook.service_s[0] == pytest.approx(2.0)


def test_windows_that_reach_beyond_what_is_known_say_nothing():
    outlook = told([20, 20]).outlook(np.array([90.0]))
    assert np.isfinite(outlook.features).all()
    assert outlook.features[0, 2:16] == pytest.approx(0.0)


def test_nothing_is_known_of_the_service_time_before_a_request_has_finished():
    made = Lookahead(1, 15.0)
    made.note(np.array([5]), np.array([0]), np.array([3.0]), 15.0)
    made.close()
    assert np.isnan(made.outlook(np.array([90.0])).service_s[0])


def test_the_ring_forgets_what_is_older_than_an_hour():
    crowd = [600] * 8
    old = told(crowd + [30] * 240).outlook(np.array([90.0]))
    never = told([30] * 248).outlook(np.array([90.0]))
    assert np.array_equal(old.features, never.features)


def test_quantiles_rise_and_are_read_off_between_the_levels():
    outlook = told(np.random.default_rng(1).poisson(40, 240)).outlook(np.array([90.0]))
    rates = [outlook.rate(q)[0] for q in (0.5, 0.6, 0.8, 0.9, 0.95, 0.99)]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(outlook.level[0] * np.exp(outlook.ahead[0, 0]))
    assert outlook.rate(0.999)[0] == rates[-1]
    assert outlook.busy_slots(0.8)[0] == pytest.approx(rates[2] * 2.0)


def test_a_quantile_may_differ_by_pool():
    ahead = np.array([[0.0, 0.1, 0.2, 0.3], [0.0, 0.2, 0.4, 0.6]])
    outlook = Outlook(
        features=np.zeros((2, FEATURES)), level=np.ones(2), service_s=np.ones(2), ahead=ahead
    )
    assert outlook.rate(np.array([0.5, 0.99])) == pytest.approx([1.0, np.exp(0.6)])


def test_pools_do_not_see_one_another():
    rng = np.random.default_rng(2)
    paths = rng.poisson(30, (3, 240))
    alone = [told(path).outlook(np.array([90.0])) for path in paths]
    memory, together = new_memory(3, 15.0), Lookahead(3, 15.0)
    for bin_counts in paths.T:
        together.note(bin_counts, bin_counts, bin_counts * 2.0, 15.0)
        together.close()
        note(memory, bin_counts, bin_counts, bin_counts * 2.0, 15.0)
        close_bin(memory)
    said = together.outlook(np.full(3, 90.0))
    assert np.array_equal(said.ahead, np.concatenate([one.ahead for one in alone]))


def test_on_paths_never_learned_from_the_shipped_quantiles_cover_what_they_say():
    made = [examples(0, 900_000 + number) for number in range(150)]
    features = np.concatenate([e.features for e in made])
    target = np.concatenate([e.target for e in made])
    said = by_hand(shipped(), features)
    cover = [(target <= said[:, q]).mean() for q in range(len(LEVELS))]
    assert cover == pytest.approx(LEVELS, abs=0.03)


def by_hand(net, features):
    """(N, Q) the network in plain numpy."""
    x = np.clip((features - net.shift) / net.scale, -6, 6)
    for w, b in ((net.w1, net.b1), (net.w2, net.b2)):
        x = x @ w + b
        x = x / (1 + np.exp(-x))
    raw = x @ net.w3 + net.b3
    return np.cumsum(np.concatenate([raw[:, :1], np.log1p(np.exp(raw[:, 1:]))], 1), 1)


def test_the_compiled_network_says_what_plain_numpy_says():
    outlook = told(np.random.default_rng(3).poisson(15, 240)).outlook(np.array([120.0]))
    assert outlook.ahead == pytest.approx(by_hand(shipped(), outlook.features), abs=1e-4)


@pytest.mark.slow
def test_training_beats_constant_quantiles_and_gives_the_same_weights_again(tmp_path):
    one = train(tmp_path / "one", paths=120, epochs=6)
    other = train(tmp_path / "other", paths=120, epochs=6)
    assert one == other
    assert one.pinball < 0.85 * one.constant_pinball
    first, second = (load(tmp_path / name)[0] for name in ("one", "other"))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_what_is_no_checkpoint_of_this_version_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path)
    good = shipped()
    save(good._replace(b1=good.b1[:-1]), tmp_path / "odd", {})
    with pytest.raises(CheckpointError, match="do not fit together"):
        load(tmp_path / "odd")
    save(good._replace(b1=good.b1 * np.nan), tmp_path / "nan", {})
    with pytest.raises(CheckpointError, match="do not fit together"):
        load(tmp_path / "nan")
    (tmp_path / "odd" / WEIGHTS).write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "odd")
    assert isinstance(good, Network)


def test_between_levels_all_pools_at_once_get_what_interpolation_gives_each():
    rng = np.random.default_rng(4)
    ahead = np.sort(rng.normal(0.0, 1.0, (400, len(LEVELS))), axis=1)
    scores = rng.uniform(memory._SCORES[0], memory._SCORES[-1], 400)
    scores[:8] = np.tile(memory._SCORES, 2)
    each = [
        np.interp(score, memory._SCORES, row) for score, row in zip(scores, ahead, strict=True)
    ]
    assert memory._between_levels(scores, ahead).tolist() == each
