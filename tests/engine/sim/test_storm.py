"""A retry storm outlasts what set it off, unless breakers and shedding end it."""

import dataclasses

import numpy as np
import pytest

from engine.replay import replay
from engine.scenario import (
    Backoff,
    Breaker,
    Degradation,
    DegradeKind,
    Fault,
    FaultKind,
    Retry,
    Router,
)
from engine.sim import kernel
from engine.trace.schema import request_table
from tests.engine.replays import scenario, spec

RATE, WINDOW_S, SLOW_UNTIL_S = 2.0, 1800.0, 360.0
RETRY = Retry(attempts=8, backoff_s=1.0, multiplier=1.0, jitter=Backoff.FULL_JITTER)
SHED = Degradation(kind=DegradeKind.SHED, above=0.7, below=0.6, rank=1)
BREAKER = Breaker(failure_threshold=3, open_s=10.0)


def share_finished(*, breaker=None, degradation=(), slow=True):
    """Share of the requests of the last ten minutes that finished; the fault is long over.

    Workers answer in time with up to three of their four slots busy, but with all of them busy
    each request runs into its time limit, so that a full cluster does nothing useful. For one
    minute from 300 s on they are slow.
    """
    rng = np.random.default_rng(1)
    number = int(RATE * WINDOW_S)
    table = request_table(
        np.sort(rng.uniform(0, WINDOW_S, number)), service_s=np.full(number, 3.0)
    )
    base = scenario()
    kind = dataclasses.replace(
        base.agent_types[0],
        slots=4,
        contention=1.0,
        exec_timeout_s=5.5,
        queue_timeout_s=20.0,
        queue_limit=10,
    )
    pool = dataclasses.replace(base.pools[0], workers_initial=6, workers_min=6, workers_max=6)
    fault = Fault(
        kind=FaultKind.SLOW_WORKER, at_s=300.0, for_s=SLOW_UNTIL_S - 300.0, count=6, factor=0.3
    )
    given = scenario(
        agent_types=(kind,),
        pools=(pool,),
        retry=RETRY,
        router=Router(breaker=breaker),
        degradation=degradation,
        faults=(fault,) if slow else (),
        keep_requests=True,
    )
    run = spec("static:workers=6", table, given, window_s=WINDOW_S)
    rows = replay([run])[0].requests
    late = rows["arrival_s"] >= WINDOW_S - 600.0
    return float((rows["status"][late] == kernel.FINISHED).mean())


def test_without_the_fault_nearly_everything_finishes():
    assert share_finished(slow=False) > 0.98


def test_the_storm_goes_on_twenty_minutes_after_the_fault():
    assert share_finished() < 0.3


@pytest.mark.parametrize(
    "protection", [{"degradation": (SHED,)}, {"degradation": (SHED,), "breaker": BREAKER}]
)
def test_with_protection_it_is_over_soon(protection):
    assert share_finished(**protection) > 0.95
