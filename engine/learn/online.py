"""Learning while it decides: an offset of the dial for every pool, found by cautious exploration.

The trained allocator stays as it is and is the fallback. Around its answer a pool's dial moves by
an offset that is learned from what production earned, plus a small exploration that never ends.
Both stay within RADIUS of the fallback, and nothing is tried downwards while requests wait. What
comes out is a proposal like any other: the guard has the last word.

Letters: P pools.
"""

import numpy as np

from engine.forecast.drift import DriftDetector
from engine.learn.rewards import SCORES, WAIT_MOST, sweet_spot
from engine.policies.base import Observation
from engine.trace.streams import stream
from engine.units import FloatArray, IntArray

DELTA = 0.15
"""Exploration, positions of the dial: about a twelfth of capacity."""
RADIUS = 0.75
"""Furthest from the fallback, positions of the dial: the last offset and what is tried there."""
PLACES = 11
"""Offsets that there are, DELTA apart within RADIUS, the fallback in the middle."""
NOWHERE = -1
"""Played where none of the places is: an end of the dial cut it short."""
SURE = 1.5
"""Standard errors by which a neighbour has to earn more before an offset moves there."""
KNOWN = 3.0
"""Blocks, faded ones less, from which a place is known."""
HALF_LIFE_S = 7200.0
"""Of what was earned."""
USUAL_S = 3600.0
"""Over which the usual demand of a pool is taken."""
BLOCK_LEAST = 8
"""Decisions that an exploration lasts at least."""
AFTER_DRIFT = 24
"""Blocks after a drift in which every one explores; else one in three does not."""
CALM = 0.5
"""Mean wait, in mean service times, beyond which nothing is tried downwards."""
FORGOTTEN = 0.05
"""Share of what was learned that a drift leaves."""
_STREAM = 7411


