"""The generator of rare-load windows: its critic's loss, and that it learns a distribution."""

import pytest
import torch

from models.gan import NOISE, critic_loss, train_generator

pytestmark = pytest.mark.slow


class Slope(torch.nn.Module):
    def forward(self, window):
        return 3.0 * window[:, :1]


def test_the_critics_loss_is_the_distance_plus_the_gradient_penalty():
    real, fake = torch.full((4, 2), 2.0), torch.full((4, 2), 5.0)
    loss = critic_loss(Slope(), real, fake, torch.full((4, 1), 0.5))
    assert float(loss) == pytest.approx(15.0 - 6.0 + 10 * (3 - 1) ** 2)


def test_the_generator_moves_to_the_data_and_is_the_same_for_a_seed():
    real = 2.0 + 0.5 * torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(500, NOISE, generator=torch.Generator().manual_seed(1))
    made, again = (train_generator(real, seed=0, rounds=120)(noise).detach() for _ in range(2))
    assert torch.equal(made, again)
    assert float(made.mean()) == pytest.approx(2.0, abs=0.4)
    assert 0.15 < float(made.std()) < 1.2
