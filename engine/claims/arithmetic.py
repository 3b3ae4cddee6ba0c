"""Claims that plain arithmetic decides: numbers of one document against one another.

The numbers in this file are the documents' own; what follows from them is computed.
"""

import math
from collections.abc import Sequence

from engine.claims.model import LEARNED, PAPER, RULES, Basis, Claim, Verdict
from engine.economics.cashflow import tco

HOURS_PER_MONTH, HOURS_PER_YEAR = 730.0, 8760.0
TOLERANCE = 0.02
"""Relative: what rounding of published figures explains."""


def arithmetic() -> list[Claim]:
    """All of them, each computed here."""
    return [*_money(), total_cost(), *_energy(), *_learning(), *_service()]


def _claim(
    key: str, source: str, text: str, claimed: float, ours: float, unit: str, why: str
) -> Claim:
    agrees = math.isclose(claimed, ours, rel_tol=TOLERANCE)
    return Claim(
        key=key, source=source, text=text, claimed=claimed, ours=ours, low=None, high=None,
        basis=Basis.ARITHMETIC, unit=unit, conditions=why,
        verdict=Verdict.MATCHED if agrees else Verdict.INCONSISTENT,
    )  # fmt: skip


def _money() -> Sequence[Claim]:
    fleet = 10_000 * 0.384 * HOURS_PER_MONTH
    penalties = 0.5 * HOURS_PER_YEAR * 5000
    energy = 12 * (0.348 * 85_000 - 0.24 * 59_000)
    return (
        _claim("CL-20", PAPER, "10,000 VMs cost $59,000 a month", 59_000, fleet, "USD per month",
               "10,000 x its price of 0.384 USD/h x 730 h"),
        _claim("CL-21", PAPER, "Penalties of $98,000 a year", 98_000, penalties, "USD per year",
               "its 0.5 violations an hour x its 5,000 USD each"),
        _claim("CL-22", PAPER, "Energy savings of $126,000 a year", 126_000, energy,
               "USD per year", "its energy shares of 34.8 % and 24 % of its own costs"),
        _claim("CL-23", PAPER, "Payback of 8.2 months under TAS", 8.2, 2.7 / 0.33, "months",
               "its 2.7 months, 67 % shorter"),
        _claim("CL-23", PAPER, "Payback of 3.5 months under MAPPO", 3.5, 2.7 / 0.78, "months",
               "its 2.7 months, 22 % shorter"),
    )  # fmt: skip


def total_cost() -> Claim:
    """Three years at 5 % of what the paper says it spends; it prints no total to compare with."""
    ours = tco(0.05, 0.0, [12 * 59_000 + 98_000.0] * 3)
    return Claim(
        key="CL-24", source=PAPER, text="Three-year TCO at 5 % a year", claimed=None, ours=ours,
        low=None, high=None, basis=Basis.ARITHMETIC, unit="USD",
        verdict=Verdict.NOT_REPRODUCIBLE,
        conditions="from its OPEX and penalties; it announces a TCO but prints neither the total "
        "nor its capital cost",
    )  # fmt: skip


def _energy() -> Sequence[Claim]:
    return (
        _claim("CL-15", PAPER, "22 % less energy than TAS", -22.0, 100 * (298 / 412 - 1), "%",
               "its own 298 against 412 kWh a day"),
        _claim("CL-15", PAPER, "18.3 % less energy than Mamba", -18.3, 100 * (298 / 338 - 1), "%",
               "its own 298 against 338 kWh a day"),
        _claim("CL-14", PAPER, "The carbon mask saves 22 % of energy (abstract)", -22.0,
               -100 * (1 - 0.90), "%",
               "masked above the 90th percentile of intensity, so a tenth of the time: the most "
               "that it can save; its ablation says 15 %, its QoS section 18.3 %"),
        _claim("CL-30", PAPER, "80 % utilisation behind its prices", 80.0, 100 * 0.35, "%",
               "its own Figure 1d: efficiency 0.35, which can only be used over allocated"),
    )  # fmt: skip


def _learning() -> Sequence[Claim]:
    return (
        _claim("CL-16", PAPER, "Reward of 24.6 after training (Table 4)", 24.6, 22.4, "reward",
               "its own Figure 1b; a step's base reward cannot exceed 0.2 in either"),
        _claim("CL-18", PAPER, "Learns 3.2 times faster than with uniform replay", 3.2,
               570 / 380, "times", "its ablation: 570 thousand steps against 380 thousand"),
        _claim("CL-26", PAPER, "Policy entropy starts at 3.8 bits", 3.8, math.log2(2**3), "bits",
               "the most that three actions in [-1, 1] can have"),
        _claim("CL-9", RULES, "Latency nearly doubles with 70 % of information lost", 2.0,
               290 / 180, "times", "its own 290 ms against 180 ms"),
    )  # fmt: skip


def _service() -> Sequence[Claim]:
    return (
        _claim("CL-19", PAPER, "72 % fewer violations than TAS", -72.0, 100 * (0.5 / 2.1 - 1),
               "%", "0.5 against 2.1 an hour; 72 % would fit 1.8 an hour, its DQN's rate"),
        _claim("CL-17", PAPER, "TAS decides fastest, in 5 ms", 5.0, 5.1 / (1 - 0.41), "ms",
               "its own 5.1 ms, said to be 41 % below TAS"),
        _claim("CL-3", LEARNED, "37 % cheaper than static at twice its utilisation", -37.0,
               100 * (34 / 68 - 1), "%",
               "34 % to 68 % utilisation at equal prices; 26 % higher ones would reconcile them"),
        _claim("CL-1", LEARNED, "P99 of static over its own (abstract: 45 % below static)",
               1 / (1 - 0.45), 1 / (1 - 0.62), "times",
               "the body of the same paper: 62 % below static; 45 % there is against rules"),
        _claim("CL-4", LEARNED, "Rules need 90 s for a flash crowd", 90.0, 15 + 60 + 15, "s",
               "15 s between looks, 60 s of window and 15 s of start-up"),
        _claim("CL-4", LEARNED, "Reacts 3 times as fast as rules", 3.0, 90 / 30, "times",
               "its own 90 s and 30 s; start-up of 15 s is in both"),
    )  # fmt: skip
