"""Steps the cells of an episode and says what they saw, did and earned."""

import numpy as np

from engine.learn import dial, tokens
from engine.learn.cells import BIN_S, EPISODE_S, TICKS, Episode, settle
from engine.learn.forms import DIAL, Sight, wanted
from engine.learn.rewards import SCORES, score
from engine.learn.upsets import strike
from engine.lookahead.features import Network, close_bin, note
from engine.sim import kernel
from engine.sim.state import make_state, make_views, with_room
from engine.units import AnyArray, FloatArray, IntArray

LAG = 4
"""Ticks until a tick's rewards are known: what waits longer than 60 s counts the same."""


class Ground:
    """P cells from the beginning of an episode on."""

    def __init__(self, episode: Episode, network: Network, form: str = DIAL) -> None:
        self.episode, self._network, self._form = episode, network, form
        pools = len(episode.pools)
        self.tick = 0
        self._state = make_state(
            episode.requests, episode.pools, horizon_s=EPISODE_S, seed=episode.seed
        )
        self._views = make_views(self._state)
        self._counters = np.zeros((pools, kernel.COUNTERS), np.int64)
        self._integrals = np.zeros((TICKS, pools, kernel.INTEGRALS))
        self._seen = np.zeros((pools, len(tokens.SEEN)))
        self._seen[:, 1] = [pool.workers_initial for pool in episode.pools]
        self._seen[:, 8] = np.nan
        self._most = np.array([pool.workers_max for pool in episode.pools])
        self._target = self._seen[:, 1].astype(np.int64)
        self._before = np.zeros((pools, 3))
        self.rows = np.zeros((pools, tokens.WIDTH))
        self.level, self.service_s = np.zeros(pools), np.zeros(pools)
        self.ahead = np.zeros((pools, 4))
        edges = np.arange(TICKS + 1) * BIN_S
        self._edges = np.searchsorted(episode.requests.requests["arrival_s"], edges)
        slots = episode.facts[:, 0]
        inside = episode.counts[:, 3600 : 3600 + EPISODE_S]
        self._mean_requests = np.maximum(inside.sum(1) / TICKS, 1e-3)
        self._mean_slots = np.maximum(self._mean_requests / BIN_S * episode.service_s, 0.3 * slots)
        self._slots = slots
        self._look()

    def _look(self) -> None:
        """Grid and price are those of the last tick, as a policy observes them."""
        self._seen[:, 9] = self._target
        at = max(self.tick - 1, 0)
        self._seen[:, 10] = self.episode.facts[:, 3] * self.episode.carbon[:, at]
        self._seen[:, tokens.PRICE] = self._slots * self.episode.upsets.price[:, at]
        tokens.observe(
            self.episode.memory, self._network, BIN_S, self.episode.facts, self._seen,
            self.episode.cluster, self._before, self.rows, self.level, self.service_s, self.ahead,
        )  # fmt: skip

    def wanted(self, action: FloatArray) -> FloatArray:
        """(P,) workers that positions of the dial ask for, fractions included."""
        sight = Sight(
            self.level, self.service_s, self.ahead, self._slots, self._seen[:, 3], self._target
        )
        return wanted(self._form, action, sight)

    def executed(self, target: IntArray) -> FloatArray:
        """(P,) positions of the dial in the middle of those that want so many workers (P,)."""
        made = np.empty(len(target))
        dial.positions(
            target - 0.5, self.level, self.service_s, self.ahead, self._slots, self._seen[:, 3],
            made,
        )  # fmt: skip
        return made

    def step(self, action: FloatArray) -> FloatArray:
        """One tick with (P,) actions; returns what was `executed`: whole workers, in limits."""
        workers = np.ceil(self.wanted(action) - 1e-9)
        target = np.clip(workers, 1, self._most).astype(np.int64)
        now = self.tick * BIN_S
        executed = self.executed(target)
        self._scale(target, now)
        self._before[:, 2] = action
        kernel.run_tick(
            self._state, now, now + BIN_S, self._views, self._counters,
            self._integrals[self.tick],
        )  # fmt: skip
        self._note()
        self.tick += 1
        self._look()
        return executed

    def _scale(self, target: np.ndarray, now: float) -> None:
        counts = self._state.counters
        strike(self._state, self.episode.upsets, self.tick, counts[:, kernel.C_READY].copy(), now)
        change = target - counts[:, kernel.C_STARTING] - counts[:, kernel.C_READY]
        grown = np.maximum(change, 0)
        held = len(self._state.workers)
        self._state = with_room(self._state, grown)
        if len(self._state.workers) != held:
            self._views = make_views(self._state)
        for pool in np.flatnonzero(change).tolist():
            if change[pool] > 0:
                kernel.scale_out(self._state, pool, int(change[pool]), now)
            else:
                kernel.scale_in(self._state, pool, int(-change[pool]), now)
        self._target = target

    def _note(self) -> None:
        counts, sums, seen = self._counters, self._integrals[self.tick], self._seen
        note(
            self.episode.memory, counts[:, kernel.C_ARRIVED], counts[:, kernel.C_FINISHED],
            sums[:, kernel.F_BUSY_SLOT_S], BIN_S,
        )  # fmt: skip
        close_bin(self.episode.memory)
        for column, counter in enumerate(
            (kernel.C_STARTING, kernel.C_READY, kernel.C_DRAINING, kernel.C_QUEUED,
             kernel.C_IN_SERVICE)
        ):  # fmt: skip
            seen[:, column] = counts[:, counter]
        seen[:, 5] = sums[:, kernel.F_BUSY_SLOT_S] / BIN_S
        seen[:, 6] = counts[:, kernel.C_ARRIVED]
        seen[:, 7] = counts[:, [kernel.C_QUEUE_TIMEOUT, kernel.C_REJECTED, kernel.C_LOST]].sum(1)
        seen[:, 8] = sums[:, kernel.F_P95_S]

    def rewards(self, tick: int) -> FloatArray:
        """(P, 5) scores of a tick, `LAG` ticks later at the earliest."""
        sums = np.empty((len(self._target), 4))
        first, last = int(self._edges[tick]), int(self._edges[tick + 1])
        settle(
            self._state.requests, self._state.outcomes, first, last, self.tick * BIN_S,
            self.episode.service_s, sums,
        )  # fmt: skip
        made = np.empty((len(sums), len(SCORES)))
        busy = self._integrals[tick, :, kernel.F_BUSY_SLOT_S] / BIN_S
        billed = self._integrals[tick, :, kernel.F_SLOT_S] / BIN_S
        for p, (arrived, waited, missed, failed) in enumerate(sums):
            score(
                arrived, waited, missed, failed, busy[p], billed[p], self._mean_slots[p],
                self._mean_requests[p], self.episode.dirt[p, tick],
                self.episode.upsets.price[p, tick], made[p],
            )  # fmt: skip
        return made

    @property
    def outcomes(self) -> AnyArray:
        """What became of the episode's requests until now."""
        return self._state.outcomes

    def slot_s(self, tick: int) -> FloatArray:
        """(P, 2) busy and billed slot-seconds of a tick."""
        return np.asarray(self._integrals[tick][:, [kernel.F_BUSY_SLOT_S, kernel.F_SLOT_S]])

    def paid(self, ticks: int) -> FloatArray:
        """(P,) billed slot-seconds of the first `ticks`, each at its tick's price over usual."""
        billed = self._integrals[:ticks, :, kernel.F_SLOT_S].T
        return np.asarray((billed * self.episode.upsets.price[:, :ticks]).sum(1))

    def totals(self, ticks: int) -> FloatArray:
        """(P, 4) arrived, missed, billed slot-seconds and work of the first `ticks`."""
        made = np.zeros((len(self._target), 4))
        sums = np.empty((len(self._target), 4))
        settle(
            self._state.requests, self._state.outcomes, 0, int(self._edges[ticks]),
            self.tick * BIN_S, self.episode.service_s, sums,
        )  # fmt: skip
        made[:, 0], made[:, 1] = sums[:, 0], sums[:, 2]
        made[:, 2] = self._integrals[:ticks, :, kernel.F_SLOT_S].sum(0)
        made[:, 3] = sums[:, 0] * self.episode.service_s
        return made
