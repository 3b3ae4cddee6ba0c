"""What a kept forecaster learned after a drift, in plain sentences. Pure."""

from app import forecast_words as words
from app import formats
from engine.forecast.fan import Fan
from engine.forecast.watch import Learned


def told(fan: Fan, epoch_s: float | None) -> str:
    """When drifts were seen, what was learned from, and where that counts; empty without any."""
    return " ".join(_one(entry, epoch_s) for entry in fan.learned)


def _one(entry: Learned, epoch_s: float | None) -> str:
    at, until = (formats.instant(epoch_s, time_s) for time_s in (entry.noticed_s, entry.until_s))
    text = words.DRIFT.format(at=at, until=until)
    if not entry.horizons_s:
        return f"{text} {words.DRIFT_ON_TRIAL}"
    if entry.horizons_s == entry.of_s:
        return f"{text} {words.DRIFT_TAKES_OVER}"
    where = formats.listed([formats.duration(horizon) for horizon in entry.horizons_s])
    return f"{text} {words.DRIFT_COUNTS.format(where=where)}"
