"""The report as data: what every export prints, and what its JSON holds.

Money is in the report's currency from here on; energy is kWh, carbon kg of CO2e.
"""

from dataclasses import dataclass

from engine.economics.assumptions import Assumption
from engine.economics.uncertainty import Bar, BreakEven, Interval

SCHEMA_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Enough to make the same report again."""

    product: str
    version: str
    run_ids: tuple[str, ...]
    baseline_id: str
    candidate_id: str
    trace_name: str
    trace_id: str
    scenario_name: str
    scenario_hash: str
    """Of the baseline."""
    scenario_hashes: tuple[str, ...]
    """One a run, in the order of `run_ids`."""
    seed_run_ids: tuple[str, ...]
    """Further stored runs, alike but for their seed, that intervals from seeds rest on."""
    closed_loop: bool
    """Whether sessions wait for answers."""
    code_versions: tuple[str, ...]
    window_from_s: float
    window_to_s: float
    window_start: str | None
    """ISO 8601, UTC; None where the trace has relative times only."""
    dated: str
    """Day the newest of the runs was made; every export carries this date and no other."""
    currency: str
    price_date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One component of a run's first year."""

    key: str
    label: str
    per_year: float
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """One run: what was measured in the window, and what that is a year."""

    run_id: str
    policy: str
    role: str
    """`baseline`, `candidate` or `other`."""
    slo_attainment_frac: float | None
    p95_s: float | None
    failure_frac: float | None
    utilisation_frac: float | None
    totals: dict[str, float]
    """What the window's totals are, for whoever computes again: fields of `costs.Usage`."""
    requests_arrived: float
    requests_met: float
    window_cost: float
    """Of the replayed window, at the scenario's prices."""
    window_energy_kwh: float
    window_carbon_kg: float
    components: tuple[CostLine, ...]
    per_year: float
    """First year, all components."""
    per_month: float
    capex: float
    tco: float
    """Capital and all years, discounted."""
    per_request: float | None
    per_1000_met: float | None
    per_session: float | None
    energy_kwh_per_year: float
    carbon_kg_per_year: float
    """Operational and embodied."""
    operational_kg_per_year: float
    embodied_kg_per_year: float
    sci_g_per_request: float | None
    """Software carbon intensity, ISO/IEC 21031: (operational + embodied) over requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One line of the cash-flow table; year 0 is today."""

    year: int
    baseline: float
    candidate: float
    flow: float
    """What switching brings: baseline less candidate."""
    discounted: float
    cumulated: float
    """Sum of the discounted flows so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What switching one run's policy for the baseline's brings."""

    run_id: str
    policy: str
    savings_per_month: float
    savings_per_month_window: Interval | None
    savings_per_month_both: Interval | None
    savings_per_month_seeds: Interval | None
    """Mean over runs that differ in their seed only, 90 % t interval; None with fewer than 3."""
    savings_frac: float | None
    """Of the baseline's first year."""
    investment: float
    npv: float
    npv_interval: Interval | None
    npv_interval_window: Interval | None
    npv_interval_seeds: Interval | None
    irr: float | None
    irr_note: str
    payback_months: float | None
    payback_text: str
    """Its value to show; in words where there are no months."""
    payback_note: str
    roi: float | None
    tco_baseline: float
    tco_candidate: float
    tco_difference: float
    """Candidate less baseline."""
    tco_interval: Interval | None
    """Of the candidate."""
    tco_baseline_interval: Interval | None
    avoided_kg_per_year: float
    avoided_kg_interval: Interval | None
    slo_points: float | None
    """Candidate less baseline, in points."""
    cost_per_slo_point: float | None
    """Yearly cost of one more point of attainment; None where the better one is not dearer, and
    where they differ too little to say."""
    slo_point_note: str
    probability_pays: float | None
    """Share of draws in which the net present value is above 0; None below a day of demand."""
    largest: str
    """What the net present value is most uncertain by: `window`, `seeds`, the key of an
    assumption, or empty."""
    largest_note: str
    """The same in words."""
    years: tuple[Year, ...]
    tornado: tuple[Bar, ...]
    break_even: tuple[BreakEven, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a chart."""

    name: str
    hours: tuple[float, ...]
    """Since the window's start."""
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart, as data."""

    key: str
    title: str
    unit: str
    series: tuple[Series, ...]
    limit: float | None = None
    """A line across, such as the SLO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Cost of one run over one block (day or hour) of the replayed window."""

    run_id: str
    policy: str
    from_s: float
    """Since the trace's start."""
    to_s: float
    worker_hours: float
    list_cost: float
    """Before discounts."""
    effective_cost: float
    """Less the discounts of reserved and spot."""
    basis: str
    """`rented`: provisioned hours at the scenario's prices; `owned`: the machines' price over
    their lifetime, and energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BigDecision:
    """One of the candidate's largest changes of capacity."""

    at_h: float
    """Since the window's start."""
    pool: str
    before: int
    """Workers asked for until then."""
    after: int
    proposed: float
    """What the policy wanted before the guard."""
    reason: str
    """What bound it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What somebody who read the report has to say of it."""

    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One entry of the method or the glossary."""

    term: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A cost and return report."""

    schema_version: str
    identity: Identity
    verdict: str
    """One sentence, with its largest uncertainty."""
    warnings: tuple[str, ...]
    """What a reader must know first, such as a window too short to annualise."""
    mode: str
    runs: tuple[RunFigures, ...]
    """The baseline first, the candidate second."""
    switch: Switch
    """To the candidate."""
    others: tuple[Switch, ...]
    assumptions: tuple[Assumption, ...]
    """Values in their own units: US dollars where the unit says so."""
    charts: tuple[Chart, ...]
    charges: tuple[Charge, ...]
    decisions: tuple[BigDecision, ...]
    """The candidate's largest, in order of time."""
    epoch_s: float | None
    """Unix time of the trace's start, if known."""
    method: tuple[Term, ...]
    glossary: tuple[Term, ...]
    reviews: tuple[Review, ...] = ()
