"""What a cluster of the simulator is made of, as numbers."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.sim import kernel
from engine.units import FloatArray

STARTUP_DRAWS = 1024
"""Start-up times drawn per pool; the k-th order takes the k-th, whatever the policy."""


class Size(NamedTuple):
    """One of the sizes that a pool's workers come in."""

    slots: int
    speed: float = 1.0
    """Divides service times."""
    room_kib: int = 0
    """Memory for requests in service; means nothing where the pool has no memory limit."""
    cpu_share: float | None = None
    """Of its cores that one request in service uses; None: all of them when all slots are busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantParameters:
    """On whose behalf requests run, as numbers."""

    rank: int = 0
    aging_s: float = np.inf
    share: float = 1.0
    """Of each pool's slots that it may use."""
    floor: float = 0.0
    """Of each pool's slots that the others may not use."""
    barred: tuple[int, ...] = ()
    """Pools in which its requests may not run."""
    liked: tuple[int, ...] = ()
    """Pools whose agent type is for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterParameters:
    """What routers go by, as numbers. The kernel's router itself belongs to a pool."""

    ewma_s: float = 60.0
    adapt_s: float = 1.0
    factors: tuple[float, ...] = (1.0,) * 7
    """Weights of the seven factors; only their ratios matter."""
    nodes: int = 0
    """Nodes that workers can be on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolParameters:
    """One pool, as numbers. inf means never; `queue_limit` None means unlimited."""

    slots: int
    """Of its first size, which has speed 1."""
    room_kib: int = 0
    """And memory of that size for requests in service."""
    workers_max: int
    workers_initial: int
    startup_draws_s: FloatArray
    """(STARTUP_DRAWS,) seconds."""
    contention: float = 0.0
    queue_timeout_s: float = np.inf
    exec_timeout_s: float = np.inf
    drain_grace_s: float = np.inf
    queue_limit: int | None = None
    shared_queue: bool = False
    router: int = kernel.LEAST_CONNECTIONS
    """One of the kernel's routers."""
    other_sizes: tuple[Size, ...] = ()
    size: int = 0
    """Of the workers at the start and of those ordered; 0: the first, 1: the first other one."""
    over_memory: int = kernel.NO_LIMIT
    zone: int = 0
    region: int = 0
    kind: int = 0
    """Agent type."""
    delay_s: float = 0.0
    """Round trip between callers and region."""
    appeal: float = 0.0
    """Of its region to the hierarchical router, beside free slots."""
    cpu_share: float | None = None
    """As that of a size."""
    resize_in_place: bool = False
    resize_s: float = 0.0

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The first size and the others."""
        own = Size(self.slots, room_kib=self.room_kib, cpu_share=self.cpu_share)
        return (own, *self.other_sizes)
