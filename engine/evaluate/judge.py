"""Replays settings on cases, all cores at work, and keeps each result: a stop costs little."""

import gc
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context

from engine.errors import ReplayCancelled
from engine.evaluate.cases import Case, Demand, window_of
from engine.oracle.measures import measures
from engine.oracle.play import run_out
from engine.oracle.prepare import policy_spec
from engine.policies.registry import parse_spec
from engine.replay import ReplaySpec, set_up
from engine.runner import code_version, policy_version
from engine.scenario import Scenario
from engine.store import judgements
from engine.store.duck import Store

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
BLOCK_S = 3600.0
TOGETHER = 3
"""Settings that a process judges before it reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One setting on one case."""

    case: str
    kind: str
    policy: str
    arrived: int
    cost: float
    """Provisioned slot-seconds over the work that arrived, 1: perfect elasticity."""
    usd: float
    missed_frac: float
    """Waited over half a mean service time, or did not finish."""
    slo_missed_frac: float
    """Did not finish within the SLO: 1 - SLO attainment of the scorecard."""
    p99_s: float
    """Those that failed count at their time-out or later."""
    service_s: float
    """Mean service time alone on a worker."""


def judge(
    store: Store,
    cases: Sequence[Case],
    policies: Sequence[str],
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    fresh: bool = False,
    workers: int | None = None,
) -> list[Judgement]:
    """Every setting on every case; what the store holds already is not replayed again.

    Args:
        store: the open store.
        cases: days or windows.
        policies: settings as typed.
        progress: share done, and what is being done.
        cancel: asked between ticks.
        fresh: replay again what is stored.
        workers: processes; None: one a core. Most of a replay with few pools is Python between
            the ticks, so threads would wait for one another.

    Raises:
        PolicyError: a setting that cannot be read or made.
        ReplayCancelled: `cancel` returned true; what was finished is kept.
    """
    code = code_version()
    workers = workers or os.cpu_count() or 1
    made: list[Judgement] = []
    for number, case in enumerate(cases):
        keys = {policy: _key(case, policy, code) for policy in policies}
        stored = {} if fresh else judgements.find(store, list(keys.values()))
        known = {p: _read(case, stored[key]) for p, key in keys.items() if key in stored}
        missing = [policy for policy in policies if policy not in known]

        def told(done: int, n: int = number, name: str = case.name) -> None:
            if progress is not None:
                share = (n + done / max(1, len(policies))) / len(cases)
                progress(share, f"Replaying {name}")

        told(len(known))
        for found in _replayed(case, missing, told, len(known), cancel, workers):
            text, policy = json.dumps(asdict(found)), found.policy
            judgements.save(store, keys[policy], case.identity, policy, code, text)
            known[policy] = found
        made += [known[policy] for policy in policies]
    if progress is not None:
        progress(1.0, "Done")
    return made


def _replayed(
    case: Case,
    policies: Sequence[str],
    told: Callable[[int], None],
    done: int,
    cancel: Cancel | None,
    workers: int,
) -> Iterator[Judgement]:
    """Results as they come."""
    if not policies:
        return
    demand = case.demand()
    facts = (case.name, case.kind, demand, case.scenario, case.window_s)
    if workers == 1:
        window = window_of(demand, case.scenario, case.window_s)
        for number, policy in enumerate(policies, 1):
            yield _one(case.name, case.kind, window, policy, cancel)
            gc.collect()
            told(done + number)
        return
    size = max(1, min(TOGETHER, -(-len(policies) // workers)))
    parts = [tuple(policies[at : at + size]) for at in range(0, len(policies), size)]
    with ProcessPoolExecutor(workers, get_context("spawn")) as processes:
        work = {processes.submit(_several, facts, part): part for part in parts}
        while work:
            ready, _ = wait(work, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ready:
                done += len(work.pop(future))
                yield from future.result()
                told(done)
            if cancel is not None and cancel():
                processes.shutdown(wait=False, cancel_futures=True)
                raise ReplayCancelled(
                    "the evaluation was stopped", case.name,
                    "Start it again when you like: it goes on where it was",
                )  # fmt: skip


def _several(
    facts: tuple[str, str, Demand, Scenario, float],
    policies: Sequence[str],
    cancel: Cancel | None = None,
) -> list[Judgement]:
    """Judges some settings on one case; runs in a process of its own."""
    name, kind, demand, scenario, window_s = facts
    window = window_of(demand, scenario, window_s)
    made = []
    for policy in policies:
        made.append(_one(name, kind, window, policy, cancel))
        gc.collect()  # a replay's arrays hang in cycles, half a gigabyte a day
    return made


def _one(
    name: str, kind: str, window: ReplaySpec, policy: str, cancel: Cancel | None
) -> Judgement:
    spec = policy_spec(window, parse_spec(policy), cancel=cancel)
    (run,) = set_up([spec])
    run_out(run, cancel)
    found = measures(run, BLOCK_S)
    return Judgement(
        case=name, kind=kind, policy=policy, arrived=int(found.arrived.sum()),
        cost=found.cost, usd=found.usd, missed_frac=found.missed_frac,
        slo_missed_frac=found.slo_missed_frac, p99_s=found.p99_s, service_s=found.service_s,
    )  # fmt: skip


def _read(case: Case, text: str) -> Judgement:
    """A stored judgement under the name that the case has now."""
    return Judgement(**{**json.loads(text), "case": case.name, "kind": case.kind})


def _key(case: Case, policy: str, code: str) -> str:
    return hashlib.sha256(
        json.dumps([case.identity, policy, code, *policy_version(parse_spec(policy))]).encode()
    ).hexdigest()[:16]
