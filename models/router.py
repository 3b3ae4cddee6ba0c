"""The routing head's learning: critics of what weights come to, and the head that ascends them."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

STEPS, BATCH, RATE, WIDTH = 2000, 256, 2e-3, 64
HIDDEN = 32
"""Units in each hidden layer of the head."""
CRITICS = 2
FAR = 1.0
"""Errors beyond so many standard deviations count linearly."""
SHRINK = 1e-3
"""Of the squared logarithms of weights: where nothing is gained, pools stay equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """N clusters played under weights, beside the same with equal weights. P pools at most."""

    features: Tensor
    """(N, P, K) divided by what they are divided by for the head."""
    there: Tensor
    """(N, P) 1 for pools that there are, else 0."""
    state: Tensor
    """(N, S) standardised."""
    priorities: Tensor
    """(N, G)"""
    logits: Tensor
    """(N, P) logarithms of the weights executed."""
    gains: Tensor
    """(N, G) scores less those under equal weights."""

    def take(self, rows: Tensor) -> "Played":
        """Those with these indices."""
        return Played(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})


class HeadNet(nn.Module):
    """Slopes from state and priorities, as `engine.learn.routing.slopes` computes them."""

    def __init__(self, state: int, scores: int, features: int, most: float) -> None:
        super().__init__()
        self.most = most
        self.first = nn.Linear(state + scores, HIDDEN)
        self.second = nn.Linear(HIDDEN, HIDDEN)
        self.last = nn.Linear(HIDDEN, features)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)

    def forward(self, played: Played) -> Tensor:
        """(N, P) logarithms of weights, bounded and not yet quantised."""
        seen = torch.cat([played.state, played.priorities], 1)
        hidden = torch.tanh(self.second(torch.tanh(self.first(seen))))
        slopes = self.most * torch.tanh(self.last(hidden))
        logits = (played.features * slopes[:, None]).sum(2)
        return logits.clamp(-self.most, self.most) * played.there


class Critic(nn.Module):
    """(N, G) what weights gain in each score; 0 for equal ones, whatever the cluster."""

    def __init__(self, state: int, scores: int, features: int) -> None:
        super().__init__()
        known = state + scores
        self.each = nn.Sequential(
            nn.Linear(features + 2 + known, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU()
        )
        self.all = nn.Sequential(
            nn.Linear(2 * WIDTH + features + known, WIDTH), nn.SiLU(), nn.Linear(WIDTH, scores)
        )

    def forward(self, played: Played, logits: Tensor) -> Tensor:
        """For (N, P) logarithms of weights."""
        return self._value(played, logits) - self._value(played, torch.zeros_like(logits))

    def _value(self, played: Played, logits: Tensor) -> Tensor:
        there = played.there
        share = torch.softmax(logits.masked_fill(there == 0.0, -torch.inf), 1)
        known = torch.cat([played.state, played.priorities], 1)
        every = known[:, None].expand(-1, logits.shape[1], -1)
        seen = torch.cat([played.features, logits[..., None], share[..., None], every], 2)
        made = self.each(seen) * there[..., None]
        mean = made.sum(1) / there.sum(1, keepdim=True)
        shared = (made * share[..., None]).sum(1)
        drawn = (played.features * share[..., None]).sum(1)
        value: Tensor = self.all(torch.cat([mean, shared, drawn, known], 1))
        return value


class RouterLearner:
    """One head and its critics; the same seed and data give the same numbers."""

    def __init__(self, state: int, scores: int, features: int, most: float, seed: int) -> None:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.head = HeadNet(state, scores, features, most)
        self.critics = [Critic(state, scores, features) for _ in range(CRITICS)]
        self._rng = torch.Generator().manual_seed(seed)

    def fit(self, played: Played, steps: int = STEPS) -> tuple[float, float]:
        """Learns what weights gain from all that was played, then lets the head ascend it.

        Returns:
            The critics' mean loss over the last tenth of the steps, and what they say the head
            gains by the priorities.
        """
        unit = played.gains.std(0) + 1e-6
        losses = []
        for critic in self.critics:
            optimizer = torch.optim.Adam(critic.parameters(), lr=RATE)
            paced = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            for _ in range(steps):
                batch = played.take(self._rows(len(played.gains)))
                loss = nn.functional.huber_loss(
                    critic(batch, batch.logits), batch.gains / unit, delta=FAR
                )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                paced.step()
                losses.append(float(loss.detach()))
        gained = self._ascend(played, unit, steps)
        return float(np.mean(losses[-max(1, steps // 10) :])), gained

    def _ascend(self, played: Played, unit: Tensor, steps: int) -> float:
        optimizer = torch.optim.Adam(self.head.parameters(), lr=RATE)
        paced = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            batch = played.take(self._rows(len(played.gains)))
            gain, logits = self._gain(batch, unit)
            loss = -gain.mean() + SHRINK * (logits**2).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            paced.step()
        with torch.no_grad():
            return float(self._gain(played, unit)[0].mean())

    def _gain(self, batch: Played, unit: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) what the more careful critic says by the priorities, and the head's (N, P)."""
        logits = self.head(batch)
        weighed = batch.priorities * unit
        said = torch.stack([(critic(batch, logits) * weighed).sum(1) for critic in self.critics])
        return said.min(0).values, logits

    def _rows(self, number: int) -> Tensor:
        return torch.randint(number, (BATCH,), generator=self._rng)
