"""Networks: quantiles that never cross, no influence of absent features, weights by seed."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoint import CONFIG, WEIGHTS, UnusableCheckpointError, load, save
from models.fit import Batch, FitOptions, fit
from models.forecaster import CORES, NetworkConfig, build
from models.inputs import ANCHORS, CONTEXT, FEATURES, HORIZON, SPREADS, STEPS, Inputs
from models.quantiles import pinball
from models.recurrent import scan

pytestmark = pytest.mark.slow

CORE_NAMES = sorted(CORES)
SMALL = {"hidden": 8, "width": 16}


def inputs(size=5, horizons=3, seed=0, scale=1.0):
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=draw) * scale

    present = torch.rand(size, FEATURES, generator=draw) < 0.6
    present[:, 11] = True
    there = torch.ones(size, ANCHORS, dtype=torch.bool)
    there[::2, 6:] = False
    return Inputs(
        normal(size, STEPS, FEATURES), present, normal(size, CONTEXT),
        normal(size, horizons, ANCHORS).abs(), there, normal(size, horizons, SPREADS).abs(),
        normal(size, horizons, HORIZON),
    )  # fmt: skip


def shaken(core, seed=0):
    """Fresh weights keep the head near the anchors; shaken ones reach everywhere."""
    model = build(NetworkConfig(core=core, **SMALL), seed)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.5 * torch.randn(weight.shape, generator=draw))
    return model.eval()


@pytest.mark.parametrize("core", CORE_NAMES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.0, 0.1, 1.0, 30.0]))
def test_quantiles_never_cross(core, seed, scale):
    with torch.inference_mode():
        quantiles = shaken(core, seed)(inputs(seed=seed, scale=scale))
    assert quantiles.shape == (5, 3, 9)
    assert torch.isfinite(quantiles).all()
    assert (quantiles >= 0).all()
    assert (quantiles.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("core", CORE_NAMES)
def test_absent_features_do_not_change_the_output(core):
    model, batch = shaken(core), inputs()
    noise = torch.where(batch.present.unsqueeze(1), batch.steps, batch.steps + 100.0)
    with torch.inference_mode():
        assert torch.equal(model(batch), model(batch._replace(steps=noise)))
        heard = torch.where(batch.present.unsqueeze(1), batch.steps + 1.0, batch.steps)
        assert not torch.equal(model(batch), model(batch._replace(steps=heard)))


@pytest.mark.parametrize("core", CORE_NAMES)
def test_absent_anchors_do_not_change_the_median(core):
    model, batch = shaken(core), inputs()
    other = batch.anchors.clone()
    other[~batch.anchor_present.unsqueeze(1).expand_as(other)] += 50.0
    with torch.inference_mode():
        assert torch.equal(model(batch), model(batch._replace(anchors=other)))


@pytest.mark.parametrize("core", CORE_NAMES)
def test_attention_sums_to_one_and_ignores_absent_features(core):
    batch = inputs()
    with torch.inference_mode():
        features, steps = shaken(core).attention(batch)
    assert torch.allclose(features.sum(-1), torch.ones(5, STEPS), atol=1e-5)
    assert torch.allclose(steps.sum(-1), torch.ones(5), atol=1e-5)
    assert (features * ~batch.present.unsqueeze(1)).abs().max() == 0


@pytest.mark.parametrize("core", CORE_NAMES)
def test_windows_of_a_batch_do_not_see_each_other(core):
    model, batch = shaken(core), inputs()
    with torch.inference_mode():
        alone = torch.cat([model(batch.take(torch.tensor([row]))) for row in range(5)])
        assert torch.allclose(model(batch), alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("core", CORE_NAMES)
def test_a_network_can_learn_a_tiny_set(core):
    batch = inputs(size=16, seed=3)
    value = batch.anchors[..., 1] + 2 * batch.spreads[..., 0]
    data = Batch((batch, value, torch.ones_like(value)))
    model = build(NetworkConfig(core=core, **SMALL), 0)
    fitted = fit(model, data, data, FitOptions(epochs=80, batch=16, rate=0.02, patience=80))
    assert fitted.after < 0.5 * fitted.before


def test_the_same_seed_gives_the_same_weights_after_training():
    batch = inputs(size=32)
    value = batch.anchors[..., 0]
    data = Batch((batch, value, torch.ones_like(value)))

    def trained(seed):
        model = build(NetworkConfig(**SMALL), seed)
        fit(model, data, data, FitOptions(epochs=2, batch=8, seed=seed))
        return torch.cat([weight.flatten() for weight in model.state_dict().values()])

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path):
    batch = inputs(size=32)
    value = batch.anchors[..., 0]
    data = Batch((batch, value, torch.ones_like(value)))
    options = FitOptions(epochs=4, batch=8)
    whole, parts = (build(NetworkConfig(**SMALL), 0) for _ in range(2))
    fit(whole, data, data, options)
    first = fit(parts, data, data, options, lambda now: now.epoch < 2, tmp_path)
    assert first.stopped == "cancelled"
    again = build(NetworkConfig(**SMALL), 9)
    rest = fit(again, data, data, options, None, tmp_path)
    assert [now.epoch for now in rest.curve] == [3, 4]
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])


def test_training_never_ends_worse_than_it_started():
    batch = inputs(size=16)
    value = batch.anchors[..., 0]
    model = build(NetworkConfig(**SMALL), 0)
    weight = torch.ones_like(value)
    misleading = Batch((batch, value + 100.0, weight))
    fitted = fit(model, misleading, Batch((batch, value, weight)), FitOptions(epochs=5, rate=0.1))
    assert fitted.after <= fitted.before


@given(value=st.floats(-50, 50), quantile=st.floats(-50, 50), level=st.floats(0.01, 0.99))
@settings(max_examples=50, deadline=None)
def test_pinball_agrees_with_its_closed_form(value, quantile, level):
    loss = pinball(
        torch.tensor([[value]], dtype=torch.float64),
        torch.tensor([[[quantile]]], dtype=torch.float64),
        torch.tensor([level], dtype=torch.float64),
    )
    share = level if value >= quantile else 1 - level
    assert float(loss) == pytest.approx(share * abs(value - quantile), abs=1e-9)


def test_pinball_is_least_at_the_empirical_quantile():
    sample = torch.from_numpy(np.random.default_rng(0).gamma(2.0, 1.0, 999))
    tried = torch.linspace(0, 8, 2001, dtype=torch.float64)
    levels = torch.tensor([0.9], dtype=torch.float64)
    loss = pinball(sample.expand(2001, 999), tried[:, None, None], levels).mean((1, 2))
    assert float(tried[loss.argmin()]) == pytest.approx(float(sample.quantile(0.9)), abs=0.02)


@pytest.mark.parametrize("core", CORE_NAMES)
def test_a_checkpoint_gives_the_same_network_back(core, tmp_path):
    model, batch = shaken(core), inputs()
    save(model, tmp_path, {"seed": 3})
    again, about = load(tmp_path)
    with torch.inference_mode():
        assert torch.equal(model(batch), again(batch))
    assert about == {"seed": 3}


def _flip(folder):
    raw = bytearray((folder / WEIGHTS).read_bytes())
    raw[-3] ^= 255
    (folder / WEIGHTS).write_bytes(raw)


def _reword(old, new):
    def change(folder):
        text = (folder / CONFIG).read_text("utf-8")
        assert old in text
        (folder / CONFIG).write_text(text.replace(old, new), "utf-8")

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip, "is not the file"),
        (lambda folder: (folder / WEIGHTS).unlink(), "cannot be read"),
        (lambda folder: (folder / CONFIG).unlink(), "cannot be read"),
        (lambda folder: (folder / CONFIG).write_text("{", "utf-8"), "is not JSON"),
        (_reword("smartscale forecaster 1", "somebody's model"), "not of format"),
        (_reword('"hidden": 8', '"hidden": 16'), "do not fit"),
        (_reword('"core": "bilstm"', '"core": "other"'), "do not fit"),
    ],
)
def test_a_damaged_or_foreign_checkpoint_is_refused(damage, message, tmp_path):
    save(build(NetworkConfig(**SMALL), 0), tmp_path, {})
    damage(tmp_path)
    with pytest.raises(UnusableCheckpointError, match=message):
        load(tmp_path)


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    model = build(NetworkConfig(**SMALL), 0)
    with torch.no_grad():
        next(model.parameters())[0] = torch.nan
    save(model, tmp_path, {})
    with pytest.raises(UnusableCheckpointError, match="not finite"):
        load(tmp_path)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_scan_is_the_librarys_lstm(bidirectional):
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(FEATURES, 8, batch_first=True, bidirectional=bidirectional)
    steps = 3 * torch.randn(70, STEPS, FEATURES)
    with torch.inference_mode():
        assert torch.allclose(scan(lstm, steps), lstm(steps)[0], atol=1e-5)
