"""All claims with their verdicts, from the store as it is; and the runs that they need."""

from collections.abc import Callable

from engine import runner
from engine.claims.arithmetic import arithmetic
from engine.claims.experiments import (
    EXPERIMENTS,
    SEEDS,
    SERVICE_S,
    Demand,
    Experiment,
    judged,
    scenario,
)
from engine.claims.model import Claim
from engine.claims.unanswered import unanswered
from engine.errors import StoreError
from engine.policies.registry import parse_spec
from engine.store import runs, traces
from engine.store.duck import Store
from engine.trace.synth import generate

Progress = Callable[[float, str], None]


OF_ALL = "SmartScale is the shipped allocator in every claim, whichever is in use"
"""So that a claim's figures are the same beside every store."""


def claims(store: Store) -> list[Claim]:
    """Every claim; those whose runs are not stored say so."""
    return [*(_tried(store, found) for found in EXPERIMENTS), *arithmetic(), *unanswered()]


def run_suite(
    store: Store,
    *,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Makes the demand and the runs that `claims` looks for; what is there is kept.

    Raises:
        ReplayCancelled: `cancel` returned true; what was finished stays.
    """
    steps = [(found, seed) for found in EXPERIMENTS for seed in SEEDS]
    for number, (found, seed) in enumerate(steps):
        if progress is not None:
            progress(number / len(steps), f"{found.demand.kind}, seed {seed}")
        _demand(store, found.demand, seed)
        runner.run(store, _wanted(store, found, seed), cancel=cancel)
    if progress is not None:
        progress(1.0, "")


def _demand(store: Store, found: Demand, seed: int) -> None:
    name = found.trace_name(seed)
    if name in set(traces.list_traces(store)["name"]):
        return
    made = generate(
        found.kind, duration_s=found.duration_s, mean_rate_per_s=found.mean_rate_per_s, seed=seed,
        service_mean_s=SERVICE_S,
    )  # fmt: skip
    traces.store_requests(
        store, made.table, name=name, format="synth", source=found.kind, recipe=made.recipe
    )


def _wanted(store: Store, found: Experiment, seed: int) -> runner.ReplayRequest:
    policies = [parse_spec(text) for text in found.policies]
    cluster = scenario(seed, found.patience_s)
    return runner.request(store, found.demand.trace_name(seed), policies, cluster)


def _tried(store: Store, found: Experiment) -> Claim:
    values: list[float] = []
    behind: list[str] = []
    for seed in SEEDS:
        try:
            ids = _wanted(store, found, seed).run_ids
            rows = [runs.find_run(store, run_id) for run_id in ids]
        except StoreError:
            continue
        if any(row.status != "done" for row in rows):
            continue
        cards = dict(zip(found.policies, (row.scorecard for row in rows), strict=True))
        value = found.read(cards)
        if value is not None:
            values.append(value)
            behind += ids
    return judged(found, values, behind)
