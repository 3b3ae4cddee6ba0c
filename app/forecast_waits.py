"""What is being waited for on the page *Forecast*, and for about how long. Pure."""

from collections.abc import Mapping

from app import forecast_words as words
from app import formats
from app.trust import within
from engine.forecast.evaluation import CHOICE, Evaluation
from engine.forecast.mixture import weights_of
from engine.forecast_runs import FITTED


def waiting(model: str, stored: Evaluation | None, labels: Mapping[str, str]) -> str:
    """What is being waited for, and for about how long."""
    known = {} if stored is None else stored.fit_s
    names = {model}
    if stored is not None and model == CHOICE:
        names = {name for of in weights_of(stored.weights).values() for name in of}
    about_s = sum(known.get(name, 0.0) for name in names - {FITTED})
    about = f", about {formats.duration(round(about_s))}" if about_s >= 1 else ""
    return f"Fitting {within(labels[model])} to what was known by then{about}"


def fitting(name: str) -> str:
    """Title of a fit under way."""
    return f"Fitting the forecaster to {name}"


def evaluating(name: str) -> str:
    """Title of an evaluation under way."""
    return f"Evaluating forecasters on {name}"


def takes(wall_s: float | None) -> str:
    """How long an evaluation takes."""
    if wall_s is None:
        return words.EVALUATE_TAKES
    return f"Took {formats.duration(wall_s)} the last time, in the background."
