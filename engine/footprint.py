"""Figures of machines, energy, carbon and money, from sums over any part of a run."""

from dataclasses import dataclass

from engine.units import SECONDS_PER_HOUR

__all__ = ["COMPONENTS", "AccountSums", "account_figures"]

COMPONENTS = ("on_demand", "reserved", "spot", "owned", "energy", "transfer")
"""Of the cost."""
_SCALE = 1000.0
"""Grams in a kilogram, watt-hours in a kilowatt-hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSums:
    """Over ticks and places; None where the scenario does not say what is needed."""

    usd: dict[str, float | None]
    """By component."""
    energy_kwh: float | None
    green_kwh: float | None
    operational_g: float | None
    embodied_g: float
    has_nodes: bool
    node_s: float
    taken_node_s: float
    """Node-seconds times the share of the node that workers took."""
    peak_nodes: int


def account_figures(sums: AccountSums | None, finished: int) -> dict[str, float | None]:
    """By figure key; all None without accounts.

    Args:
        sums: over the part of the run.
        finished: requests that arrived in it and finished.
    """
    if sums is None:
        sums = _NOTHING
    carbon_g = None if sums.operational_g is None else sums.operational_g + sums.embodied_g
    nodes = sums.has_nodes
    return {
        **{f"cost_{name}_usd": sums.usd.get(name) for name in COMPONENTS},
        "node_hours": sums.node_s / SECONDS_PER_HOUR if nodes else None,
        "peak_nodes": sums.peak_nodes if nodes else None,
        "node_requested_frac": _ratio(sums.taken_node_s, sums.node_s) if nodes else None,
        "energy_kwh": sums.energy_kwh,
        "energy_wh_per_request": _ratio(sums.energy_kwh, finished, _SCALE),
        "green_frac": _ratio(sums.green_kwh, sums.energy_kwh),
        "carbon_kg": carbon_g if carbon_g is None else carbon_g / _SCALE,
        "carbon_embodied_kg": sums.embodied_g / _SCALE or None,
        "carbon_g_per_request": _ratio(carbon_g, finished),
    }


_NOTHING = AccountSums(
    usd={}, energy_kwh=None, green_kwh=None, operational_g=None, embodied_g=0.0, has_nodes=False,
    node_s=0.0, taken_node_s=0.0, peak_nodes=0,
)  # fmt: skip


def _ratio(part: float | None, whole: float | None, scale: float = 1.0) -> float | None:
    return None if part is None or not whole else scale * part / whole
