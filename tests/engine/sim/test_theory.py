"""Mean waits agree with queueing theory, from an idle queue to a nearly saturated one.

Each case states how many requests it takes. For the single servers at load 0.9 and 0.95 that
many make 1 % four standard errors, for the others five or more. The intervals of 99 % are held
against theory together: no more than three of the 35 may miss it. With a faultless simulator and
other seeds, all this fails with probability 8e-4:

    a single server at 0.9 or 0.95 is off by 1 %     6 * P(|Z| > 4)         = 4e-4
    any other case is off by 1 %                    29 * P(|Z| > 5)         < 2e-5
    more than three of 35 intervals miss                 P(Bin(35, 1 %) > 3) = 4e-4

Seeds are numbered, not picked.
"""

import functools
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

from engine.sim import kernel
from engine.sim.arrivals import make_requests
from engine.sim.parameters import PoolParameters
from engine.sim.state import make_state
from tests.reference.estimate import Draw, Estimate, Station, mean_wait
from tests.reference.play import pool_of
from tests.reference.queueing import (
    erlang_c,
    kiefer_wolfowitz,
    lindley,
    lognormal,
    mean_wait_mg1,
    mean_wait_mmc,
)

pytestmark = pytest.mark.slow

BATCHES = 128
INTERVALS_THAT_MAY_MISS = 3
RHOS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SERVERS = dict(zip(RHOS, (2, 2, 2, 4, 8, 8, 8), strict=True))
"""In M/M/c: so that a share of the requests that is worth counting has to wait."""
MILLIONS = {
    "M/M/1": (8.5, 2.7, 3, 5, 9, 17, 60),
    "M/D/1": (4, 2.5, 2.2, 3, 4.5, 10.5, 34),
    "M/G/1": (15, 7.5, 6.5, 9.5, 13, 34, 82),
    "M/M/c, one worker": (33, 3.2, 3, 3, 4.5, 3, 3),
    "M/M/c, c workers": (33, 3.2, 3, 3, 4.5, 3, 3),
}
SCV = {"M/D/1": 0.0, "M/G/1": 2.0}
"""Squared coefficient of variation of the work; 1 where it is exponential."""


@dataclass(frozen=True, kw_only=True)
class Case:
    model: str
    rho: float
    millions: float
    seed: int

    @property
    def station(self) -> Station:
        return Station(rho=self.rho, pool=self._pool(), work=self._work(), scv=self.scv)

    @property
    def scv(self) -> float:
        return SCV.get(self.model, 1.0)

    @property
    def theory(self) -> float:
        if "/c" in self.model:
            return mean_wait_mmc(SERVERS[self.rho], self.rho)
        return mean_wait_mg1(self.rho, self.scv)

    def _pool(self) -> PoolParameters:
        servers = SERVERS[self.rho] if "/c" in self.model else 1
        if self.model == "M/M/c, c workers":
            return pool_of(workers=servers, shared_queue=True)
        return pool_of(slots=servers)

    def _work(self) -> Draw:
        if self.scv == 0.0:
            return lambda _, n: np.ones(n)
        if self.scv == 1.0:
            return lambda rng, n: rng.standard_exponential(n)
        return lambda rng, n: lognormal(rng, self.scv, n)


CASES = [
    Case(model=model, rho=rho, millions=millions, seed=1000 * number + int(100 * rho))
    for number, (model, lengths) in enumerate(MILLIONS.items())
    for rho, millions in zip(RHOS, lengths, strict=True)
]


@functools.cache
def estimate(case: Case) -> Estimate:
    size = int(case.millions * 1e6 / BATCHES)
    return mean_wait(case.station, batches=BATCHES, size=size, seed=case.seed)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=f"{case.model} at {case.rho}, {case.millions} million requests",
            marks=[pytest.mark.slow] if case.millions > 3.2 else [],
        )
        for case in CASES
    ],
)
def test_the_mean_wait_is_within_one_percent_of_theory(case):
    found = estimate(case)
    assert found.mean == pytest.approx(case.theory, rel=0.01)
    assert found.half_width(0.99) < 0.01 * case.theory  # long enough to mean something


def test_intervals_of_99_percent_around_the_mean_wait_hold_the_theory():
    """All 35 lengths and seeds of the test above, which has already simulated them."""
    missed = [
        f"{case.model} at {case.rho}: {found.mean:.5f} ± {found.half_width(0.99):.5f}"
        f" instead of {case.theory:.5f}"
        for case in CASES
        if abs((found := estimate(case)).mean - case.theory) > found.half_width(0.99)
    ]
    assert len(missed) <= INTERVALS_THAT_MAY_MISS, missed


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("scv", [0.0, 1.0, 2.0])
def test_every_wait_at_a_single_server_is_lindleys(rho, scv):
    rng = np.random.default_rng(int(1000 * rho + scv))
    gap_s, work_s = rng.exponential(1.0 / rho, 100_000), lognormal(rng, scv, 100_000)
    waits = waits_of(np.cumsum(gap_s), work_s, pool_of())
    assert_allclose(waits, lindley(gap_s, work_s), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("servers", [2, 8, 40])
def test_every_wait_at_several_servers_is_kiefers_and_wolfowitzs(rho, servers):
    rng = np.random.default_rng(int(1000 * rho + servers))
    arrival_s = np.cumsum(rng.exponential(1.0 / (rho * servers), 30_000))
    work_s = lognormal(rng, 2.0, 30_000)
    theirs = kiefer_wolfowitz(arrival_s, work_s, servers)
    one, many = pool_of(slots=servers), pool_of(workers=servers, shared_queue=True)
    assert np.array_equal(waits_of(arrival_s, work_s, one), theirs)
    assert np.array_equal(waits_of(arrival_s, work_s, many), theirs)


def waits_of(arrival_s: np.ndarray, work_s: np.ndarray, pool: PoolParameters) -> np.ndarray:
    state = make_state(make_requests(arrival_s, work_s), (pool,))
    kernel.advance(state, np.inf)
    return state.outcomes["start_s"] - arrival_s


def test_erlang_c_is_what_it_is_for_few_servers():
    """C(1) = rho; C(2) = 2 rho² / (1 + rho); C(3) from the sum of its states."""
    rho, a = 0.7, 2.1
    waiting = a**3 / 6 / (1 - rho)
    assert erlang_c(1, rho) == pytest.approx(rho)
    assert erlang_c(2, rho) == pytest.approx(2 * rho**2 / (1 + rho))
    assert erlang_c(3, rho) == pytest.approx(waiting / (1 + a + a**2 / 2 + waiting))
