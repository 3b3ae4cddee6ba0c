"""Numbers that are too large are refused with a range, or work; none breaks the set-up."""

import copy
import dataclasses
import typing

import pytest

from engine.errors import EngineError, ScenarioError
from engine.replay import set_up
from engine.scenario import (
    Breaker,
    Cache,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    Guard,
    Hold,
    Partitions,
    PriorityClass,
    Router,
    Scenario,
    Startup,
    StartupKind,
    Tenant,
    WorkerSize,
)
from engine.scenario_file import from_dict, to_dict
from tests.engine.cluster.clusters import on_nodes
from tests.engine.replays import demand, spec

DRAWN = Startup(kind=StartupKind.LOGNORMAL, mean_s=20.0, spread_s=5.0)
BASE = on_nodes(
    {"consolidate_below_frac": 0.2, "suspend_empty_after_s": 60.0},
    {"usd_per_hour_spot": 1.0, "usd_per_hour_reserved": 2.0, "provision": DRAWN},
    agent={
        "startup": DRAWN, "queue_limit": 9, "queue_timeout_s": 60.0, "exec_timeout_s": 60.0,
        "drain_grace_s": 9.0, "memory_per_request_gib": 0.1,
        "sizes": (WorkerSize(name="large", slots=4),),
    },
    router=Router(breaker=Breaker()),
    cache=Cache(),
    partitions=Partitions(),
    priority_classes=(PriorityClass(name="first", rank=1),),
    tenants=(Tenant(name="a", priority="first"), Tenant(name="b")),
    degradation=(Degradation(kind=DegradeKind.SHED),),
    faults=(Fault(kind=FaultKind.SLOW_WORKER, at_s=9.0, for_s=5.0),),
    random_faults_per_day=1.0,
    guard=Guard(out_workers=4, holds=(Hold(pool="held", at_s=60.0, for_s=30.0, workers=2),)),
)  # fmt: skip
TABLE = demand(number=30)


def numbers(kind, plain, path=()):
    """Paths of all values that are, or may be, numbers."""
    for name, hint in typing.get_type_hints(kind).items():
        options = {hint, *typing.get_args(hint)}
        inner = next((each for each in options if dataclasses.is_dataclass(each)), None)
        value = plain[name]
        if inner is not None and isinstance(value, list):
            for n, entry in enumerate(value):
                yield from numbers(inner, entry, (*path, name, n))
        elif inner is not None and value is not None:
            yield from numbers(inner, value, (*path, name))
        elif inner is None and options & {int, float}:
            yield (*path, name), int if int in options else float


PATHS = dict(numbers(Scenario, to_dict(BASE)))


def test_there_are_numbers_in_every_part():
    assert len(PATHS) > 100
    assert len({path[0] for path in PATHS}) >= 14


@pytest.mark.parametrize("given", [1e300, 1e15, 1e9])
@pytest.mark.parametrize("part", sorted({path[0] for path in PATHS}))
def test_a_number_that_is_too_large_is_refused_or_works(part, given):
    for path, kind in PATHS.items():
        if path[0] == part:
            changed = copy.deepcopy(to_dict(BASE))
            entry = changed
            for step in path[:-1]:
                entry = entry[step]
            entry[path[-1]] = kind(given)
            try:
                chosen = from_dict(changed)
            except ScenarioError as error:
                assert error.where, path
                assert error.fix, path
            else:
                begins(chosen, path)


def begins(chosen, path):
    """Its replay can be set up and begun, or is refused in words."""
    try:
        (run,) = set_up([spec("hpa", TABLE, chosen)])
        for tick in range(2):
            run.decide(tick)
            run.advance(tick)
    except EngineError:
        return
    except Exception as error:
        raise AssertionError(f"{path} breaks it: {error!r}") from error
