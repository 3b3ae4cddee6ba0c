"""Soft Actor-Critic with vector critics that see the future, and an actor that does not.

Haarnoja et al. 2018 (arXiv:1812.05905) with these differences: rewards and values are vectors,
weighed by priorities that are drawn anew for every transition of every batch; of two critics the
whole vector of the one with the smaller weighed value is taken; the entropy bonus is in the loss
of the actor only, so that values stay sums of scores; critics get the next rates (input-driven
critics, Mao et al. 2019, arXiv:1807.02264); returns are n steps long; the actor that is used is a
running mean of those learned.
"""

import copy
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.allocator import Critics, Values, actor_of
from models.sac_options import Options, Sizes, told

BOUND = 6.0
"""Of every standardised number."""
Array = npt.NDArray[np.float32]


class Tensors(NamedTuple):
    """A batch as torch reads it; the fields are those of `Batch`."""

    rows: Tensor
    future: Tensor
    action: Tensor
    reward: Tensor
    next_rows: Tensor
    next_future: Tensor
    weights: Tensor
    importance: Tensor | None

    def error(self, gaps: Tensor) -> Tensor:
        """Mean square of gaps (..., B, K), by how much each transition counts."""
        if self.importance is None:
            return (gaps**2).mean()
        return (gaps**2 * self.importance[:, None]).mean()


class Batch(NamedTuple):
    """B transitions of n steps."""

    rows: Array
    """(B, F) tokens, standardised."""
    future: Array
    """(B, U) what critics see of what came after."""
    action: Array
    """(B,)"""
    reward: Array
    """(B, K) discounted sums of n steps."""
    next_rows: Array
    next_future: Array
    weights: Array
    """(B, K) priorities, drawn anew."""
    importance: Array | None = None
    """(B,) how much each counts; None: all alike."""

    def tensors(self, device: torch.device) -> Tensors:
        """As torch reads it on that device."""
        counts = None if self.importance is None else torch.from_numpy(self.importance).to(device)
        parts = (torch.from_numpy(part).to(device) for part in self[:-1])
        return Tensors._make([*parts, counts])


