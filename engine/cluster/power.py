"""From how busy a machine is to the power that it draws."""

import numpy as np

from engine.scenario import NodeType
from engine.units import SECONDS_PER_HOUR, FloatArray

WATTS_PER_KW = 1000.0


def node_watts(kind: NodeType, busy_frac: FloatArray) -> FloatArray:
    """(n,) watts of machines that are `busy_frac` (n,) busy, without the site's overhead.

    Straight lines between the measured points where there are any, else
    P(u) = idle + (full - idle) * u ** exponent.
    """
    if kind.power_points:
        shares, watts = zip(*kind.power_points, strict=True)
        return np.asarray(np.interp(busy_frac, shares, watts), np.float64)
    rise = kind.watts_full - kind.watts_idle
    watts_drawn: FloatArray = kind.watts_idle + rise * busy_frac**kind.power_exponent
    return watts_drawn


def worker_kwh(
    watts_idle: float, watts_full: float, worker_s: FloatArray, busy_worker_s: FloatArray
) -> FloatArray:
    """(n,) kWh of workers on machines of their own: P(u) = idle + (full - idle) * u.

    Args:
        watts_idle: of one worker with nothing in service.
        watts_full: of one with all slots busy.
        worker_s: (n,) seconds that workers were provisioned.
        busy_worker_s: (n,) busy slot-seconds over the slots of a worker.
    """
    return kwh(watts_idle * worker_s + (watts_full - watts_idle) * busy_worker_s)


def kwh(watt_s: FloatArray) -> FloatArray:
    """Watt-seconds as kWh."""
    return watt_s / (SECONDS_PER_HOUR * WATTS_PER_KW)
