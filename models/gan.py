"""A Wasserstein GAN with gradient penalty (Gulrajani et al. 2017) for windows of demand.

The critic's loss is E[D(fake)] − E[D(real)] + 10·E[(‖∇D‖ − 1)²].
"""

import torch
from torch import Tensor, nn

NOISE = 16
_PENALTY = 10.0
_CRITIC_STEPS = 3


def _perceptron(size_in: int, size_out: int, hidden: int = 96) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(size_in, hidden), nn.LeakyReLU(0.2),
        nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
        nn.Linear(hidden, size_out),
    )  # fmt: skip


def critic_loss(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """The loss above; `mix` (B, 1) in [0, 1] places the points of the gradient penalty."""
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
    loss: Tensor = critic(fake).mean() - critic(real).mean() + _PENALTY * penalty
    return loss


def train_generator(real: Tensor, *, seed: int, rounds: int = 400, batch: int = 128) -> nn.Module:
    """A generator of windows like `real` (N, L), from noise (B, `NOISE`); seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, critic = _perceptron(NOISE, real.shape[1]), _perceptron(real.shape[1], 1)
        learn = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.9))
        judge = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.9))
        for _ in range(rounds):
            for _ in range(_CRITIC_STEPS):
                rows = torch.randint(len(real), (batch,))
                fake = generator(torch.randn(batch, NOISE)).detach()
                judge.zero_grad()
                critic_loss(critic, real[rows], fake, torch.rand(batch, 1)).backward()  # type: ignore[no-untyped-call]
                judge.step()
            learn.zero_grad()
            (-critic(generator(torch.randn(batch, NOISE))).mean()).backward()
            learn.step()
    return generator.eval()
