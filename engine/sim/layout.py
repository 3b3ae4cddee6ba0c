"""Where the simulator's workers, queues and winner trees lie, all of them empty."""

import numpy as np

from engine.sim import kernel
from engine.units import AnyArray, IntArray


def empty_memories(workers: int, prefixes: int) -> AnyArray:
    """(workers, prefixes) kernel.CACHED."""
    cached = np.zeros((workers, prefixes), kernel.CACHED)
    cached["chain"], cached["used_s"] = kernel.NONE, -np.inf
    return cached


def empty_lanes(rows: int, tenants: int) -> AnyArray:
    """(rows, tenants) kernel.LANE; one lane where there are no tenants."""
    lanes = np.zeros((rows, max(1, tenants)), kernel.LANE)
    lanes["head"] = lanes["tail"] = kernel.NONE
    return lanes


def _leaves(capacity: IntArray) -> IntArray:
    return 2 ** np.ceil(np.log2(np.maximum(capacity, 2))).astype(np.int64)


def starts(lengths: IntArray) -> IntArray:
    """Where parts of these lengths start that follow each other."""
    return np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)


def lay_out(pools: AnyArray, capacity: IntArray) -> None:
    """Sets where each pool's workers and winner tree lie, for `capacity` (pools,) workers."""
    leaves = _leaves(capacity)
    pools["capacity"], pools["first_worker"] = capacity, starts(capacity)
    pools["leaves"], pools["tree_start"] = leaves, starts(2 * leaves)
    above = np.ceil(np.log2(np.maximum(pools["used"], 1))).astype(np.int64)
    pools["tree_top"] = leaves >> above


def idle_workers(capacity: IntArray) -> AnyArray:
    """(W,) kernel.WORKER that are off, `capacity` (pools,) for each pool."""
    workers = np.zeros(int(capacity.sum()), kernel.WORKER)
    workers["pool"] = np.repeat(np.arange(len(capacity)), capacity)
    for name in ("ordered_s", "ready_s", "stop_s", "resized_s", "half_open_s"):
        workers[name] = np.nan
    for name in ("node", "member", "replaces", "was"):
        workers[name] = kernel.NONE
    return workers


def empty_trees(pools: AnyArray) -> IntArray:
    """Winner trees without ready workers, for the layout in `pools`."""
    return np.full(int(2 * pools["leaves"].sum()), kernel.NOT_READY, np.int64)


def empty_berths(pools: AnyArray, clock: AnyArray) -> dict[str, AnyArray]:
    """Berths without workers, and where they lie; none where pools need none."""
    number = np.where(clock["sited"], clock["nodes"] + pools["capacity"], 0)
    leaves = _leaves(number)
    pools["first_berth"], pools["berth_tree"] = starts(number), starts(2 * leaves)
    pools["berth_leaves"] = leaves
    berths = np.zeros(max(1, int(number.sum())), kernel.BERTH)
    berths["first"] = kernel.NONE
    tree = np.full(int(2 * leaves.sum()), kernel.NOT_READY, np.int64)
    return {"berths": berths, "berth_tree": tree}
