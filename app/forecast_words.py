"""Every word of the page *Forecast*; sentences with numbers in them are in `trust`."""

from collections.abc import Mapping

INTRO = (
    "What demand will come within the hour, and how wrong that may be, at any moment of a trace."
)
NONE = "There is no demand to forecast yet. Load a trace first."
TRACE, MODEL, OPTIONS = "Trace", "Forecaster", "Options"
MODEL_HELP = "The recommended one comes first once all were evaluated on this trace."
UNIT = "Demand as"
UNITS: Mapping[str, str] = {"rate": "Requests per second", "slots": "Busy slots"}
UNIT_HELP = (
    "Busy slots: how many requests would be in service if none had to wait. Their service times "
    "come from the cluster preset."
)
PRESET, POOL, ALL_POOLS = "Cluster preset", "Pool", "All pools"
SERIES_ONLY = "This trace is a recorded series: it is forecast as it is."

# Fan
FAN_TITLE = "Forecast and what came"
AT = "Moment of the forecast (cut-off)"
AT_HELP = "The forecast knows demand before this moment only. Drag it, or use the arrow keys."
EARLIER, LATER = "Earlier", "Later"
STEP_HELP = "By one step of the demand"
FORECASTING = "Forecasting"
KNOWN, MEDIAN, CAME = "Demand known by then", "Forecast: median and 80 % band", "What came"
OVERVIEW = "Whole trace; the line marks the moment above."
AHEAD, LOW, MIDDLE, HIGH, HELD = "Ahead", "Low (10 %)", "Median", "High (90 %)", "Inside the band?"
YES, NO, UNKNOWN = "yes", "**no**", "not known"
SEES_LATER = (
    "This forecaster was fitted to demand after this moment, so this is no fair test of it. "
    "Choose a moment in the last 15 % of the trace."
)
CHOICE_WEIGHTS = (
    "Drawn with the weights that the evaluation ended with, which know how the whole trace went; "
    "the forecasters in it know what came before this moment only, so the shipped network stands "
    "in for one that was fitted to later demand. The leaderboard scores the choice as it would "
    "have been at each moment."
)
DRIFT = (
    "The losses told of a drift at {at}, so a copy of the fitted network learned from demand up "
    "to {until}."
)
DRIFT_ON_TRIAL = "It is on trial: it has not surely lost less since, so it does not count yet."
DRIFT_COUNTS = "It counts {where} ahead, where it has lost less since."
DRIFT_TAKES_OVER = "It has taken over: it has lost less since."
UNCALIBRATED = "Too few earlier forecasts to calibrate the band on: it is as the model gave it."

# Whether to trust it
UNSCORED_TITLE = "Nobody knows yet whether to trust forecasts of this trace"
UNSCORED = (
    "Evaluate all forecasters: each is fitted to the first 70 % of the trace and tested on the "
    "last 15 %. Until then, take the band below as a claim, not as a fact."
)
EVALUATE, EVALUATE_AGAIN = "Evaluate all forecasters", "Evaluate again"
EVALUATED = "The evaluation is done and stored."
EVALUATE_TAKES = "Takes a few minutes, in the background. The result is kept."

# Leaderboard
SCORES_TITLE = "Leaderboard on this trace"
SCORES_HORIZON, ALL_HORIZONS = "Horizon", "All"
SCORES_ALT = "Forecasters by pinball loss on the tested part, with coverage, width and time"
SCORES_HEADS = {
    "model": "Forecaster",
    "pinball": "Pinball loss ({unit})",
    "against": "Against baseline",
    "mase": "MASE",
    "wape": "WAPE",
    "coverage": "Coverage",
    "width": "Width",
    "ms": "Time (fit)",
}
SCORES_HELP = "What the columns mean"
SCORES_MEANINGS = """
- **Pinball loss:** how far the three quantiles lay from what came, in the unit of demand; less \
is better. It punishes a band that is too wide as well as one that misses.
- **Against baseline:** pinball loss relative to the best of persistence, seasonal naive, \
exponential smoothing, AutoARIMA and boosted trees.
- **MASE:** error of the median over that of repeating the last value one step ahead in the \
training part; below 1 is better than that.
- **WAPE:** sum of the median's errors over the sum of demand.
- **Coverage:** share of outcomes inside the 80 % band; 77 to 83 % keeps the promise.
- **Width:** mean width of the band over mean demand.
- **Time (fit):** of one forecast over all horizons, and of fitting to the training part, on \
this machine.
- **The choice for this trace** and the **Ensemble** mix the others: the choice is the mean of \
the four that have lost least so far, ranked anew after every outcome; the ensemble has fixed \
weights from the validation part.
- All figures are of forecasters **as used** in the choice: as it is or calibrated online, \
whichever had lost less by then. The choice itself is calibrated.
"""
EARLIER_ENDS = ", and of what there was of it at {count} earlier ends, as that alone tells little"
CHOICE_LABEL = "The choice for this trace"
BEST_BADGE, BASELINE_BADGE = ":green-badge[best]", ":gray-badge[baseline]"
USE_BADGE = ":blue-badge[use this]"
TOO_NARROW, TOO_WIDE = "too narrow", "too wide"
BELOW_BAR, ABOVE_BAR = 0.77, 0.83
NOT_SCORED = "Not scored"

