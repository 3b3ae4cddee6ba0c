"""The floor under every pool: capacity for an upper quantile of the demand that is forecast."""

from collections.abc import Mapping

import numpy as np

from engine.lookahead import Lookahead
from engine.policies.base import Observation, PoolFacts
from engine.scenario import Guard
from engine.units import FloatArray


class Floor:
    """Watches demand as a policy would: it sees no more than the observations."""

    def __init__(self, guard: Guard, pools: tuple[PoolFacts, ...], tick_s: float) -> None:
        assert guard.slo_quantile is not None
        self._quantile, self._busy = guard.slo_quantile, guard.slo_busy_frac
        self._lookahead = Lookahead(len(pools), tick_s)
        self._slots: FloatArray = np.array([float(pool.slots) for pool in pools])
        self._by_size = [{size.name: size.slots for size in pool.sizes} for pool in pools]
        self._horizon_s = np.array([pool.startup_mean_s for pool in pools]) + tick_s
        self._busy_slots = np.full(len(pools), np.nan)

    def see(self, observation: Observation) -> None:
        """Takes the last tick in."""
        if observation.t_s <= 0.0:
            return
        for pool, (name, slots) in enumerate(zip(observation.size, self._by_size, strict=False)):
            self._slots[pool] = slots.get(name, self._slots[pool])
        busy = np.nan_to_num(observation.busy_slots) * observation.tick_s
        self._lookahead.note(observation.arrived, observation.finished, busy, observation.tick_s)
        self._lookahead.close()

    def workers(self, slots: Mapping[int, float] | None = None) -> FloatArray:
        """(P,) the floor; 0 while the demand is not known.

        ⌈slots that the quantile of the rate keeps busy / (slots · busy share)⌉

        Args:
            slots: by pool, of a worker, where it gets another size now.
        """
        busy = self._lookahead.outlook(self._horizon_s).busy_slots(self._quantile)
        self._busy_slots = busy
        each = self._slots
        if slots:
            each = each.copy()
            each[list(slots)] = list(slots.values())
        floor: FloatArray = np.ceil(np.nan_to_num(busy / (each * self._busy)) - 1e-9)
        return floor

    def numbers(self) -> dict[str, FloatArray | float]:
        """What the last floor went by, for the record."""
        return {
            "quantile": self._quantile, "demand_slots": self._busy_slots,
            "slots": self._slots, "busy_frac": self._busy,
        }  # fmt: skip
