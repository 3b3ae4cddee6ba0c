"""What the scorecard says: every figure with its unit and meaning, the same for all policies."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.figure import Figure
from engine.figures_cluster import ACCOUNT_FIGURES, SERVICE_FIGURES

__all__ = ["FIGURES", "Figure"]


def _figures(*figures: Figure) -> Mapping[str, Figure]:
    return MappingProxyType({figure.key: figure for figure in figures})


FIGURES = _figures(
    Figure(
        key="requests_arrived",
        label="Requests arrived",
        unit="requests",
        better=None,
        meaning="Requests that arrived in the window.",
        windowed=True,
    ),
    Figure(
        key="requests_finished",
        label="Requests finished",
        unit="requests",
        better="higher",
        meaning="Of those, the ones that finished, also if after the window.",
        windowed=True,
    ),
    Figure(
        key="slo_attainment_frac",
        label="SLO attainment",
        unit="%",
        better="higher",
        meaning="Share of arrived requests that finished within their SLO; time-outs, rejections "
        "and losses count as misses.",
        windowed=True,
    ),
    Figure(
        key="p50_s",
        label="Request latency p50",
        unit="s",
        better="lower",
        meaning="Median of finish minus arrival over finished requests that arrived in the "
        "window, within 1 %.",
        windowed=True,
    ),
    Figure(
        key="p95_s",
        label="Request latency p95",
        unit="s",
        better="lower",
        meaning="95th percentile of the same.",
        windowed=True,
    ),
    Figure(
        key="p99_s",
        label="Request latency p99",
        unit="s",
        better="lower",
        meaning="99th percentile of the same.",
        windowed=True,
    ),
    Figure(
        key="violations_per_h",
        label="SLO violations per hour",
        unit="1/h",
        better="lower",
        meaning="Unbroken stretches of minutes whose p95 is above the SLO or in which a request "
        "failed, per hour.",
    ),
    Figure(
        key="failure_frac",
        label="Failure rate",
        unit="%",
        better="lower",
        meaning="Time-outs, rejections and losses divided by arrivals.",
        windowed=True,
    ),
    Figure(
        key="queue_timeout_frac",
        label="Queue time-outs",
        unit="%",
        better="lower",
        meaning="Requests that waited longer than the queue time-out, divided by arrivals.",
    ),
    Figure(
        key="exec_timeout_frac",
        label="Execution time-outs",
        unit="%",
        better="lower",
        meaning="Requests cut off in service, divided by arrivals.",
    ),
    Figure(
        key="rejected_frac",
        label="Rejections",
        unit="%",
        better="lower",
        meaning="Requests that found the queue full, divided by arrivals.",
    ),
    Figure(
        key="lost_frac",
        label="Losses",
        unit="%",
        better="lower",
        meaning="Requests lost with their worker or never served, divided by arrivals.",
    ),
    Figure(
        key="utilisation_frac",
        label="Utilisation",
        unit="%",
        better="higher",
        meaning="Busy slot-seconds divided by provisioned slot-seconds (starting, ready and "
        "draining workers).",
        windowed=True,
    ),
    Figure(
        key="cost_usd",
        label="Cost",
        unit="USD",
        better="lower",
        meaning="Integral of the price of provisioned workers, or of the nodes that hold them, "
        "over the window; with transfer, and with the energy of nodes that are owned.",
        windowed=True,
    ),
    Figure(
        key="cost_usd_per_1000_requests",
        label="Cost per 1,000 finished requests",
        unit="USD",
        better="lower",
        meaning="Cost divided by finished requests, times 1,000.",
        windowed=True,
    ),
    Figure(
        key="worker_hours",
        label="Worker hours",
        unit="h",
        better="lower",
        meaning="Provisioned worker-seconds divided by 3,600.",
        windowed=True,
    ),
    Figure(
        key="peak_workers",
        label="Peak workers",
        unit="workers",
        better="lower",
        meaning="Most workers provisioned at the end of a tick.",
        windowed=True,
    ),
    Figure(
        key="actions_per_h",
        label="Scaling actions per hour",
        unit="1/h",
        better="lower",
        meaning="Decisions that changed the number of workers, per hour.",
    ),
    Figure(
        key="reversals_per_h",
        label="Reversals per hour",
        unit="1/h",
        better="lower",
        meaning="Scaling actions in the direction opposite to the pool's one before, per hour.",
    ),
    Figure(
        key="reaction_s",
        label="Reaction time",
        unit="s",
        better="lower",
        meaning="Median over load steps of the time to the first worker ready because of it. A "
        "load step: work offered over 1 min reaches 1.5 times its mean over the 5 min before; it "
        "begins with the first tick that does.",
    ),
    Figure(
        key="reaction_startup_s",
        label="of which start-up",
        unit="s",
        better=None,
        meaning="The part of the reaction time between the order of that worker and its "
        "readiness.",
    ),
    Figure(
        key="decision_p50_ms",
        label="Control-decision time p50",
        unit="ms",
        better="lower",
        meaning="Median wall time of one policy evaluation on the machine that replayed.",
    ),
    Figure(
        key="decision_p99_ms",
        label="Control-decision time p99",
        unit="ms",
        better="lower",
        meaning="99th percentile of the same.",
    ),
    *ACCOUNT_FIGURES,
    *SERVICE_FIGURES,
)
"""Every figure, in the order in which it is shown."""
