"""The assumptions that a report starts from: value, unit, range, source and limits of each."""

from engine.economics.assumptions import Assumption, Assumptions

OURS = "our assumption"
SOURCE_PAPER = "Sci Rep 15:30567 (2025), economics section"
GOOGLE = "Google Cloud list prices of 30 July 2026, median over machines and regions"
CCF = (
    "Cloud Carbon Footprint coefficients, AWS p4d.24xlarge (A100), a quarter of it (2 of 8 GPUs); "
    "it has none for H100"
)
CCF_CPU = "Cloud Carbon Footprint coefficients, AWS m5.xlarge (4 vCPU)"
CCF_CPU_MADE = (
    "Cloud Carbon Footprint coefficients, AWS m5: 1,610.79 kg per platform of 96 vCPU, 4 of them"
)
MOST = 1e12
"""No amount is larger: a trillion dollars."""


def _a(
    group: str, key: str, label: str, value: float, unit: str, span: tuple[float, float],
    source: str, meaning: str, least: float = 0.0, most: float = MOST,
) -> Assumption:  # fmt: skip
    return Assumption(
        key=key, label=label, group=group, value=float(value), unit=unit, low=float(span[0]),
        high=float(span[1]), source=source, meaning=meaning, least=float(least),
        most=float(most),
    )  # fmt: skip


def _money() -> tuple[Assumption, ...]:
    return (
        _a("Money", "years", "Horizon", 3, "years", (3, 3), SOURCE_PAPER,
           "Years over which costs and savings are counted.", 1, 20),
        _a("Money", "discount_rate", "Discount rate", 0.05, "per year", (0.03, 0.10),
           SOURCE_PAPER, "What later money is worth less, a year.", -0.5, 1.0),
        _a("Money", "currency_per_usd", "Exchange rate", 1.0, "currency per USD", (1.0, 1.0), OURS,
           "Turns US dollars into the report's currency; 1 for US dollars.", 1e-6, 1e6),
        _a("Demand", "hours_per_year", "Hours in service", 8760, "h per year", (8760, 8760), OURS,
           "Hours a year in which the cluster meets demand as in the window.", 1, 8784),
        _a("Demand", "seasonality", "Season", 1.0, "times", (0.8, 1.25), OURS,
           "Mean demand of the year over that of the window.", 0.01, 100),
        _a("Demand", "growth", "Growth of demand", 0.10, "per year", (0.0, 0.30), OURS,
           "How much more demand, and cost with it, each further year.", -0.9, 10),
        _a("Demand", "price_change", "Change of prices", 0.0, "per year", (-0.10, 0.05), OURS,
           "How much dearer compute and energy get each further year.", -0.9, 10),
    )  # fmt: skip


def _compute() -> tuple[Assumption, ...]:
    return (
        _a("Compute", "reserved_frac", "Bought reserved", 0.0, "share", (0.0, 0.0), OURS,
           "Share of compute bought with a commitment of one year, used in full.", 0, 1),
        _a("Compute", "reserved_discount", "Reserved discount", 0.37, "share", (0.34, 0.40),
           GOOGLE, "Off the on-demand price with a commitment of one year.", 0, 1),
        _a("Compute", "spot_frac", "Bought as spot", 0.0, "share", (0.0, 0.0), OURS,
           "Share of compute bought as spot; its revocations are not in the replay.", 0, 1),
        _a("Compute", "spot_discount", "Spot discount", 0.67, "share", (0.45, 0.91), GOOGLE,
           "Off the on-demand price for spot.", 0, 1),
        _a("Compute", "transfer_gib_per_1000", "Data sent to callers", 0.0,
           "GiB per 1,000 requests", (0.0, 0.0), OURS,
           "Not measured by the replay; fill it in where transfer is billed.", 0, 1e6),
        _a("Compute", "transfer_usd_per_gib", "Transfer price", 0.12, "USD per GiB",
           (0.08, 0.19), OURS, "Price of data that leaves the cloud.", 0, 1e6),
        _a("Compute", "worker_capex_usd", "Price to buy a worker", 60_000, "USD per worker",
           (45_000, 80_000), OURS, "Owned mode: machine share that carries one worker.", 0, 1e9),
    )  # fmt: skip


