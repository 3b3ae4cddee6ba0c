"""Which workers were ordered by which decision, and when they became ready because of it."""

import math
from collections import Counter
from dataclasses import dataclass

from engine.records import WorkerOrder


@dataclass(slots=True, kw_only=True)
class _Order:
    t_s: float
    pool: int
    number: int
    ready_s: list[float]
    """Of the workers that were not cancelled since."""


class Orders:
    """The orders of one replay, told as they happen. Times in seconds into the window."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []

    def __deepcopy__(self, memo: dict[int, object]) -> "Orders":
        """As the usual copy, in a tenth of its time: a branch of a long replay has thousands."""
        copied = Orders()
        copied._orders = [
            _Order(t_s=each.t_s, pool=each.pool, number=each.number, ready_s=[*each.ready_s])
            for each in self._orders
        ]
        return copied

    def placed(self, t_s: float, pool: int, ready_s: Counter[float]) -> None:
        """A decision ordered workers that will be ready at these times."""
        times = list(ready_s.elements())
        self._orders.append(_Order(t_s=t_s, pool=pool, number=len(times), ready_s=times))

    def cancelled(self, pool: int, ready_s: Counter[float]) -> None:
        """Workers that would have been ready at these times never will; newest orders first."""
        for time_s in ready_s.elements():
            for order in reversed(self._orders):
                if order.pool == pool and time_s in order.ready_s:
                    order.ready_s.remove(time_s)
                    break

    def results(self, window_s: float) -> tuple[WorkerOrder, ...]:
        """For the record; what is ready only after the window comes too late to count."""
        return tuple(
            WorkerOrder(
                t_s=order.t_s,
                pool=order.pool,
                number=order.number,
                first_ready_s=_within(min(order.ready_s, default=math.inf), window_s),
            )
            for order in self._orders
        )


def _within(time_s: float, window_s: float) -> float | None:
    return time_s if time_s < window_s else None