class Learner:
    """Networks, optimizers and one `update` at a time."""

    def __init__(
        self, options: Options, sizes: Sizes, seed: int, shift: Array, scale: Array,
        device: str = "cpu",
    ) -> None:  # fmt: skip
        """New networks.

        Args:
            options: how to learn.
            sizes: of tokens, scores and what critics see of the future.
            seed: of the first weights.
            shift: (F,) taken from tokens, which are then divided by `scale`.
            scale: (F,)
            device: where the networks are; arrays go there and come back. The first weights are
                the same on each.
        """
        torch.manual_seed(seed)
        self.device = torch.device(device)
        self.options, self.sizes = options, sizes
        self.shift, self.scale = shift.astype(np.float32), scale.astype(np.float32)
        sees = sizes.tokens + sizes.scores
        self.actor = actor_of(options, sizes).to(self.device)
        self.used = copy.deepcopy(self.actor)
        told_of = sizes.scores if options.vector else 1
        self.critics = Critics(sees + sizes.futures + 2, options.width, told_of).to(self.device)
        self.targets = copy.deepcopy(self.critics)
        self.log_alpha = torch.full((1,), -2.0, device=self.device, requires_grad=True)
        self.actor_optimizer = adam(self.actor.parameters(), options.rate)
        self.critic_optimizer = adam(self.critics.parameters(), options.rate * options.critic_rate)
        self.alpha_optimizer = adam([self.log_alpha], options.rate)
        self.target_entropy = options.target_entropy
        self.updates = 0
        self.surprise = np.zeros(0)
        """(B,) how far the critics were off in the last update, by the priorities there."""
        self.values = Values(sees + 2, options.width, sizes.scores).to(self.device)
        self.reminder: Callable[[], Tensor] | None = None
        """What else the actor's loss holds; None: nothing."""

    def tensor(self, array: npt.NDArray[Any]) -> Tensor:
        """An array where the networks are, as float32."""
        return torch.from_numpy(array.astype(np.float32, copy=False)).to(self.device)

    def standard(self, rows: npt.NDArray[Any]) -> Array:
        """(P, F) tokens as the networks read them, float32."""
        made = np.clip((rows - self.shift) / self.scale, -BOUND, BOUND)
        return np.asarray(made, np.float32)

    def act(
        self, rows: Array, weights: npt.NDArray[Any], noise: npt.NDArray[Any] | None
    ) -> npt.NDArray[np.float64]:
        """(P,) actions for standardised tokens; noise None: the used actor's mean."""
        seen = self.seen(rows, weights)
        with torch.inference_mode():
            if noise is None:
                action = torch.tanh(self.used(seen)[0])
            else:
                action = self.actor.sample(seen, self.tensor(noise))[0]
        return np.asarray(array_of(action), np.float64)

    def pace(self, done: float) -> None:
        """Sets learning rates and the wanted entropy for the share of the training done."""
        first, last = self.options.target_entropy, self.options.last_entropy
        self.target_entropy = first + (last - first) * min(done, 1.0)
        factor = 0.1 + 0.45 * (1.0 + np.cos(np.pi * min(done, 1.0)))
        for optimizer, times in (
            (self.actor_optimizer, 1.0), (self.critic_optimizer, self.options.critic_rate),
            (self.alpha_optimizer, 1.0),
        ):  # fmt: skip
            for group in optimizer.param_groups:
                group["lr"] = self.options.rate * factor * times

    def update(self, batch: Batch, noise: Array) -> dict[str, float]:
        """One step of the critics, every other time one of the actor; the numbers to log.

        noise (2, B) is standard normal.
        """
        options = self.options
        tensors = batch.tensors(self.device)
        weights, draws = tensors.weights, self.tensor(noise)
        # 1. what the critics should say
        with torch.no_grad():
            next_seen = self.seen(batch.next_rows, batch.weights)
            next_action, _ = self.actor.sample(next_seen, draws[0])
            reward = tensors.reward
            if not options.vector:
                reward = (reward * weights).sum(-1, keepdim=True)
            value = self._smaller(
                self.targets(self._critic_rows(next_seen, tensors.next_future, next_action)),
                weights,
            )
            wanted = reward + options.gamma**options.steps * value
        # 2. critics
        seen = self.seen(batch.rows, batch.weights)
        said = self.critics(self._critic_rows(seen, tensors.future, tensors.action))
        loss = tensors.error(said - wanted) * 2.0
        gap = ((said.detach() - wanted) * self._grades(weights)).sum(-1)
        self.surprise = np.asarray(array_of(gap.abs().mean(0)), np.float64)
        self.critic_optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.critics.parameters(), options.clip_critics)
        self.critic_optimizer.step()
        self.updates += 1
        logged = {"critic_loss": number_of(loss)}
        # 3. actor, temperature and running mean
        if self.updates % options.actor_every == 0:
            logged |= self._improve(seen, tensors.future, weights, draws[1])
        # 4. targets follow
        follow(self.targets, self.critics, options.tau)
        return logged

    def _improve(
        self, seen: Tensor, future: Tensor, weights: Tensor, noise: Tensor
    ) -> dict[str, float]:
        action, density = self.actor.sample(seen, noise)
        value = self._smaller(self.critics(self._critic_rows(seen, future, action)), weights)
        alpha = self.log_alpha.exp().detach()
        loss = (alpha * density - (value * self._grades(weights)).sum(-1)).mean()
        if self.reminder is not None:
            loss = loss + self.reminder()
        self.actor_optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.actor.parameters(), self.options.clip_actor)
        self.actor_optimizer.step()
        entropy = -density.detach().mean()
        alpha_loss = (self.log_alpha * (entropy - self.target_entropy)).mean()
        self.alpha_optimizer.zero_grad()
        alpha_loss.backward()  # type: ignore[no-untyped-call]
        self.alpha_optimizer.step()
        follow(self.used, self.actor, 1.0 - self.options.ema)
        return {
            "actor_loss": number_of(loss), "entropy": number_of(entropy),
            "alpha": number_of(alpha),
        }  # fmt: skip

    def judged(self, batch: Batch, action: Array) -> Array:
        """(B, K) what the critics say of other actions there: the smaller one's vector."""
        seen = self.seen(batch.rows, batch.weights)
        future, weights = self.tensor(batch.future), self.tensor(batch.weights)
        with torch.inference_mode():
            rows = self._critic_rows(seen, future, self.tensor(action))
            return array_of(self._smaller(self.critics(rows), weights))

    def seen(self, rows: Array, weights: npt.NDArray[Any]) -> Tensor:
        """(B, F + K) tokens, and priorities as they are read."""
        read = told(weights, self.options.told_least)
        return self.tensor(np.concatenate([rows, read], 1, dtype=np.float32))

    def _critic_rows(self, seen: Tensor, future: Tensor, action: Tensor) -> Tensor:
        """Tokens, priorities, the future, the action and its square."""
        known = future if self.options.privileged else torch.zeros_like(future)
        return torch.cat([seen, known, action[:, None], action[:, None] ** 2], 1)

    def _grades(self, weights: Tensor) -> Tensor:
        """(B, K) what values are weighed by; (B, 1) ones where critics know the sum only."""
        return weights if self.options.vector else torch.ones_like(weights[:, :1])

    def _smaller(self, values: Tensor, weights: Tensor) -> Tensor:
        """(B, K) the vector of the critic whose weighed value is smaller. values (2, B, K)."""
        weighed = (values * self._grades(weights)).sum(-1)
        first = (weighed[0] <= weighed[1])[:, None]
        return torch.where(first, values[0], values[1])


def array_of(tensor: Tensor) -> npt.NDArray[Any]:
    """A tensor's numbers, wherever it is."""
    made: npt.NDArray[Any] = tensor.detach().cpu().numpy()
    return made


def number_of(tensor: Tensor) -> float:
    """The only number of a tensor."""
    return float(tensor.detach())


def adam(parameters: Iterable[Tensor], rate: float) -> torch.optim.Adam:
    """Its optimizer."""
    return torch.optim.Adam(parameters, rate, fused=True)


def pace(optimizer: torch.optim.Optimizer, rate: float, step: int, steps: int) -> None:
    """Lets a learning rate fall along a half cosine, from the rate at step 0 to a fiftieth."""
    for group in optimizer.param_groups:
        group["lr"] = rate * (0.02 + 0.49 * (1.0 + np.cos(np.pi * step / steps)))


def follow(slow: torch.nn.Module, fast: torch.nn.Module, share: float) -> None:
    """Moves the parameters of one network a share of the way to those of another."""
    with torch.no_grad():
        torch._foreach_lerp_(list(slow.parameters()), list(fast.parameters()), share)
