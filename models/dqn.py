"""Deep Q-learning over positions of the dial: the rival with discrete actions (S3-R66).

Mnih et al. 2015 with the double estimator of van Hasselt et al. 2016 (arXiv:1509.06461), n-step
returns, and a vector of values for each position, weighed by priorities as the critics of Soft
Actor-Critic are. It acts by the network that learns the values, so that cannot see the future.
"""

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.allocator import Positions
from models.sac import Array, Batch, Learner, adam, array_of, follow, number_of
from models.sac_options import Options, Sizes

EXPLORED = (0.5, 0.05)
"""Chance of a random position at the start and at the end."""


class Dqn(Learner):
    """Networks, an optimizer and one `update` at a time; the interface of `Learner`."""

    actor: Positions  # type: ignore[assignment]
    used: Positions  # type: ignore[assignment]
    targets: Positions  # type: ignore[assignment]

    def __init__(
        self, options: Options, sizes: Sizes, seed: int, shift: Array, scale: Array,
        device: str = "cpu",
    ) -> None:  # fmt: skip
        super().__init__(options, sizes, seed, shift, scale, device)
        self.critics = nn.Identity()  # type: ignore[assignment]
        network = Positions(sizes.tokens + sizes.scores, options, sizes.scores)
        self.actor = network.to(self.device)
        self.used, self.targets = copy.deepcopy(self.actor), copy.deepcopy(self.actor)
        self.actor_optimizer = adam(self.actor.parameters(), options.rate)
        self._explored = EXPLORED[0]

    def act(
        self, rows: Array, weights: npt.NDArray[Any], noise: npt.NDArray[Any] | None
    ) -> npt.NDArray[np.float64]:
        """(P,) the best positions; with noise, random ones where it is in its lowest quantile."""
        network = self.used if noise is None else self.actor
        with torch.inference_mode():
            values = network(self.seen(rows, weights))
            chosen = array_of(self._best(values, self.tensor(weights)))
        if noise is not None:
            chance = torch.special.ndtr(torch.from_numpy(np.asarray(noise, np.float64)))
            low = chance.numpy() / self._explored
            random = np.floor(np.clip(low, 0.0, 1.0 - 1e-9) * self.actor.count).astype(np.int64)
            chosen = np.where(low < 1.0, random, chosen)
        made: npt.NDArray[np.float64] = self.actor.places()[chosen]
        return made

    def pace(self, done: float) -> None:
        """Sets the learning rate and how much is explored for the share of the training done."""
        super().pace(done)
        first, last = EXPLORED
        self._explored = first + (last - first) * min(2.0 * done, 1.0)

    def update(self, batch: Batch, noise: Array) -> dict[str, float]:  # noqa: ARG002 - none needed
        """One step; the numbers to log."""
        options, tensors = self.options, batch.tensors(self.device)
        weights, each = tensors.weights, torch.arange(len(batch.action), device=self.device)
        with torch.no_grad():
            next_seen = self.seen(batch.next_rows, batch.weights)
            best = self._best(self.actor(next_seen), weights)
            value = self.targets(next_seen)[each, best]
            wanted = tensors.reward + options.gamma**options.steps * value
        values = self.actor(self.seen(batch.rows, batch.weights))
        gap = values[each, self._place(tensors.action)] - wanted
        loss = tensors.error(gap) * 2.0
        self.actor_optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.actor.parameters(), options.clip_critics)
        self.actor_optimizer.step()
        self.updates += 1
        follow(self.targets, self.actor, options.tau)
        follow(self.used, self.actor, 1.0 - options.ema)
        self.surprise = np.asarray(array_of((gap * weights).sum(1).abs()), np.float64)
        return {"critic_loss": number_of(loss), "explored": self._explored}

    def judged(self, batch: Batch, action: Array) -> Array:
        """(B, K) values of the nearest positions."""
        with torch.inference_mode():
            values = self.used(self.seen(batch.rows, batch.weights))
            place = self._place(self.tensor(action))
            return array_of(values[torch.arange(len(action), device=self.device), place])

    def _place(self, action: Tensor) -> Tensor:
        return ((action + 1.0) * 0.5 * (self.actor.count - 1)).round().long()

    @staticmethod
    def _best(values: Tensor, weights: Tensor) -> Tensor:
        """(B,) places with the highest weighed value. values (B, A, K)."""
        return torch.einsum("bak,bk->ba", values, weights).argmax(1)
