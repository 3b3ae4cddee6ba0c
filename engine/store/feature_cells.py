"""What a series file says besides its value: features by interval, over all entities."""

from engine.store.work import Work
from engine.trace.plan import FEATURE, Plan, Shape

__all__ = ["make_features"]

_OVER_ENTITIES = {"cpu_mean": "avg", "cpu_max": "max", "disk_io_time": "avg"}
"""Shares do not add up; everything else does."""


def make_features(work: Work, plan: Plan, interval_s: float) -> None:
    """`ready_features`: feature, t_s, value; from `placed`, one row an interval that has one.

    Nothing is filled in: an interval without a reading has no row. Readings below 0 are none.
    """
    parts = [_one(role, interval_s) for role in plan.features if plan.shape is not Shape.USAGE]
    nothing = "SELECT '' AS feature, 0.0::DOUBLE AS t_s, 0.0::DOUBLE AS value WHERE false"
    work.run(f"CREATE TEMP TABLE ready_features AS {' UNION ALL '.join([nothing, *parts])}")


def _one(role: str, interval_s: float) -> str:
    name = role.removeprefix(FEATURE)
    over = _OVER_ENTITIES.get(name, "sum")
    # Rounded, because the sum of three values depends on their order.
    return (
        f"SELECT '{name}', slot * {interval_s!r}::DOUBLE, round({over}(value), 9) FROM (SELECT "
        f"entity, slot, avg({role}) AS value FROM placed WHERE {role} >= 0 AND isfinite({role}) "
        "GROUP BY entity, slot) GROUP BY slot"
    )
