"""What a kept forecaster learned after a drift, as the page says it."""

from types import SimpleNamespace

import pytest

from app import forecast_drift
from engine.forecast.watch import Learned


def learned(*horizons_s):
    return Learned(
        noticed_s=3600.0, until_s=3660.0, horizons_s=horizons_s, of_s=(60.0, 300.0, 900.0)
    )


@pytest.mark.parametrize(
    ("horizons_s", "end"),
    [
        ((), "on trial: it has not surely lost less since, so it does not count yet."),
        ((60.0, 900.0), "It counts 1 min and 15 min ahead, where it has lost less since."),
        ((60.0, 300.0, 900.0), "It has taken over: it has lost less since."),
    ],
)
def test_it_says_when_a_drift_was_seen_what_was_learned_and_where_that_counts(horizons_s, end):
    told = forecast_drift.told(SimpleNamespace(learned=(learned(*horizons_s),)), None)
    assert "a drift at 1:00:00" in told
    assert "demand up to 1:01:00" in told
    assert told.endswith(end)


def test_each_drift_has_its_sentences_and_without_one_there_are_none():
    both = SimpleNamespace(learned=(learned(), learned(60.0)))
    assert forecast_drift.told(both, None).count("told of a drift") == 2
    assert forecast_drift.told(SimpleNamespace(learned=()), None) == ""
