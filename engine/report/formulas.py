"""The formulas of the workbook: `engine.economics.costs`, cell by cell."""

from engine.economics import costs

MEASURED = (
    ("hours", "Hours of the window"),
    ("cost_usd", "Cost of the window (USD)"),
    ("worker_h", "Provisioned worker-hours"),
    ("busy_worker_h", "Busy worker-hours"),
    ("arrived", "Requests arrived"),
    ("met", "Requests within the SLO"),
    ("finished", "Requests finished"),
    ("violations", "SLO violations"),
    ("peak_workers", "Most workers at once"),
    ("promise_frac", "Promised share within the SLO"),
)
ROW = {key: number + 2 for number, (key, _) in enumerate(MEASURED)}


def measured(key: str, column: str) -> str:
    """The cell of a total on the sheet Measured, for the run in `column`."""
    return f"Measured!{column}${ROW[key]}"


def first_year(column: str, candidate: bool) -> dict[str, str]:
    """First year by component, US dollars: `costs.first_year` as spreadsheet formulas."""
    year = f"(a_hours_per_year*a_seasonality/{measured('hours', column)})"
    compute = f'({measured("cost_usd", column)}*{year}*IF(a_mode="rented",1,0))'
    kwh = (
        f"(({measured('worker_h', column)}*a_watts_idle+{measured('busy_worker_h', column)}"
        f"*(a_watts_full-a_watts_idle))*a_pue/1000)"
    )
    embodied = f"({measured('worker_h', column)}/(a_lifetime_years*8760)*a_embodied_kg*1000)"
    arrived, met = measured("arrived", column), measured("met", column)
    attained = f"({met}/MAX({arrived},1))"
    return {
        "on_demand_usd": f"{compute}*(1-a_reserved_frac-a_spot_frac)",
        "reserved_usd": f"{compute}*a_reserved_frac*(1-a_reserved_discount)",
        "spot_usd": f"{compute}*a_spot_frac*(1-a_spot_discount)",
        "transfer_usd": f"{measured('finished', column)}*{year}/1000*a_transfer_gib_per_1000"
        "*a_transfer_usd_per_gib",
        "energy_usd": f'{kwh}*{year}*a_energy_usd_per_kwh*IF(a_mode="rented",0,1)',
        "penalties_usd": f"{measured('violations', column)}*{year}*a_penalty_usd_per_violation"
        f"+({arrived}-{met})*{year}/1000*a_penalty_usd_per_1000_missed",
        "credits_usd": f"a_fee_usd_per_month*12*IF({attained}<a_credit_deep_below,"
        f"a_credit_deep_frac,IF({attained}<{measured('promise_frac', column)},a_credit_frac,0))",
        "carbon_usd": f"({kwh}*a_grid_g_per_kwh+{embodied})*{year}/1000000*a_carbon_usd_per_t",
        "care_usd": "a_care_days_per_year*a_day_rate_usd" if candidate else "0",
        "capex_usd": f'IF(a_mode="owned",{measured("peak_workers", column)}*a_worker_capex_usd,0)'
        + ("+a_migration_days*a_day_rate_usd+a_migration_usd" if candidate else ""),
        "kwh": f"{kwh}*{year}",
        "operational_kg": f"{kwh}*a_grid_g_per_kwh/1000*{year}",
        "embodied_kg": f"{embodied}/1000*{year}",
    }


def of_year(name: str, year: str) -> str:
    """Cost of a year from the column of the first year's components on the sheet Costs."""
    rows = {key: number + 2 for number, key in enumerate(costs.COMPONENTS)}
    priced = "+".join(f"Costs!{name}${rows[key]}" for key in costs.PRICED)
    volume = "+".join(f"Costs!{name}${rows[key]}" for key in costs.VOLUME)
    fixed = f"Costs!{name}${rows['credits_usd']}+Costs!{name}${rows['care_usd']}"
    grow = f"(1+a_growth)^({year}-1)"
    return f"({priced})*{grow}*(1+a_price_change)^({year}-1)+({volume})*{grow}+{fixed}"