class Online:
    """Offsets of P pools, and what is known of them."""

    def __init__(
        self, weights: FloatArray, slots: FloatArray, startup_s: FloatArray, interval_s: float,
        seed: int,
    ) -> None:  # fmt: skip
        """Knows nothing yet: the first offsets are 0.

        Args:
            weights: priorities in the order of SCORES; they sum to 1.
            slots: (P,) per worker.
            startup_s: (P,) mean seconds from the order of a worker to its readiness.
            interval_s: seconds between decisions.
            seed: of the exploration.
        """
        pools = len(slots)
        self._weights, self._slots = dict(zip(SCORES, weights, strict=True)), slots
        # What an offset orders is ready after a start-up time: that long nothing is counted.
        self._skipped = int(np.ceil(float(startup_s.max()) / interval_s))
        self._block = max(BLOCK_LEAST, 2 * self._skipped)
        self._keep = 0.5 ** (self._block * interval_s / HALF_LIFE_S)
        self._usual = interval_s / USUAL_S
        self._rng = stream(seed, _STREAM)
        self.offset: FloatArray = np.zeros(pools)
        """(P,) learned so far, positions of the dial."""
        self.tried: FloatArray = np.zeros(pools)
        """(P,) exploration of this block."""
        self.drifts = np.zeros(pools, np.int64)
        """(P,) drifts noticed so far."""
        self._detectors = [DriftDetector() for _ in range(pools)]
        self._hurry = np.zeros(pools, np.int64)
        self._number, self._mean, self._squares = (np.zeros((pools, PLACES)) for _ in range(3))
        self._at = np.full(pools, PLACES // 2)
        self._side = np.zeros(pools, np.int64)
        self._earned: list[FloatArray] = []
        self._played: IntArray = np.full(pools, NOWHERE)
        """(P,) the place that the last decision really played, after turning and both ends."""
        self._steady = np.zeros(pools, np.int64)
        """(P,) decisions in a row that did."""
        self._sum, self._count = np.zeros((pools, PLACES)), np.zeros((pools, PLACES))
        """Of what was earned in this block, by the place that earned it."""
        self._mean_demand = np.full(pools, np.nan)
        self._decisions = 0

    def steered(
        self, fallback: FloatArray, observation: Observation, level: FloatArray,
        service_s: FloatArray, price: FloatArray,
    ) -> FloatArray:  # fmt: skip
        """(P,) positions of the dial: the fallback's, the offset and what is being tried.

        Args:
            fallback: (P,) positions that the trained allocator chose.
            observation: the last tick.
            level: (P,) requests/s over the last minute.
            service_s: (P,) mean seconds that a request holds a slot.
            price: (P,) of a slot, over what is usual.
        """
        waits = observation.queued / np.maximum(level * service_s, 1e-9)
        self._take(observation, level * service_s, waits, price)
        if self._decisions % self._block == 0:
            self._learn()
            still = np.where(self._hurry > 0, 0.1, 1.0 / 3.0)
            sides = self._rng.choice((-1, 1), len(still))
            self._side = np.where(self._rng.random(len(still)) < still, 0, sides)
            self.tried = np.asarray(DELTA * self._side, np.float64)
        self._decisions += 1
        trying = np.where(waits > CALM, np.abs(self.tried), self.tried)
        apart = np.clip(self.offset + trying, -RADIUS, RADIUS)
        made: FloatArray = np.clip(fallback + apart, -1.0, 1.0)
        self._remember(made - fallback)
        return made

    def _remember(self, apart: FloatArray) -> None:
        """Which places were really played; apart (P,) positions from the fallback."""
        places = apart / DELTA + PLACES // 2
        nearest = np.round(places).astype(np.int64)
        exact = (np.abs(places - nearest) < 1e-6) & (nearest >= 0) & (nearest < PLACES)
        played = np.where(exact, nearest, NOWHERE)
        self._steady = np.where(played == self._played, self._steady + 1, 1)
        self._played = played

    def numbers(self) -> dict[str, FloatArray]:
        """(P,) each, for the rationale."""
        return {
            "learned_offset": self.offset.copy(), "tried": self.tried.copy(),
            "drifts": self.drifts.astype(np.float64),
        }  # fmt: skip

    def _take(
        self, seen: Observation, demand: FloatArray, waits: FloatArray, price: FloatArray
    ) -> None:
        """Adds what the last tick earned, as `engine.learn.rewards`, from observations alone."""
        first = np.isnan(self._mean_demand)
        share = np.where(first, 1.0, self._usual)
        known = np.where(first, demand, self._mean_demand)
        self._mean_demand = known + share * (demand - known)
        usual = np.maximum(self._mean_demand, 0.3 * self._slots)
        weight = np.minimum(demand / usual, 3.0)
        billed = (seen.starting + seen.ready + seen.draining) * self._slots
        used = np.nan_to_num(seen.busy_slots) / np.maximum(billed, 1e-9)
        late = np.minimum(waits, 1.0)
        failed = seen.failed / np.maximum(seen.arrived, 1)
        size = billed / usual
        w = self._weights
        earned: FloatArray = (
            w["latency"] * (1.0 - 2.0 * np.minimum(waits, WAIT_MOST) * weight)
            + w["utilisation"] * np.array([sweet_spot(float(u)) for u in used])
            + w["cost"] * (1.5 - 0.5 * size * price)
            + w["carbon"] * (1.5 - 0.5 * size)
            + w["reliability"] * (1.0 - (8.0 * late + 2.0 * failed) * weight)
        )
        self._earned.append(earned)
        sure = np.flatnonzero((self._steady > self._skipped) & (self._played != NOWHERE))
        self._sum[sure, self._played[sure]] += earned[sure]
        self._count[sure, self._played[sure]] += 1.0

    def _learn(self) -> None:
        """At the end of a block: what was earned goes to the places that were played.

        A decision counts where its place was played for a start-up time before. A step follows
        where it is sure.
        """
        counted = self._earned[self._skipped :]
        self._earned = []
        if not counted:
            return
        earned = np.mean(counted, axis=0)
        for p in range(len(earned)):
            if self._detectors[p].learn(1.0 - float(earned[p])):
                self.drifts[p] += 1
                self._hurry[p] = AFTER_DRIFT
                self._number[p] *= FORGOTTEN
            self._fade(p)
            for place in np.flatnonzero(self._count[p]).tolist():
                self._note(p, place, min(self._count[p, place] / len(counted), 1.0))
            self._at[p] = self._stepped(p)
        self.offset = (self._at - PLACES // 2) * DELTA
        self._hurry = np.maximum(self._hurry - 1, 0)
        self._sum[:], self._count[:] = 0.0, 0.0

    def _fade(self, p: int) -> None:
        """What was learned counts less from block to block."""
        self._number[p] *= self._keep
        self._squares[p] *= self._keep

    def _note(self, p: int, place: int, blocks: float) -> None:
        """Adds to the fading mean and variance of a place, outliers bounded.

        Args:
            p: the pool.
            place: that was played.
            blocks: for this share of a block.
        """
        earned = float(self._sum[p, place] / self._count[p, place])
        spread = np.sqrt(self._variance(p))
        number, mean = self._number[p], self._mean[p]
        if number[place] >= KNOWN:
            earned = float(np.clip(earned, mean[place] - 3 * spread, mean[place] + 3 * spread))
        number[place] += blocks
        change = earned - mean[place]
        mean[place] += blocks * change / number[place]
        self._squares[p, place] += blocks * change * (earned - mean[place])

    def _variance(self, p: int) -> float:
        """Of what one place earns from block to block, all places together."""
        return float(self._squares[p].sum() / max(self._number[p].sum(), 1.0) + 1e-8)

    def _stepped(self, p: int) -> int:
        """The place after a step to a neighbour that surely earns more, if there is one."""
        at, number, mean = int(self._at[p]), self._number[p], self._mean[p]
        best, gain = at, 0.0
        for place in (at - 1, at + 1):
            if not 0 <= place < PLACES or min(number[place], number[at]) < KNOWN:
                continue
            error = np.sqrt(self._variance(p) * (1.0 / number[place] + 1.0 / number[at]))
            more = float(mean[place] - mean[at])
            if more > SURE * error and more > gain:
                best, gain = place, more
        return best
