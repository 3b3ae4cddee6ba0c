"""Staged readings become a canonical series or carbon intensity: regular, complete, in order."""

from dataclasses import replace

from engine.errors import TraceError
from engine.store.feature_cells import make_features
from engine.store.grid import expand_runs, fill_gaps, find_interval_s, make_cells
from engine.store.profile_series import profile_series
from engine.store.readings import make_readings, order_findings, take_out_faults
from engine.store.ready import Ready
from engine.store.work import Work
from engine.trace.plan import Plan, Shape
from engine.trace.schema import Kind

__all__ = ["finish_series", "ready_series"]

_COLUMNS = {
    Kind.SERIES: ("entity", "value", "value"),
    Kind.CARBON: ("region", "g_per_kwh", "carbon"),
}
"""Names of entity and value in the store, and the role of the value."""


def ready_series(work: Work, plan: Plan, name: str) -> Ready:
    """Makes the relation `ready` from `stage`.

    Args:
        work: whose cursor sees `stage`.
        plan: what was staged.
        name: of the file, for messages.

    Raises:
        TraceError: no times, too many faulty values, or a clock that cannot be followed.
    """
    entity, _, role = _COLUMNS[plan.kind]
    epoch_s = make_readings(work, plan, entity, role, name)
    findings = take_out_faults(work, plan, name)
    interval_s = plan.interval_s or find_interval_s(work, name)
    findings += order_findings(work, interval_s, name)
    if plan.shape is Shape.RUN_LENGTH:
        findings += expand_runs(work, interval_s, name)
    findings += make_cells(work, plan, interval_s, name)
    findings += fill_gaps(work, interval_s, name)
    if work.one("SELECT count(*) FROM filled") == (0,):
        raise TraceError("no usable value is left", name, "Check which column is the value")
    unit = plan.value_unit if plan.kind is Kind.SERIES else "g_per_kwh"
    ready = finish_series(work, plan.kind, unit, interval_s, epoch_s)
    if plan.features:
        make_features(work, plan, interval_s)
        ready = replace(ready, beside={"series_features": "ready_features"})
    return ready.with_findings(tuple(findings))


def finish_series(
    work: Work, kind: Kind, unit: str | None, interval_s: float, epoch_s: float | None
) -> Ready:
    """Makes the relation `ready` from `filled` (entity, slot, value, imputed)."""
    entity, value, _ = _COLUMNS[kind]
    work.run(
        f"CREATE TEMP TABLE ready AS SELECT entity AS {entity}, "
        f"slot * {interval_s!r}::DOUBLE AS t_s, value AS {value}, imputed FROM filled "
        "ORDER BY entity, slot"
    )
    rows, last_s = work.one("SELECT count(*), max(t_s) FROM ready")
    return Ready(
        kind=kind,
        table=kind.value,
        columns={name: name for name in (entity, "t_s", value, "imputed")},
        rows=rows,
        duration_s=float(last_s) + interval_s,
        epoch_s=epoch_s,
        findings=(),
        profile=profile_series(work, kind, unit, interval_s, epoch_s),
        unit=unit,
        interval_s=interval_s,
    )
