"""Carbon intensity of the grid: EIA-style tables with the mix, Electricity-Maps-style exports."""

import re
from dataclasses import replace

from engine.trace.head import Head, normal
from engine.trace.options import ImportOptions
from engine.trace.plan import Cast, Plan
from engine.trace.readers.base import Column, Reader, note
from engine.trace.schema import Kind

__all__ = ["CARBON_EIA", "CARBON_EMAPS", "region_of"]

_SOURCES = ("wnd", "sun", "wat", "oil", "ng", "col", "nuc", "oth")
"""Generation by source, MWh in the hour, as EIA-930 abbreviates them."""


def region_of(head: Head, options: ImportOptions) -> str:
    """The region a file without a region column is about: as told, or the name's first word."""
    if options.region:
        return options.region
    return re.split(r"[^A-Za-z0-9-]", head.name)[0] or head.name


def _with_region(head: Head, plan: Plan, options: ImportOptions) -> Plan:
    if plan.has("region") and not options.region:
        return plan
    region = region_of(head, options)
    told = note(
        "region_guessed",
        f"the region was called {region!r}, after the file's name",
        head.name,
        "If that is wrong, state the region in the import options",
    )
    kept = tuple(field for field in plan.fields if field.role != "region")
    findings = plan.findings if options.region else (*plan.findings, told)
    return replace(plan, fields=kept, entity=region, findings=findings)


CARBON_EIA = Reader(
    format="carbon_eia",
    title="Carbon intensity with the generation mix (EIA)",
    kind=Kind.CARBON,
    columns=(
        Column(role="arrival", names=("timestamp", "datetime", "time"), cast=Cast.TIME),
        Column(role="carbon", names=("avg_ci",), cast=Cast.NUMBER),
        *(
            Column(role=f"mix_{name}", names=(name,), cast=Cast.NUMBER, required=False)
            for name in _SOURCES
        ),
    ),
    adapt=_with_region,
)

_INTENSITY = (
    "carbon_intensity",
    "carbon_intensity_gco_eq_kwh_direct",
    "carbon_intensity_gco2eq_kwh_direct",
    "carbon_intensity_direct",
    "carbon_intensity_gco_eq_kwh_lca",
    "carbon_intensity_gco2eq_kwh_lca",
    "carbon_intensity_gco_eq_kwh_life_cycle",
    "carbon_intensity_gco2eq_kwh_life_cycle",
    "carbon_intensity_gco2eq_kwh",
    "carbon_intensity_gco_eq_kwh",
)
"""`gCO₂eq` loses its subscript when normalised."""


def _with_choice(head: Head, plan: Plan, options: ImportOptions) -> Plan:
    """Says which intensity was taken where the export has both."""
    offered = [name for name in head.columns if normal(name) in _INTENSITY]
    if len(offered) > 1:
        taken = next(field for field in plan.fields if field.role == "carbon")
        told = note(
            "intensity_chosen",
            f"the export has {len(offered)} intensities; {head.columns[taken.index]!r} was taken",
            head.name,
            "Choose the other if you like (--map carbon=COLUMN on the command line)",
        )
        plan = replace(plan, findings=(*plan.findings, told))
    return _with_region(head, plan, options)


CARBON_EMAPS = Reader(
    format="carbon_emaps",
    title="Carbon intensity (Electricity Maps)",
    kind=Kind.CARBON,
    columns=(
        Column(
            role="arrival",
            names=("timestamp", "datetime_utc", "datetime", "date_time"),
            cast=Cast.TIME,
        ),
        Column(role="carbon", names=_INTENSITY, cast=Cast.NUMBER),
        Column(
            role="region",
            names=("zone_id", "zone_key", "zone", "zone_name", "region"),
            cast=Cast.TEXT,
            required=False,
        ),
    ),
    also=frozenset(
        {
            *_INTENSITY, "country", "zone_name", "zone_id", "data_source", "data_estimated",
            "data_estimation_method", "low_carbon_percentage", "renewable_percentage",
            "carbon_free_energy_percentage_cfe", "renewable_energy_percentage_re",
        }
    ),
    adapt=_with_choice,
)  # fmt: skip