# Calibration
CALIBRATION_TITLE = "Is the band honest?"
CALIBRATION_CAPTION = (
    "An honest 80 % band holds 80 % of what comes; 77 to 83 % is shaded. Calibrated: on how "
    "earlier forecasts did. Uncalibrated: as the model gave it. As used: whichever of these had "
    "lost less by then; the choice is calibrated."
)
RAW, CALIBRATED, AS_USED = "Uncalibrated", "Calibrated", "As used"
COVERAGE_AXIS = "Inside the band (%)"
HORIZON_AXIS = "Horizon"
RELIABILITY_CAPTION = (
    "Share of outcomes at or below each quantile; on the dashed line it is what was promised."
)
NOMINAL_AXIS, OBSERVED_AXIS = "Promised (%)", "Observed (%)"
OVER_TIME_CAPTION = "Running share of outcomes inside the band over {window} tested moments."
COVERAGE_GO = "Work out its calibration"
FITTED_FIRST = (
    "This forecaster is fitted to what was known by then, which takes a while; moments nearby "
    "share a fit."
)
CHOICE_COVERAGE = (
    "This evaluation did not keep what the choice held over time. Choose **Evaluate again** to "
    "see it."
)
COVERAGE_WAITS = "This forecaster has to be fitted first, which takes a while."

# Attention
ATTENTION_TITLE = "What it looked at"
ATTENTION_NONE = "This forecaster has no attention to look at. Choose **{model}** to see some."
ATTENTION_FEATURES, ATTENTION_STEPS = "Attention over features", "Attention over the window"
ATTENTION_AXIS, ATTENTION_FEATURE, ATTENTION_WEIGHT = (
    "Steps before the moment",
    "Feature",
    "Weight",
)
ATTENTION_CAPTION = "Darker is more attention. The latest step is on the right."
FAITHFUL_TITLE = "Does the attention mean anything?"

# Fit
FIT_TITLE = "Fit to this trace"
FIT_TEXT = (
    "Fine-tunes the shipped forecaster on the first 85 % of this trace and keeps it beside the "
    "store. The last 15 % only say what that was worth. At a moment there, drifts that were seen "
    "by then make a copy learn again, on trial."
)
FIT_GO, FIT_AGAIN = "Fit to this trace", "Fit again"
FIT_LOOK = "Look at its forecast"
FIT_FIRST = "the first epoch"

FEATURES: Mapping[str, str] = {
    "cpu_mean": "CPU, mean",
    "cpu_max": "CPU, highest",
    "cpu_provisioned": "CPU provisioned",
    "mem_used": "Memory used",
    "mem_provisioned": "Memory provisioned",
    "disk_read": "Disk reads",
    "disk_write": "Disk writes",
    "disk_io_time": "Disk busy",
    "net_rx": "Network in",
    "net_tx": "Network out",
    "gpu_util": "GPU use",
    "request_rate": "Demand",
    "queue_length": "Queue",
    "inflight_tasks": "In service",
    "p95_latency": "p95 latency",
    "sla_violation_flag": "SLO broken",
    "active_units": "Workers ready",
    "pending_units": "Workers starting",
    "grid_carbon_intensity": "Carbon intensity",
    "green_energy_budget": "Green energy left",
    "sin_hour": "Time of day (sine)",
    "cos_hour": "Time of day (cosine)",
    "day_of_week": "Day of the week",
}
