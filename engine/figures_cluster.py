"""The figures of machines, energy, carbon, failures and fairness."""

from engine.figure import Figure

ACCOUNT_FIGURES = (
    Figure(
        key="cost_on_demand_usd",
        label="Paid on demand",
        unit="USD",
        better="lower",
        meaning="The part of the cost that is rent of workers' own machines and of nodes on "
        "demand, energy included.",
        windowed=True,
    ),
    Figure(
        key="cost_reserved_usd",
        label="Paid for reserved nodes",
        unit="USD",
        better="lower",
        meaning="The part of the cost that is rent of reserved nodes, energy included.",
        windowed=True,
    ),
    Figure(
        key="cost_spot_usd",
        label="Paid for spot nodes",
        unit="USD",
        better="lower",
        meaning="The part of the cost that is rent of spot nodes, energy included.",
        windowed=True,
    ),
    Figure(
        key="cost_owned_usd",
        label="Paid for owned nodes",
        unit="USD",
        better="lower",
        meaning="The part of the cost that is the purchase of nodes, spread over their lifetime.",
        windowed=True,
    ),
    Figure(
        key="cost_energy_usd",
        label="Paid for energy",
        unit="USD",
        better="lower",
        meaning="The part of the cost that is energy of owned nodes; rents include theirs.",
        windowed=True,
    ),
    Figure(
        key="cost_transfer_usd",
        label="Paid for transfer",
        unit="USD",
        better="lower",
        meaning="The part of the cost that is data sent out of its region.",
        windowed=True,
    ),
    Figure(
        key="node_hours",
        label="Node hours",
        unit="h",
        better="lower",
        meaning="Seconds that nodes were held, also while starting or suspended, divided by "
        "3,600.",
        windowed=True,
    ),
    Figure(
        key="peak_nodes",
        label="Peak nodes",
        unit="nodes",
        better="lower",
        meaning="Most nodes held in a tick.",
        windowed=True,
    ),
    Figure(
        key="node_requested_frac",
        label="Nodes taken",
        unit="%",
        better="higher",
        meaning="Share of the nodes that workers take, by the resource of which each node has "
        "least left, over the node hours.",
        windowed=True,
    ),
    Figure(
        key="energy_kwh",
        label="Energy",
        unit="kWh",
        better="lower",
        meaning="Power of all machines by how busy they are, times PUE, over the window; not "
        "measured unless the scenario gives every machine's power.",
        windowed=True,
    ),
    Figure(
        key="energy_wh_per_request",
        label="Energy per finished request",
        unit="Wh",
        better="lower",
        meaning="Energy divided by finished requests.",
        windowed=True,
    ),
    Figure(
        key="green_frac",
        label="Renewable energy",
        unit="%",
        better="higher",
        meaning="Share of the energy from the green budgets of its regions.",
        windowed=True,
    ),
    Figure(
        key="carbon_kg",
        label="Carbon",
        unit="kg CO₂e",
        better="lower",
        meaning="Energy that is not renewable times the intensity of its region's grid, or of the "
        "generators while the grid is out, at that time; with the share of making the nodes.",
        windowed=True,
    ),
    Figure(
        key="carbon_embodied_kg",
        label="of which embodied",
        unit="kg CO₂e",
        better="lower",
        meaning="Carbon of making the nodes, by time held over lifetime.",
        windowed=True,
    ),
    Figure(
        key="carbon_g_per_request",
        label="Carbon per finished request",
        unit="g CO₂e",
        better="lower",
        meaning="Carbon divided by finished requests (software carbon intensity, ISO/IEC 21031).",
        windowed=True,
    ),
)
"""From `engine.footprint`."""

SERVICE_FIGURES = (
    Figure(
        key="availability_frac",
        label="Availability",
        unit="%",
        better="higher",
        meaning="Share of the ticks with arrivals in which at least 95 % of the requests that "
        "arrived were served in the end, late or not.",
        windowed=True,
    ),
    Figure(
        key="retried_frac",
        label="Retries",
        unit="%",
        better="lower",
        meaning="Attempts after the first, divided by arrivals.",
        windowed=True,
    ),
    Figure(
        key="shed_frac",
        label="Shed",
        unit="%",
        better="lower",
        meaning="Requests that degradation turned away, divided by arrivals; they count as "
        "rejections too.",
        windowed=True,
    ),
    Figure(
        key="degraded_frac",
        label="Degraded answers",
        unit="%",
        better="lower",
        meaning="Requests answered from a cache or given to a smaller model because of overload, "
        "each once however often it was tried, divided by arrivals.",
        windowed=True,
    ),
    Figure(
        key="cache_hit_frac",
        label="Cache hits",
        unit="%",
        better="higher",
        meaning="Requests whose prefix was found in one of the caches, each once however often "
        "it was tried, divided by arrivals.",
        windowed=True,
    ),
    Figure(
        key="workers_crashed",
        label="Workers crashed",
        unit="workers",
        better="lower",
        meaning="Workers that stopped at once with what they held, with their node or alone.",
        windowed=True,
    ),
    Figure(
        key="breaker_openings",
        label="Breakers opened",
        unit="times",
        better="lower",
        meaning="Times that the circuit breaker of a worker opened, also as the worker crashed.",
        windowed=True,
    ),
    Figure(
        key="hot_worker_frac",
        label="Hot workers",
        unit="%",
        better="lower",
        meaning="Share of the ready workers that were busier than their pool's mean by more than "
        "two standard deviations, or above 90 % for three ticks; the mean over ticks.",
        windowed=True,
    ),
    Figure(
        key="fairness_jain",
        label="Fairness",
        unit="Jain index",
        better="higher",
        meaning="(Σ x)² ÷ (n Σ x²) over the tenants' SLO attainments x: 1 where all are served "
        "equally well, 1 ÷ n where only one is.",
        windowed=True,
    ),
    Figure(
        key="tenant_attainment_min_frac",
        label="Smallest tenant share",
        unit="%",
        better="higher",
        meaning="Share of its requests within the SLO of the tenant that was served worst.",
        windowed=True,
    ),
    Figure(
        key="transfer_gib",
        label="Transfer",
        unit="GiB",
        better="lower",
        meaning="Data sent to callers with answers, by the time of the answer.",
        windowed=True,
    ),
    Figure(
        key="penalties_usd",
        label="Penalties",
        unit="USD",
        better="lower",
        meaning="SLO violations times the penalty for one; not part of the cost.",
    ),
    Figure(
        key="revenue_at_risk_usd",
        label="Revenue at risk",
        unit="USD",
        better="lower",
        meaning="Requests that failed or were late times the revenue of a request; not part of "
        "the cost.",
        windowed=True,
    ),
    Figure(
        key="node_changes_per_h",
        label="Changes of nodes per hour",
        unit="1/h",
        better="lower",
        meaning="Nodes ordered, given back or lost, per hour.",
        windowed=True,
    ),
    Figure(
        key="nodes_lost",
        label="Nodes lost",
        unit="nodes",
        better="lower",
        meaning="Nodes that were revoked or broke.",
        windowed=True,
    ),
    Figure(
        key="workers_moved",
        label="Workers moved",
        unit="workers",
        better="lower",
        meaning="Workers that moved to another node, so that theirs could sleep or go.",
        windowed=True,
    ),
    Figure(
        key="resizes_per_h",
        label="Changes of size per hour",
        unit="1/h",
        better="lower",
        meaning="Decisions that changed the size of a pool's workers, per hour.",
        windowed=True,
    ),
)
"""From `engine.dependability`."""
