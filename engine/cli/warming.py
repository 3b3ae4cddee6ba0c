"""Compiles the kernels ahead of time, and clears away compiled ones that fit no longer."""

import pickle
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numba
import numpy as np

import engine
from engine.errors import CheckpointError
from engine.forecast.histories import Histories
from engine.forecast.neural import NeuralForecaster
from engine.learn.cells import episode
from engine.learn.checkpoint import SHIPPED
from engine.learn.ground import LAG, Ground
from engine.learn.policy import SmartScale
from engine.lookahead.checkpoint import shipped
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.base import Action, Observation, PolicyContext, Reason
from engine.policies.registry import parse_spec
from engine.replay import ReplaySpec, replay, set_up
from engine.scenario import (
    AgentType,
    Fault,
    FaultKind,
    NodeGroup,
    NodeType,
    Partitions,
    Pool,
    Purchase,
    QueueKind,
    Router,
    RouterKind,
    Scenario,
    Tenant,
)
from engine.sim import kernel
from engine.sim.choices import explain_choice
from engine.sim.service import new_state, prepare
from engine.trace.schema import RequestTable, request_table

_UNREADABLE = (
    pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError,
    ValueError,
)  # fmt: skip
_WORKERS = 20
_WINDOW_S = 60.0
_STEPS = 100
_FAULTS = (
    FaultKind.NODE_LOSS, FaultKind.SPOT_REVOCATION, FaultKind.WORKER_CRASH, FaultKind.SLOW_WORKER,
    FaultKind.START_FAILURE, FaultKind.TOOL_OUTAGE, FaultKind.ZONE_PARTITION,
)  # fmt: skip


def remove_stale_kernels(folder: Path | None = None) -> list[Path]:
    """Deletes compiled kernels that cannot be read, or are older than a source file beside them.

    numba stumbles over an index that it cannot unpickle, and does not notice changes of functions
    that a kernel takes from another file.

    Args:
        folder: searched at any depth; None: the engine's.

    Returns:
        The deleted files.
    """
    top = folder or Path(engine.__file__).resolve().parent
    removed = []
    for index in top.rglob("__pycache__/*.nbi"):
        files = [index, *index.parent.glob(f"{index.stem}.*.nbc")]
        if _is_outdated(index) or not _are_readable(files):
            for file in files:
                file.unlink(missing_ok=True)
            removed += files
    return removed


def _is_outdated(index: Path) -> bool:
    sources = index.parent.parent.glob("*.py")
    return any(source.stat().st_mtime > index.stat().st_mtime for source in sources)


def _are_readable(files: Sequence[Path]) -> bool:
    index, *compiled = files
    try:
        with index.open("rb") as file:
            if pickle.load(file) == numba.__version__:  # noqa: S301 - as numba reads its own files
                pickle.load(file)  # noqa: S301
                for path in compiled:
                    pickle.loads(path.read_bytes())  # noqa: S301
    except _UNREADABLE:
        return False
    return True


class _Breathing:
    """Everything there is, then almost nothing, again and again."""

    def __init__(self, context: PolicyContext) -> None:
        self.interval_s = context.tick_s
        self._sizes = cycle((float(_WORKERS), 1.0))
        self._pools = len(context.pools)

    def propose(self, observation: Observation) -> Action:  # noqa: ARG002 - part of the protocol
        return Action(
            target=np.full(self._pools, next(self._sizes)), reason=(Reason.FIXED,) * self._pools
        )


def compile_kernels() -> float:
    """Replays a few requests with every feature of the simulator, and forecasts once.

    Returns:
        The seconds it took.
    """
    started = time.perf_counter()
    _forecast()
    for table in (_requests(), _sessions()):
        scenario = _scenario()
        spec = ReplaySpec(
            workload=prepare(table, scenario),
            scenario=scenario,
            policy=_Breathing,
            name="warm",
            window_s=_WINDOW_S,
        )
        replay([spec])
        state = new_state(spec.workload, scenario, _WINDOW_S)
        explain_choice(state, 0, 0.0)
        kernel.resize(state, 0, 0, 0.0)
    _allocate()
    return time.perf_counter() - started


def _allocate() -> None:
    """The learned allocator decides in a replay and in its own loop, explains, and trains."""
    scenario = Scenario(tick_s=5.0)
    window = ReplaySpec(
        workload=prepare(_requests(), scenario), scenario=scenario, policy=_Breathing,
        name="warm", window_s=_WINDOW_S,
    )  # fmt: skip
    for folder in (SHIPPED, SHIPPED.with_name(f"{SHIPPED.name}-transformer")):
        spec = policy_spec(window, parse_spec(f"smartscale:checkpoint={folder}"))
        replay([spec])
        (run,) = set_up([spec])
        run_out(run)
        assert isinstance(run.policy, SmartScale)
        run.policy.insight()
    ground = Ground(episode(0, 0, 1), shipped())
    for _ in range(LAG):
        ground.step(np.zeros(1))
    ground.rewards(0)


def _forecast() -> None:
    """Of histories that lie together in memory, and of parts of longer ones."""
    try:
        forecaster = NeuralForecaster.load()
    except CheckpointError:
        return  # without torch there is nothing to compile
    for steps in (_STEPS, 10 * _STEPS):
        demand = np.ones((2, steps))
        forecaster.predict_quantiles(
            Histories(demand=demand, step_s=3600.0, end_s=0.0), (3600.0,), (0.5,)
        )


def _scenario() -> Scenario:
    kind = AgentType(
        slots=2, queue_limit=4, queue_timeout_s=5.0, exec_timeout_s=45.0, drain_grace_s=30.0
    )
    return Scenario(
        tick_s=5.0,
        agent_types=(kind,),
        pools=(
            _pool("own", QueueKind.WORKER),
            _pool("shared", QueueKind.POOL),
            _pool("placed", QueueKind.WORKER, "nodes"),
        ),
        node_types=(_node_type(),),
        node_groups=(NodeGroup(name="nodes", node_type="node", purchase=Purchase.SPOT),),
        faults=tuple(Fault(kind=kind, at_s=10.0, for_s=5.0) for kind in _FAULTS),
        tenants=(Tenant(name="a", share=1.0), Tenant(name="b", share=2.0)),
        partitions=Partitions(every_s=5.0, hysteresis_frac=0.0),
        router=Router(kind=RouterKind.HIERARCHICAL),
        keep_requests=True,
    )


def _node_type() -> NodeType:
    return NodeType(name="node", cpu_cores=208.0, memory_gib=1872.0, gpus=8, usd_per_hour_spot=1.0)


def _pool(name: str, queue: QueueKind, node_group: str | None = None) -> Pool:
    return Pool(
        name=name,
        agent_type="chat",
        workers_max=_WORKERS,
        workers_initial=_WORKERS,
        queue=queue,
        node_group=node_group,
    )


def _requests() -> RequestTable:
    """Enough long requests to keep every worker busy while it drains."""
    number = 400
    return request_table(
        np.linspace(0.0, _WINDOW_S, number, endpoint=False), service_s=np.full(number, 40.0)
    )


def _sessions() -> RequestTable:
    """Chains of two requests each."""
    number = 200
    seq = np.arange(number)
    return request_table(
        seq * 0.1,
        service_s=np.full(number, 1.0),
        session=seq // 2,
        after=np.where(seq % 2 == 1, seq - 1, -1),
        think_s=np.where(seq % 2 == 1, 0.5, 0.0),
    )
