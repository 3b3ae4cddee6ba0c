"""Forty-two situations made by hand, as records: what the golden sentences are made of."""

from engine.explain.decision import Decision, active_in, kind_of, ledger
from engine.explain.derived import derived
from engine.scenario import Guard, Hold, Priorities, Scenario

LIMITS = {
    "workers_min": 1.0, "workers_max": 20.0, "slots": 8.0, "startup_mean_s": 60.0,
    "slo_latency_s": 10.0, "tick_s": 15.0, "carbon_threshold_g_per_kwh": 400.0,
}  # fmt: skip
GUARDED = Scenario(
    guard=Guard(
        slo_quantile=0.95, out_workers=2, in_workers=1, cooldown_out_s=60.0,
        cooldown_in_s=300.0, budget_usd_per_hour=30.0, holds=(Hold(pool="chat"),),
    ),
    priorities=Priorities(carbon_threshold_g_per_kwh=400.0),
)  # fmt: skip


def made(policy, current, proposed, applied, reason, said, *changes, **given):
    """A record, its ledger made as for a stored one; changes are stages of the guard."""
    names = ("stage", "before", "after", "reason", "numbers")
    acted = [dict(zip(names, change, strict=True)) for change in changes]
    lines = ledger(active_in(GUARDED), proposed, current, acted)
    values = {
        "run_id": "0123456789ab", "number": 7, "t_s": 3900.0, "epoch_s": 1700139600.0,
        "policy": policy, "pool": "chat", "kind": kind_of(reason, current, applied),
        "current": current, "proposed": proposed, "applied": applied, "reason": reason,
        "size": None, "rationale": said, "guard": lines, "limits": LIMITS, "saw": {},
        "derived": derived(current, proposed, applied, said, 8.0),
    }  # fmt: skip
    return Decision(**(values | given))


def _hpa(current, wants, value, ratio, verdict="ready", **given):
    return {
        "min": 1, "max": 20, "target": 60, "tolerance": [0.1, 0.1], "window_s": [300.0, 0.0],
        "kind": "Utilization", "current": current, "status": current,
        "metric": {"value": value, "ratio": ratio, "verdict": verdict, "replicas": wants,
                   "filled_ratio": None},
        "proposed": wants, "stabilised": wants, "pace": 24, "limit": "DesiredWithinRange",
        "desired": wants,
    } | given  # fmt: skip


def _band(used, breached_s, wanted, left_s=0.0, proposed=None):
    return {
        "utilisation": used, "samples": 4, "upper": 0.75, "lower": 0.35, "breached_s": breached_s,
        "breach_s": 60.0, "cooldown_left_s": left_s, "cooldown_s": 300.0, "current": 4,
        "wanted": wanted, "min": 1, "max": 20,
        "proposed": wanted if proposed is None else proposed,
    }  # fmt: skip


def _demand(wanted, proposed, held=None, **given):
    return {
        "rate_per_s": 28.0, "service_s": 4.2, "target": 0.7, "slots": 8.0, "min": 1.0,
        "max": 20.0, "hold_s": 0.0, "wanted": wanted, "proposed": proposed,
        "held": proposed if held is None else held,
    } | given  # fmt: skip


def _ahead(wanted, proposed, queue_takes=0.0, **given):
    expected = round((wanted - queue_takes) * 8.0 * 0.7 / 2.2, 1)  # that takes so many workers
    return _demand(
        wanted, proposed, expected_per_s=expected, quantile=0.95, horizon_s=75.0,
        **({"service_s": 2.2} | given),
    )  # fmt: skip


def _learned(wanted, proposed, **given):
    weights = {"w_latency": 0.55, "w_utilisation": 0.1, "w_cost": 0.2, "w_reliability": 0.1,
               "w_carbon": 0.05}  # fmt: skip
    said = _demand(
        wanted,
        proposed,
        caution=0.4,
        service_s=2.2,
        expected_per_s=41.7,
        quantile=0.95,
        horizon_s=75.0,
        **weights,
        **given,
    )
    return {key: value for key, value in said.items() if key != "target"}


