"""Counts what became of the requests of each tenant, by tick of arrival, after the replay."""

import numpy as np

from engine.records import TenantTicks
from engine.sim import kernel
from engine.sim.kernel import State
from engine.sim.outcomes import pools_of
from engine.units import AnyArray, FloatArray

__all__ = ["tenant_ticks"]


def tenant_ticks(
    state: State, names: tuple[str, ...], edges_s: FloatArray, slo_s: float
) -> TenantTicks | None:
    """What tenants asked for and got; None where there are none.

    Args:
        state: at the end of the replay.
        names: of the tenants.
        edges_s: (T + 1,) of the ticks, seconds into the window.
        slo_s: latency that was promised.
    """
    if not names:
        return None
    there = np.flatnonzero(~np.isnan(state.outcomes["arrived_s"]))
    outcomes = state.outcomes[there]
    shape = (len(edges_s) - 1, len(names))
    tick = np.searchsorted(edges_s[1:-1], outcomes["arrived_s"], side="right")
    place = tick * shape[1] + state.traits["tenant"][there]
    finished = outcomes["status"] == kernel.FINISHED
    delay_s = state.pools["delay_s"][pools_of(state)[there]]
    latency_s = np.where(finished, outcomes["end_s"] - outcomes["arrived_s"] + delay_s, 0.0)
    work_s = state.requests["work_s"][there]

    def summed(weights: AnyArray) -> FloatArray:
        sums = np.bincount(place, weights=weights, minlength=shape[0] * shape[1])
        return np.asarray(sums.reshape(shape), np.float64)

    def counted(which: AnyArray) -> AnyArray:
        return np.bincount(place[which], minlength=shape[0] * shape[1]).reshape(shape)

    return TenantTicks(
        names=names,
        arrived=counted(np.ones(len(there), np.bool_)),
        finished=counted(finished),
        slo_met=counted(finished & (latency_s <= slo_s)),
        asked_slot_s=summed(work_s),
        served_slot_s=summed(np.where(finished, work_s, 0.0)),
        latency_s=summed(latency_s),
    )