def _penalties() -> tuple[Assumption, ...]:
    return (
        _a("Promises", "penalty_usd_per_violation", "Penalty per violation", 0.0,
           "USD per violation", (0.0, 0.0), "contract; the source paper used 5,000 USD",
           "For each unbroken run of minutes that broke the SLO.", 0, 1e9),
        _a("Promises", "penalty_usd_per_1000_missed", "Penalty per missed requests", 0.0,
           "USD per 1,000 missed", (0.0, 0.0), "contract",
           "For each thousand requests that failed or were late.", 0, 1e9),
        _a("Promises", "fee_usd_per_month", "Fee under contract", 0.0, "USD per month",
           (0.0, 0.0), "contract", "What customers pay; service credits are a share of it."),
        _a("Promises", "credit_frac", "Service credit", 0.10, "share of the fee", (0.10, 0.10),
           "contract; common in public cloud SLAs", "Owed while attainment is below the promise.",
           0, 1),
        _a("Promises", "credit_deep_frac", "Service credit, deep", 0.25, "share of the fee",
           (0.25, 0.25), "contract; common in public cloud SLAs",
           "Owed instead while attainment is below the deep limit.", 0, 1),
        _a("Promises", "credit_deep_below", "Deep limit", 0.95, "share of requests", (0.95, 0.95),
           "contract", "Attainment below which the deep credit is owed.", 0, 1),
        _a("Switching", "migration_days", "Effort to switch", 15, "person-days", (5, 40), OURS,
           "Once, before the first saving.", 0, 1e6),
        _a("Switching", "care_days_per_year", "Effort to run it", 6, "person-days per year",
           (2, 15), OURS, "More than the baseline needs, each year.", 0, 1e6),
        _a("Switching", "day_rate_usd", "Price of a day", 800, "USD per person-day", (500, 1300),
           OURS, "Of the engineers who do it, all included.", 0, 1e6),
        _a("Switching", "migration_usd", "Other cost to switch", 0.0, "USD", (0.0, 0.0), OURS,
           "Licences, machines or consultants, once."),
    )  # fmt: skip


def _energy(large: bool) -> tuple[Assumption, ...]:
    idle, full, source = (186.2, 1311.25, CCF) if large else (8.8, 39.9, CCF_CPU)
    embodied, made = (1169.2, CCF) if large else (67.1, CCF_CPU_MADE)
    power = (0.3, 0.75) if large else (0.3, 0.3)
    note = " The range reaches two H100 (700 W each at most, an A100 400 W)." if large else ""

    def around(value: float, less: float, more: float) -> tuple[float, float]:
        return round((1 - less) * value, 1), round((1 + more) * value, 1)

    return (
        _a("Energy and carbon", "watts_idle", "Power of an idle worker", idle, "W",
           around(idle, *power), source, f"Provisioned with nothing in service.{note}", 0, 1e6),
        _a("Energy and carbon", "watts_full", "Power of a busy worker", full, "W",
           around(full, *power), source,
           f"All slots busy; in between it is linear.{note}", 0, 1e6),
        _a("Energy and carbon", "pue", "Power usage effectiveness", 1.2, "times", (1.1, 1.6), OURS,
           "All energy of the site over that of its machines.", 1, 5),
        _a("Energy and carbon", "energy_usd_per_kwh", "Price of energy", 0.12, "USD per kWh",
           (0.08, 0.20), SOURCE_PAPER, "Paid in owned mode; rented prices include it.", 0, 1e4),
        _a("Energy and carbon", "grid_g_per_kwh", "Grid intensity", 400, "g CO2e per kWh",
           (100, 600), OURS, "Yearly mean where the machines stand, location-based.", 0, 1e4),
        _a("Energy and carbon", "embodied_kg", "Carbon of making a worker", embodied,
           "kg CO2e per worker", around(embodied, 0.5, 0.5), made,
           "Machine share that carries one worker.", 0, 1e7),
        _a("Energy and carbon", "lifetime_years", "Lifetime of a machine", 4, "years", (3, 6),
           OURS, "Over which the carbon of making it, and the price of one bought, are spread.",
           0.5, 30),
        _a("Energy and carbon", "carbon_usd_per_t", "Price of carbon", 0.0, "USD per t CO2e",
           (0.0, 0.0), OURS, "Internal price of emissions; 0: not part of the money.", 0, 1e6),
    )  # fmt: skip


def defaults(price_usd_per_hour: float) -> Assumptions:
    """Where a report starts.

    Args:
        price_usd_per_hour: mean price of the runs' workers. From 1 USD on they are taken for
            workers with two GPUs, below for workers of four cores, in power and carbon.
    """
    large = price_usd_per_hour >= 1.0
    return Assumptions(numbers=(*_money(), *_compute(), *_penalties(), *_energy(large)))