_GRID = {"threshold_g_per_kwh": 400.0, "soft_g_per_kwh": 50.0}
_FLOOR = {"quantile": 0.95, "demand_slots": 91.3, "slots": 8.0, "busy_frac": 0.9}
_PACE = {"out_workers": 2.0, "in_workers": 1.0, "period_s": 60.0}
_COOL = {"cooldown_s": 300.0, "since_s": 45.0}
_STATIC = {"min": 1, "max": 20, "slots": 8, "target": 0.75, "peak_busy_slots": 80.2,
           "wanted": 14, "proposed": 14}  # fmt: skip

SITUATIONS = {
    "hpa out": made("hpa", 12, 17.0, 17, "demand_up", _hpa(12, 17, 84, 1.4)),
    "hpa in": made("hpa", 12, 6.0, 6, "demand_down", _hpa(12, 6, 30, 0.5)),
    "hpa tolerance": made("hpa", 12, 12.0, 12, "within_tolerance",
        _hpa(12, 12, 62, 1.033, "within_tolerance")),
    "hpa stabilised": made("hpa", 12, 12.0, 12, "stabilized", _hpa(12, 6, 30, 0.5,
        stabilised=12, desired=12)),
    "hpa stabilised up": made("hpa", 12, 13.0, 13, "stabilized", _hpa(12, 17, 84, 1.4,
        stabilised=13, desired=13, window_s=[300.0, 60.0])),
    "hpa pace": made("hpa", 4, 8.0, 8, "rate_limit", _hpa(4, 15, 90, 3.75, target=24,
        pace=8, limit="ScaleUpLimit", desired=8)),
    "hpa max": made("hpa", 18, 20.0, 20, "max_workers", _hpa(18, 26, 84, 1.4,
        limit="TooManyReplicas", desired=20)),
    "hpa min": made("hpa", 2, 1.0, 1, "min_workers", _hpa(2, 0, 0, 0.0, limit="TooFewReplicas",
        desired=1)),
    "hpa rounding": made("hpa", 1, 1.0, 1, "rounding", _hpa(1, 1, 21, 0.35)),
    "hpa metrics missing": made("hpa", 5, 5.0, 5, "metrics_missing", _hpa(5, 5, 0, 1.0) | {
        "metric": {"failure": "FailedGetResourceMetric", "what": "no pod"}, "proposed": None}),
    "hpa unready": made("hpa", 2, 2.0, 2, "uncertain_metrics", _hpa(2, 2, 68, 1.133,
        "flipped") | {"metric": {"value": 68, "ratio": 1.133, "verdict": "flipped",
        "replicas": 2, "filled_ratio": 0.5667}}),
    "hpa filled": made("hpa", 4, 5.0, 5, "demand_up", _hpa(4, 5, 98, 1.633) | {"metric": {
        "value": 98, "ratio": 1.633, "verdict": "filled", "replicas": 5, "filled_ratio": 1.225}}),
    "hpa above max": made("hpa", 25, 20.0, 20, "max_workers", _hpa(25, 20, 0, 1.0) | {
        "metric": None, "proposed": None, "limit": "TooManyReplicas"}),
    "hpa at zero": made("hpa", 0, 0.0, 0, "disabled", _hpa(0, 0, 0, 1.0) | {
        "metric": None, "proposed": None}),
    "hpa in flight": made("hpa:metric=in_flight", 4, 6.0, 6, "demand_up", _hpa(4, 6, 8400, 1.5,
        kind="AverageValue", target=5600)),
    "threshold band": made("threshold", 4, 4.0, 4, "within_band", _band(0.52, 0.0, 4)),
    "threshold too short": made("threshold", 4, 4.0, 4, "breach_too_short", _band(0.82, 45.0, 4)),
    "threshold cooldown": made("threshold", 4, 4.0, 4, "cooldown", _band(0.2, 90.0, 4, 210.0)),
    "threshold out": made("threshold", 4, 5.0, 5, "demand_up", _band(0.9, 60.0, 5)),
    "threshold max": made("threshold", 20, 20.0, 20, "max_workers",
        _band(0.97, 120.0, 21, proposed=20)),
    "threshold missing": made("threshold", 4, 4.0, 4, "metrics_missing", _band(None, 0.0, 4)),
    "static": made("static", 1, 14.0, 14, "fixed", _STATIC),
    "reactive out": made("reactive", 12, 21.0, 20, "max_workers", _demand(21.0, 20.0, 21.0)),
    "reactive min": made("reactive", 2, 3.0, 3, "min_workers", _demand(2.0, 3.0, 2.0,
        min=3.0, service_s=0.4)),
    "reactive rounded": made("reactive", 2, 3.0, 3, "demand_up", _demand(2.4, 3.0,
        min=3.0, service_s=0.48)),
    "reactive same": made("reactive", 21, 21.0, 21, "within_tolerance", _demand(21.0, 21.0)),
    "predictive out": made("predictive", 12, 17.0, 17, "demand_up", _ahead(16.3, 17.0)),
    "predictive queue": made("predictive", 12, 19.0, 19, "demand_up",
        _ahead(18.2, 19.0, 1.9, queued=414.0, drain_s=60.0)),
    "predictive held": made("predictive:hold_s=300", 17, 17.0, 17, "stabilized",
        _ahead(9.1, 17.0, hold_s=300.0)),
    "predictive unknown": made("predictive", 1, -1.0, 1, "metrics_missing", {"wanted": None}),
    "predictive silent": made("predictive", 12, -1.0, 12, "not_due", {}),
    "learned out": made("smartscale", 12, 17.0, 17, "demand_up", _learned(16.4, 17.0)),
    "oracle": made("oracle", 12, 14.0, 14, "fixed", {"planned": 14}),
    "carbon mask": made("predictive", 12, 17.0, 12, "carbon", _ahead(16.3, 17.0),
        ("carbon", 17, 12, "carbon", _GRID | {"g_per_kwh": 460.0})),
    "carbon soft": made("predictive", 12, 17.0, 14, "carbon", _ahead(16.3, 17.0),
        ("carbon", 17, 14, "carbon", _GRID | {"g_per_kwh": 372.0})),
    "floor over mask": made("predictive", 8, 17.0, 13, "slo_floor", _ahead(16.3, 17.0),
        ("carbon", 17, 8, "carbon", _GRID | {"g_per_kwh": 460.0}),
        ("slo", 8, 13, "slo_floor", _FLOOR)),
    "guard rate": made("predictive", 12, 17.0, 14, "rate_limit", _ahead(16.3, 17.0),
        ("rate", 17, 14, "rate_limit", _PACE)),
    "guard cooldown": made("predictive", 12, 9.0, 12, "cooldown", _ahead(8.4, 9.0),
        ("cooldown", 9, 12, "cooldown", _COOL)),
    "guard budget": made("predictive", 8, 17.0, 10, "budget", _ahead(16.3, 17.0),
        ("budget", 17, 10, "budget", {"budget_usd_per_hour": 30.0, "price_usd_per_hour": 3.0})),
    "no room": made("predictive", 12, 17.0, 15, "no_room", _ahead(16.3, 17.0),
        ("placement", 17, 15, "no_room", {"room_workers": 15.0})),
    "hold": made("predictive", 8, 17.0, 8, "held", _ahead(16.3, 17.0),
        ("hold", 17, 8, "held", {"left_s": 1500.0}), hold_why="launch day"),
    "outside policy": made("own", 3, 5.0, 5, "demand_up", {}),
}  # fmt: skip
